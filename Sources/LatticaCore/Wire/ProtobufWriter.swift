import Multiformats

/// Writes the fields of one protobuf message.
///
/// The same calls give the same bytes, which keys and signatures rely on. What is absent from a message is simply not
/// written; zero and empty values are.
public struct ProtobufWriter: Sendable {
    /// The message so far.
    public private(set) var bytes: [UInt8] = []

    /// An empty message.
    public init() {}

    /// Adds a varint field: an integer, a truth value or a case of an enumeration.
    public mutating func varint(_ value: UInt64, field: Int) {
        tag(field, wireType: 0)
        Varint.append(value, to: &bytes)
    }

    /// Adds a bytes field, or a message that is already written.
    public mutating func bytes(_ value: some Collection<UInt8>, field: Int) {
        tag(field, wireType: 2)
        Varint.append(UInt64(value.count), to: &bytes)
        bytes += value
    }

    /// Adds a string field.
    public mutating func text(_ value: String, field: Int) {
        bytes(value.utf8, field: field)
    }

    /// Adds a message field.
    public mutating func message(field: Int, _ write: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        write(&inner)
        bytes(inner.bytes, field: field)
    }

    private mutating func tag(_ field: Int, wireType: UInt64) {
        precondition((1..<1 << 29).contains(field), "a protobuf field has a number from 1 to 2^29 - 1")
        Varint.append(UInt64(field) << 3 | wireType, to: &bytes)
    }
}
