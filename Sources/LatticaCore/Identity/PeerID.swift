public import Multiformats

import Crypto
import FoundationEssentials

/// The name of a peer, made from its public key, so that nobody else can prove to have it (libp2p specs, peer-ids).
///
/// It is a multihash of the key's protobuf form: the identity "hash" for keys of up to 42 bytes, which Ed25519 keys
/// are, SHA-256 for longer ones. Written in base58btc: `12D3KooW…` or `Qm…`.
public struct PeerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Keys of up to this many bytes are their own id.
    static let longestInlinedKey = 42

    /// The multihash.
    public let bytes: [UInt8]

    /// Takes the bytes of a multihash: SHA-256, or identity with a key that is understood.
    public init(bytes: some Collection<UInt8>) throws(PeerIDError) {
        let hash: Multihash
        do { hash = try Multihash(bytes: bytes) } catch { throw .multihash(error) }
        try self.init(hash)
    }

    private init(_ hash: Multihash) throws(PeerIDError) {
        switch hash.code {
        case .sha256: break
        case .identity:
            guard hash.digest.count <= Self.longestInlinedKey else { throw .keyTooLong(hash.digest.count) }
            // Any other form of the key's message would be a second id of the same peer.
            guard let key = try? PublicKey(protobuf: hash.digest), key.protobuf == hash.digest else {
                throw .invalidKey
            }
        default: throw .unsupportedHash(hash.code.rawValue)
        }
        bytes = hash.bytes
    }

    /// Reads base58btc (`12D3KooW…`, `Qm…`), or a CID of a key in any base.
    public init(text: String) throws(PeerIDError) {
        if text.hasPrefix("1") || text.hasPrefix("Qm") {
            let bytes: [UInt8]
            do { bytes = try Base58.decode(text) } catch { throw .text(error) }
            try self.init(bytes: bytes)
        } else {
            let id: CID
            do { id = try CID(text) } catch { throw .cid(error) }
            guard id.codec == .libp2pKey else { throw .unexpectedCodec(id.codec.rawValue) }
            try self.init(id.hash)
        }
    }

    /// The id of the peer that has this key.
    public init(publicKey: PublicKey) {
        let key = publicKey.protobuf
        if key.count <= Self.longestInlinedKey {
            bytes = [UInt8(Multihash.Code.identity.rawValue), UInt8(key.count)] + key
        } else {
            bytes = [UInt8(Multihash.Code.sha256.rawValue), 32] + SHA256.hash(data: key)
        }
    }

    /// The public key, where the id holds it; `nil` if the id is a hash.
    public var publicKey: PublicKey? {
        guard bytes.first == UInt8(Multihash.Code.identity.rawValue) else { return nil }
        return try? PublicKey(protobuf: bytes.dropFirst(2))
    }

    /// The id in base58btc.
    public var description: String { Base58.encode(bytes) }

    /// An order without meaning that every peer agrees on: that of the bytes.
    public static func < (left: PeerID, right: PeerID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension PeerID: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(text: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no peer id: \(error)")
        }
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Multiaddr {
    /// The peer that the address leads to: its last layer, if that is `p2p` with an id of a kind that is understood.
    public var peerID: PeerID? {
        peerIDBytes.flatMap { try? PeerID(bytes: $0) }
    }

    /// This address with the id of a peer behind it.
    public func appending(_ peer: PeerID) -> Multiaddr {
        appending(.p2p(peer.bytes))
    }
}

/// Why something is not the id of a peer.
public enum PeerIDError: Error, Hashable {
    /// The bytes are not a multihash.
    case multihash(MultihashError)
    /// The text is not base58btc.
    case text(MultibaseError)
    /// The text is not a content id.
    case cid(CIDError)
    /// The content id is not one of a key.
    case unexpectedCodec(UInt64)
    /// Ids are made with SHA-256 or without hashing, not with this function.
    case unsupportedHash(UInt64)
    /// A key so long must be hashed.
    case keyTooLong(Int)
    /// The key inside is malformed, of a kind that is not understood, or not written the canonical way.
    case invalidKey
}
