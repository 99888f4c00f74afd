import NIOCore

/// Reads the fields of one Protocol Buffers message out of a buffer, without copies.
///
/// The buffer holds exactly the message; its length has been bounded before.
struct RPCFieldReader {
    private var bytes: ByteBuffer

    init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    /// The number of the next field and how it is written; `nil` at the end of the message.
    mutating func next() throws(RPCError) -> (number: UInt64, wireType: UInt64)? {
        guard bytes.readableBytes > 0 else { return nil }
        let tag = try varint()
        guard tag >> 3 >= 1, tag >> 3 < 1 << 29 else { throw .protocolViolation("a field has no number") }
        return (tag >> 3, tag & 7)
    }

    /// A number.
    mutating func varint(_ wireType: UInt64 = 0) throws(RPCError) -> UInt64 {
        guard wireType == 0 else { throw .protocolViolation("a field has another type than it should") }
        guard let value = try bytes.readUvarint() else { throw .protocolViolation("a frame ends inside a field") }
        return value
    }

    /// Bytes, text, or a message inside.
    mutating func slice(_ wireType: UInt64 = 2) throws(RPCError) -> ByteBuffer {
        guard wireType == 2 else { throw .protocolViolation("a field has another type than it should") }
        let length = try varint()
        guard length <= UInt64(bytes.readableBytes), let slice = bytes.readSlice(length: Int(length)) else {
            throw .protocolViolation("a frame ends inside a field")
        }
        return slice
    }

    /// Text, which must be UTF-8.
    mutating func text(_ wireType: UInt64 = 2) throws(RPCError) -> String {
        let slice = try slice(wireType)
        guard let text = String(validating: slice.readableBytesView, as: UTF8.self) else {
            throw .protocolViolation("a text is not UTF-8")
        }
        return text
    }

    /// Passes over a field that is not known.
    mutating func skip(_ wireType: UInt64) throws(RPCError) {
        switch wireType {
        case 0: _ = try varint()
        case 1: try drop(8)
        case 2: _ = try slice()
        case 5: try drop(4)
        default: throw .protocolViolation("a field has a type that does not exist")
        }
    }

    private mutating func drop(_ count: Int) throws(RPCError) {
        guard bytes.readSlice(length: count) != nil else { throw .protocolViolation("a frame ends inside a field") }
    }
}
