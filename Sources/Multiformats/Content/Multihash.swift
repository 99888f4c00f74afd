/// A digest that says which function made it (multiformats/multihash).
public struct Multihash: Hashable, Sendable {
    /// The number of a hash function in the multicodec table.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The number.
        public let rawValue: UInt64

        /// Names a function by its number, known here or not.
        public init(rawValue: UInt64) {
            self.rawValue = rawValue
        }

        /// No hashing: the digest is the content itself.
        ///
        /// Ids of short public keys are made so.
        public static let identity = Code(rawValue: 0x00)
        /// SHA-256, 32 bytes.
        public static let sha256 = Code(rawValue: 0x12)
    }

    /// No hash function in the table gives more than 64 bytes; identity is allowed some more.
    public static let maximumDigestLength = 128

    /// The function.
    public let code: Code
    /// What it gave.
    public let digest: [UInt8]

    /// Joins a function and a digest of it.
    public init(_ code: Code, digest: [UInt8]) throws(MultihashError) {
        guard digest.count <= Self.maximumDigestLength else { throw .tooLong(digest.count) }
        if code == .sha256, digest.count != 32 { throw .wrongLength(digest.count) }
        self.code = code
        self.digest = digest
    }

    /// Reads `uvarint(code) | uvarint(length) | digest`, which must be all of the bytes.
    public init(bytes: some Collection<UInt8>) throws(MultihashError) {
        guard let code = try Self.uvarint(bytes) else { throw .truncated }
        let afterCode = bytes.dropFirst(code.length)
        guard let length = try Self.uvarint(afterCode) else { throw .truncated }
        guard length.value <= UInt64(Self.maximumDigestLength) else { throw .tooLong(Int(clamping: length.value)) }
        let digest = Array(afterCode.dropFirst(length.length).prefix(Self.maximumDigestLength + 1))
        guard digest.count >= Int(length.value) else { throw .truncated }
        guard digest.count == Int(length.value) else { throw .trailingBytes }
        try self.init(Code(rawValue: code.value), digest: digest)
    }

    /// `uvarint(code) | uvarint(length) | digest`.
    public var bytes: [UInt8] {
        Varint.encode(code.rawValue) + Varint.encode(UInt64(digest.count)) + digest
    }

    private static func uvarint(
        _ bytes: some Collection<UInt8>
    ) throws(MultihashError) -> (value: UInt64, length: Int)? {
        do { return try Varint.decode(bytes) } catch { throw .varint(error) }
    }
}

/// Why bytes are not a multihash.
public enum MultihashError: Error, Hashable {
    /// A number is malformed.
    case varint(VarintError)
    /// The bytes end before the digest does.
    case truncated
    /// There are bytes behind the digest.
    case trailingBytes
    /// The digest is longer than any function gives.
    case tooLong(Int)
    /// The digest has not the length of its function.
    case wrongLength(Int)
}
