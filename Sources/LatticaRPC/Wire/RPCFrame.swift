import NIOCore

/// One frame of a session: `uvarint(length) | Frame` (docs/protocols/rpc.md).
struct RPCFrame: Hashable, Sendable {
    /// Which call of the session it belongs to; counted from 1 by the caller.
    var call: UInt64
    /// The caller begins the call.
    var header: RPCHeader?
    /// A message, or a part of one.
    var data: ByteBuffer?
    /// How long the whole message is, in the first of several parts.
    var length: UInt64?
    /// The caller sends no message after this one.
    var isLast = false
    /// So many more bytes of this call are taken.
    var window: UInt64?
    /// The server ends the call.
    var status: RPCStatus?
    /// The caller gives the call up.
    var isCancel = false

    /// The longest part of a message; longer ones are cut, so that calls take turns.
    static let maximumPart = 64 << 10
    /// The longest frame: the longest part, the longest header, and room for what is added one day.
    static let maximumLength = 128 << 10

    private enum Field {
        static let call: UInt64 = 1
        static let header: UInt64 = 2
        static let data: UInt64 = 3
        static let length: UInt64 = 4
        static let last: UInt64 = 5
        static let window: UInt64 = 6
        static let status: UInt64 = 7
        static let cancel: UInt64 = 8
    }

    init(
        call: UInt64,
        header: RPCHeader? = nil,
        data: ByteBuffer? = nil,
        length: UInt64? = nil,
        isLast: Bool = false,
        window: UInt64? = nil,
        status: RPCStatus? = nil,
        isCancel: Bool = false
    ) {
        self.call = call
        self.header = header
        self.data = data
        self.length = length
        self.isLast = isLast
        self.window = window
        self.status = status
        self.isCancel = isCancel
    }

    /// Reads a frame out of exactly its bytes.
    init(reading bytes: ByteBuffer, limits: RPCLimits) throws(RPCError) {
        call = 0
        var reader = RPCFieldReader(bytes)
        var seen: UInt64 = 0
        while let (field, type) = try reader.next() {
            if field < 64 {
                guard seen & 1 << field == 0 else { throw .protocolViolation("a field comes twice") }
                seen |= 1 << field
            }
            switch field {
            case Field.call: call = try reader.varint(type)
            case Field.header: header = try RPCHeader(reading: try reader.slice(type), limits: limits)
            case Field.data: data = try reader.slice(type)
            case Field.length: length = try reader.varint(type)
            case Field.last: isLast = try reader.varint(type) != 0
            case Field.window: window = try reader.varint(type)
            case Field.status: status = try RPCStatus(reading: try reader.slice(type))
            case Field.cancel: isCancel = try reader.varint(type) != 0
            default: try reader.skip(type)
            }
        }
        guard call > 0 else { throw .protocolViolation("a frame of no call") }
        guard length == nil || data != nil else { throw .protocolViolation("a length without a message") }
    }

    /// Appends the frame with its length.
    func write(to buffer: inout ByteBuffer) {
        let headerLength = header?.encodedLength ?? 0
        let statusLength = status?.encodedLength ?? 0
        var size = 1 + ByteBuffer.uvarintLength(call)
        if header != nil { size += 1 + ByteBuffer.uvarintLength(UInt64(headerLength)) + headerLength }
        if let data { size += 1 + ByteBuffer.uvarintLength(UInt64(data.readableBytes)) + data.readableBytes }
        if let length { size += 1 + ByteBuffer.uvarintLength(length) }
        if isLast { size += 2 }
        if let window { size += 1 + ByteBuffer.uvarintLength(window) }
        if status != nil { size += 1 + ByteBuffer.uvarintLength(UInt64(statusLength)) + statusLength }
        if isCancel { size += 2 }
        buffer.reserveCapacity(minimumWritableBytes: size + ByteBuffer.maximumUvarintLength)
        buffer.writeUvarint(UInt64(size))
        buffer.writeInteger(UInt8(Field.call << 3))
        buffer.writeUvarint(call)
        if let header {
            buffer.writeInteger(UInt8(Field.header << 3 | 2))
            buffer.writeUvarint(UInt64(headerLength))
            header.write(to: &buffer)
        }
        if let data {
            buffer.writeInteger(UInt8(Field.data << 3 | 2))
            buffer.writeUvarint(UInt64(data.readableBytes))
            buffer.writeImmutableBuffer(data)
        }
        if let length {
            buffer.writeInteger(UInt8(Field.length << 3))
            buffer.writeUvarint(length)
        }
        if isLast { buffer.writeInteger(UInt16(Field.last << 3) << 8 | 1) }
        if let window {
            buffer.writeInteger(UInt8(Field.window << 3))
            buffer.writeUvarint(window)
        }
        if let status {
            buffer.writeInteger(UInt8(Field.status << 3 | 2))
            buffer.writeUvarint(UInt64(statusLength))
            status.write(to: &buffer)
        }
        if isCancel { buffer.writeInteger(UInt16(Field.cancel << 3) << 8 | 1) }
    }
}
