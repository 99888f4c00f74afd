public import NIOCore

/// Writes values in bincode 2's `standard()` layout, one after another (Lattica wire, §10).
public struct BincodeWriter: Sendable {
    /// What has been written, behind what the writer was made with.
    public private(set) var buffer: ByteBuffer

    /// Writes behind the bytes given.
    public init(_ buffer: ByteBuffer = ByteBuffer()) {
        self.buffer = buffer
    }

    /// An unsigned integer, in its shortest form.
    public mutating func unsigned(_ value: UInt64) {
        switch value {
        case 0..<UInt64(BincodeReader.Marker.sixteenBits):
            buffer.writeInteger(UInt8(value))
        case 0..<1 << 16:
            buffer.writeInteger(BincodeReader.Marker.sixteenBits)
            buffer.writeInteger(UInt16(value), endianness: .little)
        case 0..<1 << 32:
            buffer.writeInteger(BincodeReader.Marker.thirtyTwoBits)
            buffer.writeInteger(UInt32(value), endianness: .little)
        default:
            buffer.writeInteger(BincodeReader.Marker.sixtyFourBits)
            buffer.writeInteger(value, endianness: .little)
        }
    }

    /// The number of an enumeration's case.
    public mutating func variant(_ number: UInt32) {
        unsigned(UInt64(number))
    }

    /// A list of bytes.
    public mutating func bytes(_ bytes: ByteBuffer) {
        unsigned(UInt64(bytes.readableBytes))
        buffer.writeImmutableBuffer(bytes)
    }

    /// A text.
    public mutating func text(_ text: String) {
        unsigned(UInt64(text.utf8.count))
        buffer.writeString(text)
    }

    /// Yes or no.
    public mutating func bool(_ value: Bool) {
        buffer.writeInteger(value ? 1 : 0, as: UInt8.self)
    }

    /// An IEEE double.
    public mutating func double(_ value: Double) {
        buffer.writeInteger(value.bitPattern, endianness: .little)
    }

    /// A value that may be absent.
    public mutating func option<Value>(_ value: Value?, _ write: (inout BincodeWriter, Value) -> Void) {
        bool(value != nil)
        if let value { write(&self, value) }
    }

    /// A list of values.
    public mutating func list<Element>(_ elements: [Element], _ write: (inout BincodeWriter, Element) -> Void) {
        unsigned(UInt64(elements.count))
        for element in elements { write(&self, element) }
    }

    /// Writes something before whose bytes their count stands, as four bytes, big-endian: a frame of a stream.
    mutating func framed(_ write: (inout BincodeWriter) -> Void) {
        let start = buffer.writerIndex
        buffer.writeInteger(0, as: UInt32.self)
        write(&self)
        let count = buffer.writerIndex - start - 4
        buffer.setInteger(UInt32(truncatingIfNeeded: count), at: start)
    }
}
