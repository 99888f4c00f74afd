import Foundation

/// JSON that is being written, member by member; what comes from callers as JSON keeps its spelling and order.
struct JSONText {
    private(set) var text = "{"

    /// Adds a member whose value is JSON already.
    mutating func add(_ name: String, json value: String) {
        if text.utf8.count > 1 { text += "," }
        text += Self.string(name) + ":" + value
    }

    mutating func add(_ name: String, _ value: String) { add(name, json: Self.string(value)) }

    mutating func add(_ name: String, _ value: Bool) { add(name, json: value ? "true" : "false") }

    mutating func add(_ name: String, _ value: some BinaryInteger) { add(name, json: "\(value)") }

    /// Must be finite.
    mutating func add(_ name: String, _ value: Double) { add(name, json: "\(value)") }

    /// The whole object.
    var object: String { text + "}" }

    /// An object of these members.
    static func object(_ write: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        write(&json)
        return json.object
    }

    static func array(_ values: some Sequence<String>) -> String { "[" + values.joined(separator: ",") + "]" }

    /// A string literal.
    static func string(_ text: String) -> String {
        var literal = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": literal += "\\\""
            case "\\": literal += "\\\\"
            case "\n": literal += "\\n"
            case "\r": literal += "\\r"
            case "\t": literal += "\\t"
            case _ where scalar.value < 0x20:
                literal += "\\u00" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
            default: literal.unicodeScalars.append(scalar)
            }
        }
        return literal + "\""
    }

    /// Whether a text is one JSON value, which can be put into another as it is.
    static func isValue(_ text: String) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil
    }
}
