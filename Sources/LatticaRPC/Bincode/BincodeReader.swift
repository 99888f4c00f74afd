public import NIOCore

/// Reads values in bincode 2's `standard()` layout, one after another (Lattica wire, §10).
///
/// Every length is compared with the bytes at hand before anything is made of it, so that no announcement costs memory.
/// Like Lattica's own reader it takes integers that are not in their shortest form, and leaves what follows the value.
public struct BincodeReader: Sendable {
    /// What has not been read yet.
    public private(set) var rest: ByteBuffer

    /// Reads from the first readable byte on.
    public init(_ bytes: ByteBuffer) {
        rest = bytes
    }

    /// An unsigned integer of up to 64 bits.
    public mutating func unsigned() throws(BincodeError) -> UInt64 {
        guard let first = rest.readInteger(as: UInt8.self) else { throw .truncated }
        switch first {
        case Marker.sixteenBits: return UInt64(try fixed(UInt16.self))
        case Marker.thirtyTwoBits: return UInt64(try fixed(UInt32.self))
        case Marker.sixtyFourBits: return try fixed(UInt64.self)
        case 0..<Marker.sixteenBits: return UInt64(first)
        default: throw .integerTooWide
        }
    }

    /// The number of an enumeration's case.
    public mutating func variant() throws(BincodeError) -> UInt32 {
        guard let number = UInt32(exactly: try unsigned()) else { throw .integerTooWide }
        return number
    }

    /// A length, which is never more than the bytes that are left.
    public mutating func length(limit: Int = .max) throws(BincodeError) -> Int {
        let declared = try unsigned()
        guard declared <= UInt64(limit) else { throw .tooLong(declared: declared, limit: limit) }
        guard declared <= UInt64(rest.readableBytes) else { throw .truncated }
        return Int(declared)
    }

    /// A list of bytes, shared with what is read from.
    public mutating func bytes(limit: Int = .max) throws(BincodeError) -> ByteBuffer {
        guard let slice = rest.readSlice(length: try length(limit: limit)) else { throw .truncated }
        return slice
    }

    /// A text.
    public mutating func text(limit: Int = .max) throws(BincodeError) -> String {
        guard let text = String(validating: try bytes(limit: limit).readableBytesView, as: UTF8.self) else {
            throw .invalidText
        }
        return text
    }

    /// Yes or no.
    public mutating func bool() throws(BincodeError) -> Bool {
        switch try fixed(UInt8.self) {
        case 0: return false
        case 1: return true
        case let other: throw .invalidBool(other)
        }
    }

    /// An IEEE double.
    public mutating func double() throws(BincodeError) -> Double {
        Double(bitPattern: try fixed(UInt64.self))
    }

    /// A value that may be absent.
    public mutating func option<Value>(
        _ value: (inout BincodeReader) throws(BincodeError) -> Value
    ) throws(BincodeError) -> Value? {
        try bool() ? try value(&self) : nil
    }

    /// A list of values, none of which may be empty on the wire.
    public mutating func list<Element>(
        limit: Int,
        _ element: (inout BincodeReader) throws(BincodeError) -> Element
    ) throws(BincodeError) -> [Element] {
        var elements: [Element] = []
        for _ in 0..<(try length(limit: limit)) { elements.append(try element(&self)) }
        return elements
    }

    private mutating func fixed<Value: FixedWidthInteger>(_: Value.Type) throws(BincodeError) -> Value {
        guard let value = rest.readInteger(endianness: .little, as: Value.self) else { throw .truncated }
        return value
    }

    /// The first bytes of integers that do not fit into one.
    enum Marker {
        static let sixteenBits: UInt8 = 251
        static let thirtyTwoBits: UInt8 = 252
        static let sixtyFourBits: UInt8 = 253
    }
}
