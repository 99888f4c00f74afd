import LatticaCore

/// What a server says last.
struct RPCStatus: Hashable {
    var code: RPCCode
    var message: String

    /// A longer message is cut; it is for a person.
    static let maximumMessageLength = 1024

    private enum Field {
        static let code = 1
        static let message = 2
    }

    static let ok = RPCStatus(code: .ok, message: "")

    init(code: RPCCode, message: String) {
        self.code = code
        self.message = message
    }

    init(protobuf bytes: ArraySlice<UInt8>) throws(ProtobufError) {
        self = .ok
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case Field.code: code = RPCCode(rawValue: try field.varint()) ?? .unknown
            case Field.message: message = try field.text().cut(to: Self.maximumMessageLength)
            default: break
            }
        }
    }

    var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        if code != .ok { writer.varint(code.rawValue, field: Field.code) }
        if !message.isEmpty { writer.text(message.cut(to: Self.maximumMessageLength), field: Field.message) }
        return writer.bytes
    }
}

extension String {
    /// At most so many bytes of UTF-8, in whole characters.
    fileprivate func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var cut = Substring()
        var length = 0
        for character in self {
            length += character.utf8.count
            if length > limit { break }
            cut.append(character)
        }
        return String(cut)
    }
}
