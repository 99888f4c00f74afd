public import LatticaCore
public import NIOCore

/// How the data of a unary call is compressed on Lattica's wire, with the numbers used there (Lattica wire, §13).
public enum Compression: UInt64, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case none = 0
    /// gzip, one member.
    case gzip = 1
    /// Zstandard, one frame.
    case zstd = 2
    /// LZ4's frame format, one frame.
    case lz4 = 3
    /// Brotli.
    case brotli = 4

    /// From which length on senders compress: below it, little is won.
    public var threshold: ByteCount {
        switch self {
        case .none: ByteCount(.max)
        case .lz4: 256
        case .gzip, .zstd: 512
        case .brotli: 1024
        }
    }

    /// Compresses bytes to one standard stream, whatever their length.
    public func compress(_ bytes: ByteBuffer) throws(CompressionError) -> ByteBuffer {
        switch self {
        case .none: bytes
        case .gzip: try GzipCodec.compress(bytes)
        case .zstd: try ZstdCodec.compress(bytes)
        case .lz4: try LZ4Codec.compress(bytes)
        case .brotli: try BrotliCodec.compress(bytes)
        }
    }

    /// Restores what was compressed to one standard stream.
    ///
    /// It stops as soon as the result passes the limit, so that a small message cannot fill the memory.
    public func decompress(_ bytes: ByteBuffer, limit: ByteCount) throws(CompressionError) -> ByteBuffer {
        switch self {
        case .none:
            guard bytes.readableBytes <= limit.bytes else { throw .tooLong(limit: limit) }
            return bytes
        case .gzip: return try GzipCodec().decompress(bytes, limit: limit)
        case .zstd: return try ZstdCodec().decompress(bytes, limit: limit)
        case .lz4: return try LZ4Codec().decompress(bytes, limit: limit)
        case .brotli: return try BrotliCodec().decompress(bytes, limit: limit)
        }
    }
}

extension Compression: LosslessStringConvertible {
    /// The compression of a name, in lower case.
    public init?(_ name: String) {
        guard let named = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = named
    }

    /// The name.
    public var description: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .zstd: "zstd"
        case .lz4: "lz4"
        case .brotli: "brotli"
        }
    }
}

/// Why bytes were not compressed or restored.
public enum CompressionError: Error, Hashable {
    /// The result would be longer than is taken.
    case tooLong(limit: ByteCount)
    /// The bytes end inside the stream.
    case truncated
    /// Bytes follow the stream.
    case trailingBytes
    /// The bytes are no such stream; what the library says of it.
    case malformed(String)
    /// The library has no memory, or refuses for another reason of its own.
    case unavailable
}

extension CompressionError: CustomStringConvertible {
    /// What is wrong.
    public var description: String {
        switch self {
        case .tooLong(let limit): "the data is longer than \(limit)"
        case .truncated: "the compressed data ends too early"
        case .trailingBytes: "bytes follow the compressed data"
        case .malformed(let reason): "the compressed data is malformed: \(reason)"
        case .unavailable: "the data cannot be compressed or restored"
        }
    }
}
