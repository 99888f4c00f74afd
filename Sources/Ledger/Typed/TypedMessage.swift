/// A message that a user, a node or Nexus signs: EIP-712 typed data (ledger specification, §3).
public protocol TypedMessage: Hashable, Sendable {
    /// The name of the type and its fields, exactly as they are hashed.
    static var typeString: String { get }

    /// keccak256 of `typeString`.
    static var typeHash: Bytes32 { get }

    /// One word a field, in the order of `typeString`.
    var fields: [Bytes32] { get }
}

extension TypedMessage {
    /// keccak256 of the type hash and the fields.
    public var structHash: Bytes32 {
        var keccak = Keccak256()
        keccak.update(Self.typeHash)
        for field in fields { keccak.update(field) }
        return keccak.finalize()
    }

    /// The 66 bytes that are signed: `0x1901`, the domain separator and the struct hash.
    public func signingBytes(in domain: TypedDomain) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(66)
        bytes.append(0x19)
        bytes.append(0x01)
        domain.separator.append(to: &bytes)
        structHash.append(to: &bytes)
        return bytes
    }

    /// What secp256k1 signs, and the challenge of a passkey: keccak256 of the signing bytes.
    public func keccakDigest(in domain: TypedDomain) -> Bytes32 {
        Keccak256.hash(signingBytes(in: domain))
    }

    /// What a P-256 session key signs: SHA-256 of the signing bytes.
    public func sha256Digest(in domain: TypedDomain) -> Bytes32 {
        Bytes32(sha256: signingBytes(in: domain))
    }
}

extension UserID {
    /// The number as a word.
    var word: Bytes32 { Bytes32(number: number) }
}

extension NodeID {
    /// The number as a word.
    var word: Bytes32 { Bytes32(number: number) }
}

extension Nano {
    /// The amount as a word.
    var word: Bytes32 { Bytes32(number: count) }
}
