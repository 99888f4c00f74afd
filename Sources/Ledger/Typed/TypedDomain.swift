import Crypto

/// The ledger for which a message is signed: an EIP-712 domain of name `Lattice` and version `1`.
///
/// It enters every digest, so that nothing signed for one ledger is valid on another (ledger specification, §3).
public struct TypedDomain: Hashable, Sendable {
    /// The name in the domain.
    public static let name = "Lattice"

    /// The version in the domain; another set of contracts has another.
    public static let version = "1"

    /// The chain, or the number that stands for a local ledger.
    public let chainID: UInt64

    /// The UserRegistry, or the address that stands for a local ledger.
    public let verifyingContract: Address

    /// The domain separator: the hash of all fields.
    public let separator: Bytes32

    private static let typeHash = ABI.eventTopic(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    )

    /// The domain of the UserRegistry at an address of a chain.
    public init(chainID: UInt64, verifyingContract: Address) {
        self.chainID = chainID
        self.verifyingContract = verifyingContract
        var keccak = Keccak256()
        keccak.update(Self.typeHash)
        keccak.update(Keccak256.hash(Array(Self.name.utf8)))
        keccak.update(Keccak256.hash(Array(Self.version.utf8)))
        keccak.update(Bytes32(number: chainID))
        keccak.update(verifyingContract.word)
        separator = keccak.finalize()
    }

    /// The domain of a local ledger.
    ///
    /// With `h` the SHA-256 of the cluster's public key, the chain is the first 8 bytes of `h` with the top bit set,
    /// a number that no chain has, and the contract is the last 20 bytes of `h` (ledger specification, §3).
    public static func local(clusterPublicKey: [UInt8]) -> TypedDomain {
        let digest = Bytes32(sha256: clusterPublicKey)
        return TypedDomain(chainID: digest.words.0 | 1 << 63, verifyingContract: Address(lastOf: digest))
    }
}

extension Bytes32 {
    /// The SHA-256 of `bytes`.
    public init(sha256 bytes: [UInt8]) {
        let digest = Array(SHA256.hash(data: bytes))
        self.init(digest.span, at: 0)
    }
}
