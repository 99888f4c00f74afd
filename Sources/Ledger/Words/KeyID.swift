/// The curve of a key or of a root, with the number that messages and records carry (ledger specification, §3).
public enum KeyKind: UInt8, Hashable, Sendable, Codable, CaseIterable {
    /// secp256k1: wallets, and the signing keys of nodes.
    case secp256k1 = 1
    /// P-256: passkeys and session keys of devices.
    case p256 = 2
}

/// The 20 bytes that name a session key or a root (ledger specification, §1 "key").
///
/// For secp256k1 they are the address, for P-256 the last 20 bytes of keccak256(x, y).
public struct KeyID: Hashable, Sendable {
    let storage: Bytes20

    /// Names no key.
    public static let zero = KeyID(secp256k1: .zero)

    /// Takes exactly 20 bytes; `nil` for any other number.
    public init?(_ bytes: [UInt8]) {
        guard let storage = Bytes20(bytes) else { return nil }
        self.storage = storage
    }

    /// The id of the secp256k1 key that has this address.
    public init(secp256k1 address: Address) {
        storage = address.storage
    }

    /// The id of the P-256 key at this point, which is not checked to be on the curve.
    public init(p256x x: Bytes32, y: Bytes32) {
        var keccak = Keccak256()
        keccak.update(x)
        keccak.update(y)
        storage = Bytes20(lastOf: keccak.finalize())
    }

    /// Reads `0x` and 40 digits of any case; `nil` for anything else.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// The 20 bytes.
    public var bytes: [UInt8] { storage.bytes }

    /// The same bytes as an address, which is how contracts hold the id.
    public var address: Address { Address(lastOf: word) }

    /// The id at the end of a word of zeros, as `abi.encode` places it.
    public var word: Bytes32 { storage.word }
}

extension KeyID: Comparable {
    /// Orders by bytes.
    public static func < (left: KeyID, right: KeyID) -> Bool { left.storage < right.storage }
}

extension KeyID: HexCoded, CustomStringConvertible {
    /// `0x` and 40 lower-case digits.
    public var description: String { Hex.encode(bytes) }
}
