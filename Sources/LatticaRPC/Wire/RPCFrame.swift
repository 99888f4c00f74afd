import LatticaCore
import Multiformats
import NIOCore

/// One frame of a call: `uvarint(length) | Frame` (docs/protocols/rpc.md).
enum RPCFrame: Hashable {
    /// The first frame of a caller.
    case header(RPCHeader)
    /// A message; the caller's last one may say that no more follow.
    case message([UInt8], isLast: Bool)
    /// The caller sends no more messages.
    case end
    /// The last frame of a server.
    case status(RPCStatus)

    private enum Field {
        static let message = 1
        static let header = 2
        static let status = 3
        static let isLast = 4
    }

    /// More than the tags and lengths around a message take.
    static let overhead = 32

    init(protobuf bytes: [UInt8], metadataLimit: Int) throws(RPCError) {
        do {
            var frame: RPCFrame?
            var isLast = false
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                let content: RPCFrame
                switch field.number {
                case Field.message: content = .message(try field.bytes(), isLast: false)
                case Field.header:
                    content = .header(try RPCHeader(protobuf: field.slice(), metadataLimit: metadataLimit))
                case Field.status: content = .status(try RPCStatus(protobuf: field.slice()))
                case Field.isLast:
                    isLast = try field.varint() != 0
                    continue
                default: continue
                }
                guard frame == nil else { throw ProtobufError.tooMany(field: field.number) }
                frame = content
            }
            switch (frame, isLast) {
            case (.message(let message, _)?, true): self = .message(message, isLast: true)
            case (let frame?, false): self = frame
            case (nil, true): self = .end
            case (_?, true), (nil, false): throw ProtobufError.missing(field: Field.message)
            }
        } catch {
            throw .protocolViolation("a frame is malformed: \(error)")
        }
    }

    func write(to buffer: inout ByteBuffer) {
        switch self {
        case .message(let message, let isLast):
            // Written without a copy in between, since messages are what there is most of.
            let length = UInt64(message.count)
            let contentLength = 1 + Varint.encodedLength(length) + message.count + (isLast ? 2 : 0)
            buffer.reserveCapacity(minimumWritableBytes: contentLength + Varint.maximumLength)
            buffer.writeUvarint(UInt64(contentLength))
            buffer.writeInteger(UInt8(Field.message << 3 | 2))
            buffer.writeUvarint(length)
            buffer.writeBytes(message)
            if isLast { buffer.writeBytes([UInt8(Field.isLast << 3), 1]) }
        case .header(let header): buffer.writeFrame { $0.bytes(header.protobuf, field: Field.header) }
        case .end: buffer.writeFrame { $0.varint(1, field: Field.isLast) }
        case .status(let status): buffer.writeFrame { $0.bytes(status.protobuf, field: Field.status) }
        }
    }

    /// The frames behind one another.
    static func encode(_ frames: RPCFrame...) -> ByteBuffer {
        var buffer = ByteBuffer()
        for frame in frames { frame.write(to: &buffer) }
        return buffer
    }
}

extension ByteBuffer {
    fileprivate mutating func writeFrame(_ fill: (inout ProtobufWriter) -> Void) {
        var writer = ProtobufWriter()
        fill(&writer)
        writeUvarint(UInt64(writer.bytes.count))
        writeBytes(writer.bytes)
    }

    fileprivate mutating func writeUvarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }
}
