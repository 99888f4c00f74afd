import Crypto
import Foundation

/// The private key of a cluster, Ed25519, which signs the blocks of its local ledger.
///
/// The caller keeps its 32 bytes in a file that only the owner can read. Its public key also makes the ledger's domain, so
/// that nothing signed for one ledger is valid on another (ledger specification, §3).
public struct ClusterKey: Sendable {
    /// The 32 bytes of the public key.
    public let publicKey: [UInt8]

    private let key: Curve25519.Signing.PrivateKey

    /// Draws a key from the system's randomness.
    public init() {
        self.init(Curve25519.Signing.PrivateKey())
    }

    /// Takes the 32 bytes of ``rawRepresentation``; `nil` for any other number.
    public init?(rawRepresentation: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: rawRepresentation) else { return nil }
        self.init(key)
    }

    private init(_ key: Curve25519.Signing.PrivateKey) {
        self.key = key
        publicKey = Array(key.publicKey.rawRepresentation)
    }

    /// The 32 secret bytes, to be stored for the owner alone and shown nowhere.
    public var rawRepresentation: [UInt8] { Array(key.rawRepresentation) }

    /// Signs bytes; `nil` when the library fails, which a sound key never meets.
    func sign(_ bytes: [UInt8]) -> [UInt8]? {
        (try? key.signature(for: bytes)).map { Array($0) }
    }
}

extension ClusterKey: CustomStringConvertible, CustomReflectable {
    /// Says nothing of the key.
    public var description: String { "ClusterKey" }

    /// Shows nothing, so that `dump` cannot print the secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Checks signatures of a cluster.
struct ClusterVerifier: Sendable {
    private let key: Curve25519.Signing.PublicKey

    init?(publicKey: [UInt8]) {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return nil }
        self.key = key
    }

    func isValid(_ signature: [UInt8], for bytes: [UInt8]) -> Bool {
        key.isValidSignature(signature, for: bytes)
    }
}
