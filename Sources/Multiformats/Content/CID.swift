/// The id of a piece of content: its hash and how to read it (multiformats/cid).
///
/// Version 0 is a bare SHA-256 of a dag-pb node, written `Qm…`. Version 1 says its codec and base, `b…`.
public struct CID: Hashable, Sendable, CustomStringConvertible {
    /// Which form the id has.
    public enum Version: UInt64, Hashable, Sendable {
        /// A bare SHA-256 multihash.
        case v0 = 0
        /// Version, codec, multihash.
        case v1 = 1
    }

    /// The number of a content type in the multicodec table.
    public struct Codec: RawRepresentable, Hashable, Sendable {
        /// The number.
        public let rawValue: UInt64

        /// Names a codec by its number, known here or not.
        public init(rawValue: UInt64) {
            self.rawValue = rawValue
        }

        /// Bytes without structure.
        public static let raw = Codec(rawValue: 0x55)
        /// A node of a Merkle graph as UnixFS writes it.
        public static let dagPB = Codec(rawValue: 0x70)
        /// A public key; the CID form of a peer id.
        public static let libp2pKey = Codec(rawValue: 0x72)
    }

    /// The form.
    public let version: Version
    /// How the content is read.
    public let codec: Codec
    /// The hash of the content.
    public let hash: Multihash

    /// The version 1 id of content with this hash.
    public init(_ codec: Codec, _ hash: Multihash) {
        version = .v1
        self.codec = codec
        self.hash = hash
    }

    /// The version 0 id of a dag-pb node; `nil` if the hash is no SHA-256.
    public init?(v0 hash: Multihash) {
        guard hash.code == .sha256 else { return nil }
        version = .v0
        codec = .dagPB
        self.hash = hash
    }

    /// Reads the binary form, which must be all of the bytes.
    public init(bytes: some Collection<UInt8>) throws(CIDError) {
        if bytes.starts(with: [0x12, 0x20]) {
            guard let id = CID(v0: try Self.multihash(bytes)) else { throw .unknownVersion(0) }
            self = id
            return
        }
        let version = try Self.uvarint(bytes)
        guard version.value == 1 else { throw .unknownVersion(version.value) }
        let afterVersion = bytes.dropFirst(version.length)
        let codec = try Self.uvarint(afterVersion)
        self.init(Codec(rawValue: codec.value), try Self.multihash(afterVersion.dropFirst(codec.length)))
    }

    /// Reads the text form: 46 characters from `Qm` for version 0, multibase otherwise.
    public init(_ text: String) throws(CIDError) {
        do {
            if text.utf8.count == 46, text.hasPrefix("Qm") {
                try self.init(bytes: Base58.decode(text))
            } else {
                let bytes = try Multibase.decode(text).bytes
                // A version 0 id has no multibase form (multiformats/cid, "Decoding algorithm").
                if bytes.starts(with: [0x12, 0x20]) { throw CIDError.unknownVersion(0) }
                try self.init(bytes: bytes)
            }
        } catch let error as CIDError {
            throw error
        } catch let error as MultibaseError {
            throw .text(error)
        } catch {
            throw .truncated
        }
    }

    /// The binary form.
    public var bytes: [UInt8] {
        switch version {
        case .v0: hash.bytes
        case .v1: Varint.encode(version.rawValue) + Varint.encode(codec.rawValue) + hash.bytes
        }
    }

    /// The text form: base58btc for version 0, base32 for version 1.
    public var description: String {
        switch version {
        case .v0: Base58.encode(bytes)
        case .v1: Multibase.base32.encode(bytes)
        }
    }

    private static func uvarint(_ bytes: some Collection<UInt8>) throws(CIDError) -> (value: UInt64, length: Int) {
        let decoded: (value: UInt64, length: Int)?
        do { decoded = try Varint.decode(bytes) } catch { throw .varint(error) }
        guard let decoded else { throw .truncated }
        return decoded
    }

    private static func multihash(_ bytes: some Collection<UInt8>) throws(CIDError) -> Multihash {
        do { return try Multihash(bytes: bytes) } catch { throw .multihash(error) }
    }
}

/// Why something is not a content id.
public enum CIDError: Error, Hashable {
    /// The text is in no known base.
    case text(MultibaseError)
    /// A number is malformed.
    case varint(VarintError)
    /// The bytes end too early.
    case truncated
    /// Neither version 0 in its bare form nor version 1.
    case unknownVersion(UInt64)
    /// The hash is malformed.
    case multihash(MultihashError)
}
