public import Multiformats

/// Reads the fields of one protobuf message, in the order in which they stand.
///
/// For the few small messages of libp2p; it does not know what a message should hold, so unknown fields cost nothing
/// and are passed over. Nothing is copied until a field is asked for its bytes. Groups, which proto3 does not have, are
/// refused (protobuf.dev, "Encoding").
public struct ProtobufReader: Sendable {
    private var bytes: ArraySlice<UInt8>

    /// Reads from the start of a message.
    ///
    /// The caller has bounded its length.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// Reads from the start of a message.
    ///
    /// The caller has bounded its length.
    public init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// The next field; `nil` at the end of the message.
    public mutating func next() throws(ProtobufError) -> ProtobufField? {
        guard !bytes.isEmpty else { return nil }
        let tag = try varint()
        let number = tag >> 3
        guard (1..<1 << 29).contains(number) else { throw .invalidTag(tag) }
        let value: ProtobufField.Value =
            switch tag & 7 {
            case 0: .varint(try varint())
            case 1: .fixed64(try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
            case 2: .bytes(try take(try varint()))
            case 5: .fixed32(try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })
            default: throw .invalidTag(tag)
            }
        return ProtobufField(number: Int(number), value: value)
    }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        let decoded: (value: UInt64, length: Int)?
        do { decoded = try Varint.decode(bytes) } catch { throw .varint(error) }
        guard let decoded else { throw .truncated }
        bytes = bytes.dropFirst(decoded.length)
        return decoded.value
    }

    private mutating func take(_ count: UInt64) throws(ProtobufError) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.count) else { throw .truncated }
        defer { bytes = bytes.dropFirst(Int(count)) }
        return bytes.prefix(Int(count))
    }
}

/// One field of a protobuf message as it stands on the wire.
public struct ProtobufField: Sendable {
    /// What a field can hold, as far as the wire tells.
    public enum Value: Hashable, Sendable {
        /// Wire type 0.
        case varint(UInt64)
        /// Wire type 1.
        case fixed64(UInt64)
        /// Wire type 2: bytes, text or a message.
        case bytes(ArraySlice<UInt8>)
        /// Wire type 5.
        case fixed32(UInt32)
    }

    /// Which field of its message it is.
    public let number: Int
    /// What it holds.
    public let value: Value

    /// The number in a varint field.
    public func varint() throws(ProtobufError) -> UInt64 {
        guard case .varint(let number) = value else { throw .unexpectedType(field: number) }
        return number
    }

    /// The bytes of a bytes field or of a message inside.
    public func slice() throws(ProtobufError) -> ArraySlice<UInt8> {
        guard case .bytes(let bytes) = value else { throw .unexpectedType(field: number) }
        return bytes
    }

    /// A copy of the bytes of a bytes field.
    public func bytes() throws(ProtobufError) -> [UInt8] {
        Array(try slice())
    }

    /// The text of a string field, which must be UTF-8.
    public func text() throws(ProtobufError) -> String {
        guard let text = String(validating: try slice(), as: UTF8.self) else { throw .invalidText(field: number) }
        return text
    }
}

/// Why bytes are not the protobuf message that was expected.
public enum ProtobufError: Error, Hashable {
    /// The message ends in the middle of a field.
    case truncated
    /// A number is malformed.
    case varint(VarintError)
    /// A field has number 0 or too high a number, or is a group.
    case invalidTag(UInt64)
    /// A known field holds another type than it should.
    case unexpectedType(field: Int)
    /// A string field holds bytes that are not UTF-8.
    case invalidText(field: Int)
    /// A field that must be there is not.
    case missing(field: Int)
    /// A repeated field occurs more often, or a field is longer, than is taken here.
    case tooMany(field: Int)
}
