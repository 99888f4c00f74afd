/// JSON by hand for what is written once a token, where an encoder's set-up would cost more than the text.
extension [UInt8] {
    /// Appends text as it is.
    mutating func append(_ text: StaticString) {
        append(contentsOf: String(describing: text).utf8)
    }

    /// Appends a JSON string with its quotes (RFC 8259 §7: quotes, backslashes and U+0000 to U+001F are escaped).
    mutating func append(jsonString text: String) {
        reserveCapacity(count + text.utf8.count + 2)
        append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20:
                append("\\u00")
                append(Self.hexDigits[Int(byte >> 4)])
                append(Self.hexDigits[Int(byte & 15)])
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends a JSON string, or `null`.
    mutating func append(jsonStringOrNull text: String?) {
        if let text { append(jsonString: text) } else { append("null") }
    }

    /// Appends a whole number.
    mutating func append(json number: some BinaryInteger) {
        append(contentsOf: String(number).utf8)
    }

    private static let hexDigits = [UInt8]("0123456789abcdef".utf8)
}
