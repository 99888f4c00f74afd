import Crypto
import FoundationEssentials

/// A peer's identity: an Ed25519 key pair.
///
/// Its description shows the public half only, so that a log line or an error cannot give the key away.
public struct Keypair: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let key: Curve25519.Signing.PrivateKey

    /// The public half.
    public let publicKey: PublicKey
    /// The id that peers know the owner by.
    public let peerID: PeerID

    /// A new identity.
    public init() {
        self.init(Curve25519.Signing.PrivateKey())
    }

    /// The identity that 32 secret bytes stand for (RFC 8032 §5.1.5).
    public init(seed: [UInt8]) throws(KeyError) {
        guard seed.count == 32, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw .invalidKey
        }
        self.init(key)
    }

    private init(_ key: Curve25519.Signing.PrivateKey) {
        self.key = key
        publicKey = PublicKey(key.publicKey)
        peerID = PeerID(publicKey: publicKey)
    }

    /// Reads libp2p's `PrivateKey` message: kind (field 1), then seed and public key together (field 2).
    public init(protobuf bytes: some Collection<UInt8>) throws(KeyError) {
        let (kind, data) = try keyFields(bytes, limit: PublicKey.maximumByteCount)
        guard kind == PublicKey.Kind.ed25519.rawValue else { throw .unsupportedKind(kind) }
        // An old form repeats the public key once more (libp2p specs, peer-ids, "Ed25519").
        guard data.count == 64 || data.count == 96 else { throw .invalidKey }
        try self.init(seed: Array(data[..<32]))
        for start in stride(from: 32, to: data.count, by: 32) {
            guard Array(data[start..<start + 32]) == publicKey.rawBytes else { throw .invalidKey }
        }
    }

    /// libp2p's `PrivateKey` message, secret: `08011240 | seed | public key`.
    public var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        writer.varint(PublicKey.Kind.ed25519.rawValue, field: 1)
        writer.bytes(Array(key.rawRepresentation) + publicKey.rawBytes, field: 2)
        return writer.bytes
    }

    /// The signature of a message, 64 bytes.
    ///
    /// Fails only if the system has no random bytes left to give.
    public func sign(_ message: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: message))
    }

    /// Names the peer, never the key.
    public var description: String { "Keypair(\(peerID))" }

    /// Names the peer, never the key.
    public var debugDescription: String { description }

    /// Shows the peer, never the key.
    public var customMirror: Mirror {
        Mirror(self, children: ["peerID": peerID])
    }
}
