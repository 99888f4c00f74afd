import Crypto
import FoundationEssentials
import Multiformats

/// The public half of a peer's identity.
///
/// Peers here have Ed25519 keys. Signatures of peers with ECDSA keys on P-256 can be checked too; RSA and secp256k1
/// keys are refused, which no peer of the networks in view uses (libp2p specs, peer-ids).
public struct PublicKey: Hashable, Sendable {
    /// The kinds of keys that are understood, with their numbers on the wire.
    public enum Kind: UInt64, Hashable, Sendable {
        /// Ed25519 (RFC 8032): 32 bytes.
        case ed25519 = 1
        /// ECDSA on P-256: the DER form of a SubjectPublicKeyInfo.
        case ecdsa = 3
    }

    /// The longest protobuf form taken; an Ed25519 key has 36 bytes, a P-256 key 95.
    public static let maximumByteCount = 256

    /// What kind of key it is.
    public let kind: Kind
    /// The key in the form of its kind.
    public let rawBytes: [UInt8]

    /// An Ed25519 key of 32 bytes.
    public init(ed25519 rawBytes: [UInt8]) throws(KeyError) {
        try self.init(.ed25519, rawBytes: rawBytes)
    }

    /// A key that comes from its private half.
    init(_ key: Curve25519.Signing.PublicKey) {
        kind = .ed25519
        rawBytes = Array(key.rawRepresentation)
    }

    private init(_ kind: Kind, rawBytes: [UInt8]) throws(KeyError) {
        switch kind {
        case .ed25519:
            guard rawBytes.count == 32 else { throw .invalidKey }
        case .ecdsa:
            guard (try? P256.Signing.PublicKey(derRepresentation: rawBytes)) != nil else { throw .invalidKey }
        }
        self.kind = kind
        self.rawBytes = rawBytes
    }

    /// Reads libp2p's `PublicKey` message: kind (field 1) and key (field 2).
    public init(protobuf bytes: some Collection<UInt8>) throws(KeyError) {
        let (kind, data) = try keyFields(bytes, limit: Self.maximumByteCount)
        guard let known = Kind(rawValue: kind) else { throw .unsupportedKind(kind) }
        try self.init(known, rawBytes: data)
    }

    /// libp2p's `PublicKey` message, the form that peer ids are made of: `08011220 | key` for Ed25519.
    public var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        writer.varint(kind.rawValue, field: 1)
        writer.bytes(rawBytes, field: 2)
        return writer.bytes
    }

    /// Whether the owner of the key signed the message.
    ///
    /// ECDSA signatures are DER, over SHA-256 of the message.
    public func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        switch kind {
        case .ed25519:
            guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: rawBytes) else { return false }
            return key.isValidSignature(signature, for: message)
        case .ecdsa:
            guard let key = try? P256.Signing.PublicKey(derRepresentation: rawBytes),
                let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: message)
        }
    }
}

/// The two fields that public and private keys consist of.
func keyFields(_ bytes: some Collection<UInt8>, limit: Int) throws(KeyError) -> (kind: UInt64, data: [UInt8]) {
    guard bytes.count <= limit else { throw .tooLong(limit: limit) }
    var reader = ProtobufReader(Array(bytes))
    var kind: UInt64?
    var data: [UInt8]?
    do throws(ProtobufError) {
        while let field = try reader.next() {
            switch field.number {
            case 1: kind = try field.varint()
            case 2: data = try field.bytes()
            default: break
            }
        }
        guard let kind else { throw ProtobufError.missing(field: 1) }
        guard let data else { throw ProtobufError.missing(field: 2) }
        return (kind, data)
    } catch {
        throw .malformed(error)
    }
}

/// Why bytes are not a key.
public enum KeyError: Error, Hashable {
    /// They are not the message that keys are written in.
    case malformed(ProtobufError)
    /// They are more than any key has.
    case tooLong(limit: Int)
    /// A kind of key that is not understood here; the number is libp2p's: 0 is RSA, 2 is secp256k1.
    case unsupportedKind(UInt64)
    /// The key is not valid for its kind, or the halves of a pair do not belong together.
    case invalidKey
}
