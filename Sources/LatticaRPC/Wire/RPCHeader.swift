import LatticaCore

/// What a caller says first: the method, how long it waits, and what the application adds.
struct RPCHeader: Hashable {
    var method: RPCMethod
    /// How long the caller waits from now on; whole milliseconds are sent.
    var deadline: Duration?
    var metadata: [String: String] = [:]

    private enum Field {
        static let method = 1
        static let deadline = 2
        static let metadata = 3
    }

    init(method: RPCMethod, deadline: Duration?, metadata: [String: String] = [:]) {
        self.method = method
        self.deadline = deadline
        self.metadata = metadata
    }

    init(protobuf bytes: ArraySlice<UInt8>, metadataLimit: Int) throws(ProtobufError) {
        var reader = ProtobufReader(bytes)
        var method: String?
        var count = 0
        while let field = try reader.next() {
            switch field.number {
            case Field.method: method = try field.text()
            case Field.deadline: deadline = .milliseconds(Int64(clamping: try field.varint()))
            case Field.metadata:
                count += 1
                guard count <= metadataLimit else { throw .tooMany(field: Field.metadata) }
                let (key, value) = try Self.pair(try field.slice())
                metadata[key] = value
            default: break
            }
        }
        guard let method, !method.isEmpty else { throw .missing(field: Field.method) }
        guard method.utf8.count <= RPCMethod.maximumLength else { throw .tooMany(field: Field.method) }
        self.method = RPCMethod(method)
    }

    private static func pair(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> (String, String) {
        var reader = ProtobufReader(bytes)
        var (key, value) = ("", "")
        while let field = try reader.next() {
            switch field.number {
            case 1: key = try field.text()
            case 2: value = try field.text()
            default: break
            }
        }
        guard !key.isEmpty else { throw .missing(field: 1) }
        return (key, value)
    }

    var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        writer.text(method.name, field: Field.method)
        if let deadline { writer.varint(deadline.wholeMilliseconds, field: Field.deadline) }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            writer.message(field: Field.metadata) {
                $0.text(key, field: 1)
                $0.text(value, field: 2)
            }
        }
        return writer.bytes
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
