import NIOCore

/// What travels on the stream of a unary call, one in each direction (Lattica wire, §11).
enum UnaryMessage: Hashable {
    /// What the caller sends.
    case request(id: String, method: String, data: ByteBuffer, compression: Compression)
    /// What answers it; the id is repeated.
    case response(id: String, data: ByteBuffer, compression: Compression)
    /// What answers a call that failed.
    case error(id: String, text: String)

    private enum Variant {
        static let request: UInt32 = 0
        static let response: UInt32 = 1
        static let error: UInt32 = 2
    }

    /// Reads a message; what follows it is left, as the package does.
    init(_ bytes: ByteBuffer) throws(BincodeError) {
        var reader = BincodeReader(bytes)
        switch try reader.variant() {
        case Variant.request:
            self = .request(
                id: try reader.text(limit: LatticaDialect.maximumID),
                method: try reader.text(limit: RPCMethod.maximumLength),
                data: try reader.bytes(),
                compression: try Self.compression(&reader)
            )
        case Variant.response:
            self = .response(
                id: try reader.text(limit: LatticaDialect.maximumID),
                data: try reader.bytes(),
                compression: try Self.compression(&reader)
            )
        case Variant.error:
            self = .error(id: try reader.text(limit: LatticaDialect.maximumID), text: try reader.text())
        case let other: throw .unknownVariant(UInt64(other))
        }
    }

    /// The bytes.
    func encode() -> ByteBuffer {
        var writer = BincodeWriter()
        switch self {
        case .request(let id, let method, let data, let compression):
            writer.variant(Variant.request)
            writer.text(id)
            writer.text(method)
            writer.bytes(data)
            Self.write(compression, to: &writer)
        case .response(let id, let data, let compression):
            writer.variant(Variant.response)
            writer.text(id)
            writer.bytes(data)
            Self.write(compression, to: &writer)
        case .error(let id, let text):
            writer.variant(Variant.error)
            writer.text(id)
            writer.text(text)
        }
        return writer.buffer
    }

    private static func compression(_ reader: inout BincodeReader) throws(BincodeError) -> Compression {
        let number = try reader.option { (reader) throws(BincodeError) in try reader.variant() }
        guard let number else { return .none }
        guard let compression = Compression(rawValue: UInt64(number)) else { throw .unknownVariant(UInt64(number)) }
        return compression
    }

    private static func write(_ compression: Compression, to writer: inout BincodeWriter) {
        writer.option(compression == .none ? nil : compression) { $0.unsigned($1.rawValue) }
    }
}
