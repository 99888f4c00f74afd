import LatticaCore
import NIOCore

/// What a caller says first: the method, how long it waits, and what the application adds.
struct RPCHeader: Hashable, Sendable {
    var method: RPCMethod
    /// How long the caller waits from now on; whole milliseconds are sent.
    var deadline: Duration?
    var metadata: [String: String] = [:]

    private enum Field {
        static let method: UInt64 = 1
        static let deadline: UInt64 = 2
        static let metadata: UInt64 = 3
        static let key: UInt64 = 1
        static let value: UInt64 = 2
    }

    init(method: RPCMethod, deadline: Duration?, metadata: [String: String] = [:]) {
        self.method = method
        self.deadline = deadline
        self.metadata = metadata
    }

    init(reading bytes: ByteBuffer, limits: RPCLimits) throws(RPCError) {
        guard bytes.readableBytes <= limits.maximumHeader.bytes else {
            throw .protocolViolation("a header is longer than \(limits.maximumHeader)")
        }
        var reader = RPCFieldReader(bytes)
        var method: String?
        var count = 0
        while let (field, type) = try reader.next() {
            switch field {
            case Field.method: method = try reader.text(type)
            case Field.deadline: deadline = .milliseconds(Int64(clamping: try reader.varint(type)))
            case Field.metadata:
                count += 1
                guard count <= limits.maximumMetadataCount else { throw .protocolViolation("too much metadata") }
                let (key, value) = try Self.pair(try reader.slice(type))
                metadata[key] = value
            default: try reader.skip(type)
            }
        }
        guard let method, !method.isEmpty, method.utf8.count <= RPCMethod.maximumLength else {
            throw .protocolViolation("a call has no method, or too long a name of one")
        }
        self.method = RPCMethod(method)
    }

    private static func pair(_ bytes: ByteBuffer) throws(RPCError) -> (String, String) {
        var reader = RPCFieldReader(bytes)
        var (key, value) = ("", "")
        while let (field, type) = try reader.next() {
            switch field {
            case Field.key: key = try reader.text(type)
            case Field.value: value = try reader.text(type)
            default: try reader.skip(type)
            }
        }
        guard !key.isEmpty else { throw .protocolViolation("metadata without a key") }
        return (key, value)
    }

    /// How many bytes ``write(to:)`` writes.
    var encodedLength: Int {
        var length = 1 + Self.length(of: method.name)
        if let deadline { length += 1 + ByteBuffer.uvarintLength(deadline.wholeMilliseconds) }
        for (key, value) in metadata {
            let pair = 2 + Self.length(of: key) + Self.length(of: value)
            length += 1 + ByteBuffer.uvarintLength(UInt64(pair)) + pair
        }
        return length
    }

    func write(to buffer: inout ByteBuffer) {
        Self.write(method.name, field: Field.method, to: &buffer)
        if let deadline {
            buffer.writeInteger(UInt8(Field.deadline << 3))
            buffer.writeUvarint(deadline.wholeMilliseconds)
        }
        guard !metadata.isEmpty else { return }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            buffer.writeInteger(UInt8(Field.metadata << 3 | 2))
            buffer.writeUvarint(UInt64(2 + Self.length(of: key) + Self.length(of: value)))
            Self.write(key, field: Field.key, to: &buffer)
            Self.write(value, field: Field.value, to: &buffer)
        }
    }

    private static func length(of text: String) -> Int {
        ByteBuffer.uvarintLength(UInt64(text.utf8.count)) + text.utf8.count
    }

    private static func write(_ text: String, field: UInt64, to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(field << 3 | 2))
        buffer.writeUvarint(UInt64(text.utf8.count))
        buffer.writeString(text)
    }
}

extension Duration {
    /// Rounded up, so that a short wait is not sent as none.
    fileprivate var wholeMilliseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return 0 }
        let millisecond: Int64 = 1_000_000_000_000_000
        let fraction = (attoseconds + millisecond - 1) / millisecond
        return UInt64(seconds).multipliedReportingOverflow(by: 1000).overflow
            ? .max : UInt64(seconds) * 1000 + UInt64(max(0, fraction))
    }
}
