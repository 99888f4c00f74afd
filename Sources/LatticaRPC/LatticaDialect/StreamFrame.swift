import LatticaCore
import NIOCore

/// What travels on a long-lived stream, for the call with the id (Lattica wire, §12).
enum StreamFrame: Hashable {
    /// Begins a call; the package sends no data here, and its server ignores what there is.
    case request(id: String, method: String, data: ByteBuffer)
    /// A part of the argument, or of the answer.
    case data(id: String, payload: ByteBuffer, isLast: Bool)
    /// The call failed; what remains of it is a close.
    case error(id: String, text: String)
    /// The answer is complete.
    case close(id: String)
    /// The caller wants no more.
    case cancel(id: String)

    private enum Variant {
        static let request: UInt32 = 0
        static let data: UInt32 = 1
        static let error: UInt32 = 2
        static let close: UInt32 = 3
        static let cancel: UInt32 = 4
    }

    /// The call that the frame is about.
    var id: String {
        switch self {
        case .request(let id, _, _), .data(let id, _, _), .error(let id, _), .close(let id), .cancel(let id): id
        }
    }

    /// Reads a frame without its length; what follows it is left, as the package does.
    init(_ bytes: ByteBuffer) throws(BincodeError) {
        var reader = BincodeReader(bytes)
        let variant = try reader.variant()
        guard variant <= Variant.cancel else { throw .unknownVariant(UInt64(variant)) }
        let id = try reader.text(limit: LatticaDialect.maximumID)
        switch variant {
        case Variant.request:
            let method = try reader.text(limit: RPCMethod.maximumLength)
            self = .request(id: id, method: method, data: try reader.bytes())
        case Variant.data:
            let payload = try reader.bytes()
            self = .data(id: id, payload: payload, isLast: try reader.bool())
        case Variant.error: self = .error(id: id, text: try reader.text())
        case Variant.close: self = .close(id: id)
        default: self = .cancel(id: id)
        }
    }

    /// Writes the frame behind its length.
    func write(to writer: inout BincodeWriter) {
        writer.framed { writer in
            switch self {
            case .request(let id, let method, let data):
                writer.variant(Variant.request)
                writer.text(id)
                writer.text(method)
                writer.bytes(data)
            case .data(let id, let payload, let isLast):
                writer.variant(Variant.data)
                writer.text(id)
                writer.bytes(payload)
                writer.bool(isLast)
            case .error(let id, let text):
                writer.variant(Variant.error)
                writer.text(id)
                writer.text(text)
            case .close(let id):
                writer.variant(Variant.close)
                writer.text(id)
            case .cancel(let id):
                writer.variant(Variant.cancel)
                writer.text(id)
            }
        }
    }

    /// Writes a payload of any length, in frames of what the package sends at most.
    static func write(_ payload: ByteBuffer, id: String, isLast: Bool, to writer: inout BincodeWriter) {
        var rest = payload
        repeat {
            let length = min(rest.readableBytes, LatticaDialect.maximumPayload.bytes)
            let part = rest.readSlice(length: length) ?? ByteBuffer()
            StreamFrame.data(id: id, payload: part, isLast: isLast && rest.readableBytes == 0).write(to: &writer)
        } while rest.readableBytes > 0
    }
}

/// Puts frames together from bytes as they arrive.
///
/// An announced length over ``LatticaDialect/maximumFrame`` ends the reading before anything is made of it; room grows
/// with the bytes that have arrived, never with what was announced.
struct StreamFrameReader {
    private var buffer = ByteBuffer()

    /// The bytes held.
    var bufferedByteCount: Int { buffer.readableBytes }

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole frame; `nil` while bytes are missing.
    mutating func next() throws(RPCError) -> StreamFrame? {
        guard let announced = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard announced <= UInt32(LatticaDialect.maximumFrame.bytes) else {
            throw .messageTooLong(limit: LatticaDialect.maximumFrame)
        }
        guard buffer.readableBytes >= 4 + Int(announced) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let bytes = buffer.readSlice(length: Int(announced)) else { return nil }
        do {
            return try StreamFrame(bytes)
        } catch {
            throw .protocolViolation("a frame is malformed: \(error)")
        }
    }
}
