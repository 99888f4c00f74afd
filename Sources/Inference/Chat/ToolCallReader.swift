/// Reads tool calls at the start of bytes that may still grow, in one syntax.
///
/// Reads from the front and asks for more where it meets the end, so what it finds does not depend on how the bytes came.
struct ToolCallReader {
    /// The calls, and how many bytes they took.
    struct Found: Hashable {
        var calls: [ChatToolCall]
        var end: Int
    }

    private typealias Fault = ChatJSON.Fault

    private let bytes: [UInt8]
    /// Whether no more bytes come.
    private let isWhole: Bool
    private var position = 0

    /// A reader of bytes that begin with one of the syntax's marks.
    init(_ bytes: [UInt8], isWhole: Bool) {
        self.bytes = bytes
        self.isWhole = isWhole
    }

    /// Texts that may begin calls.
    static func marks(of syntax: ChatFormat.ToolSyntax) -> [String] {
        switch syntax {
        case .hermes: ["<tool_call>"]
        case .llama3: ["<|python_tag|>"]
        case .mistral: ["[TOOL_CALLS]"]
        // The distilled models spell the first mark as they please.
        case .deepSeek: sections.map(\.begin) + ["<｜tool▁call▁begin｜>"]
        }
    }

    private static let sections: [(begin: String, end: String)] = [
        ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"), ("<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"),
        ("<｜tool calls begin｜>", "<｜tool calls end｜>"), ("<｜tool▁calls｜>", "<｜/tool▁calls｜>"),
    ]

    /// The calls at the front.
    ///
    /// - Returns: `nil` if only more bytes can tell.
    /// - Throws: `Fault.invalid` if these are no calls.
    mutating func read(_ syntax: ChatFormat.ToolSyntax) throws(ChatJSON.Fault) -> Found? {
        do throws(ChatJSON.Fault) {
            switch syntax {
            case .hermes: return try hermes()
            case .llama3: return try llama3()
            case .mistral: return try mistral()
            case .deepSeek: return try deepSeek()
            }
        } catch .incomplete {
            if isWhole { throw .invalid }
            return nil
        }
    }

    // MARK: Syntaxes

    private mutating func hermes() throws(ChatJSON.Fault) -> Found {
        try expect("<tool_call>")
        let call = try call(at: value(), arguments: ["arguments", "parameters"])
        // Some models stop without the closing mark.
        let end = position
        skipSpace()
        if !(try takes("</tool_call>")) { position = end }
        return Found(calls: [call], end: position)
    }

    private mutating func llama3() throws(ChatJSON.Fault) -> Found {
        skipSpace()
        let isMarked = try takes("<|python_tag|>")
        if !isMarked { _ = try takes(";") }
        skipSpace()
        guard position < bytes.count else { throw .incomplete }
        if bytes[position] == UInt8(ascii: "{") {
            let call = try call(at: value(), arguments: ["parameters", "arguments"])
            return Found(calls: [call], end: position)
        }
        guard isMarked else { throw .invalid }
        return Found(calls: [try builtIn()], end: position)
    }

    /// `brave_search.call(query="…")`: how Llama 3.1 calls tools that it knows by itself.
    private mutating func builtIn() throws(ChatJSON.Fault) -> ChatToolCall {
        let name = try self.name()
        try expect("call(")
        var members: [String] = []
        skipSpace()
        while !(try takes(")")) {
            if !members.isEmpty { try expect(",") }
            skipSpace()
            let key = try self.name(endsWithDot: false)
            try expect("=")
            let (_, range) = try value()
            members.append("\"\(key)\": " + text(range))
            skipSpace()
        }
        return ChatToolCall(name: String(name.dropLast()), arguments: "{" + members.joined(separator: ", ") + "}")
    }

    private mutating func mistral() throws(ChatJSON.Fault) -> Found {
        try expect("[TOOL_CALLS]")
        skipSpace()
        guard position < bytes.count else { throw .incomplete }
        guard bytes[position] == UInt8(ascii: "[") else { return try named() }
        position += 1
        var calls: [ChatToolCall] = []
        while true {
            calls.append(try call(at: value(), arguments: ["arguments"]))
            skipSpace()
            if try takes("]") { return Found(calls: calls, end: position) }
            try expect(",")
        }
    }

    private mutating func named() throws(ChatJSON.Fault) -> Found {
        let name = try self.name(endsWithDot: false)
        var id: String?
        if try takes("[CALL_ID]") { id = try self.name(endsWithDot: false) }
        _ = try takes("[ARGS]")
        let (value, range) = try value()
        guard case .object = value else { throw .invalid }
        return Found(calls: [ChatToolCall(id: id, name: name, arguments: text(range))], end: position)
    }

    private mutating func deepSeek() throws(ChatJSON.Fault) -> Found {
        var sectionEnd: String?
        for section in Self.sections where sectionEnd == nil {
            if try takes(section.begin) { sectionEnd = section.end }
        }
        var found = Found(calls: [], end: 0)
        do throws(ChatJSON.Fault) {
            while true {
                skipSpace()
                if let sectionEnd, !found.calls.isEmpty, try takes(sectionEnd) {
                    found.end = position
                    return found
                }
                try expect("<｜tool▁call▁begin｜>")
                found.calls.append(try fenced())
                found.end = position
            }
        } catch .invalid {
            // What follows the last call is text.
            guard !found.calls.isEmpty else { throw .invalid }
            return found
        } catch {
            guard isWhole, !found.calls.isEmpty else { throw error }
            return found
        }
    }

    private mutating func fenced() throws(ChatJSON.Fault) -> ChatToolCall {
        var name = try self.name(endsWithDot: false)
        try expect("<｜tool▁sep｜>")
        skipSpace()
        guard position < bytes.count else { throw .incomplete }
        // V3.1 has the name before the separator and no fence.
        if bytes[position] != UInt8(ascii: "{"), bytes[position] != UInt8(ascii: "`") {
            name = try self.name(endsWithDot: false)
            skipSpace()
        }
        if try takes("```") { _ = try takes("json") }
        let (value, range) = try value()
        guard case .object = value else { throw .invalid }
        skipSpace()
        if try takes("```") { skipSpace() }
        try expect("<｜tool▁call▁end｜>")
        return ChatToolCall(name: name, arguments: text(range))
    }

    // MARK: Parts

    private mutating func call(
        at value: (ChatJSON, Range<Int>),
        arguments keys: [String]
    ) throws(ChatJSON.Fault) -> ChatToolCall {
        var object = value.0
        // Some models wrap the call as in a request: {"type": "function", "function": {…}}.
        if let inner = object["function"], case .object = inner.value { object = inner.value }
        guard case .string(let name)? = (object["name"] ?? object["function"])?.value, !name.isEmpty else {
            throw .invalid
        }
        var id: String?
        if case .string(let given)? = object["id"]?.value { id = given }
        guard let member = keys.lazy.compactMap({ object[$0] }).first else {
            return ChatToolCall(id: id, name: name, arguments: "{}")
        }
        switch member.value {
        case .object: return ChatToolCall(id: id, name: name, arguments: text(member.range))
        case .null: return ChatToolCall(id: id, name: name, arguments: "{}")
        // As the API passes them: JSON in a string.
        case .string(let json):
            guard case .object? = ChatJSON(json) else { throw .invalid }
            return ChatToolCall(id: id, name: name, arguments: json)
        default: throw .invalid
        }
    }

    private mutating func value() throws(ChatJSON.Fault) -> (ChatJSON, Range<Int>) {
        var reader = ChatJSON.Reader(bytes, at: position)
        reader.skipSpace()
        let start = reader.position
        let value = try reader.value()
        position = reader.position
        // A number may go on; all else has an end.
        if position == bytes.count, !isWhole {
            switch value {
            case .integer, .float: throw .incomplete
            default: break
            }
        }
        return (value, start..<position)
    }

    /// A function's name, which something else must follow.
    private mutating func name(endsWithDot: Bool = true) throws(ChatJSON.Fault) -> String {
        let start = position
        while position < bytes.count, Self.isInName(bytes[position]) {
            position += 1
            if endsWithDot, bytes[position - 1] == UInt8(ascii: ".") { return text(start..<position) }
        }
        guard position < bytes.count || position - start > 128 else { throw .incomplete }
        guard !endsWithDot, position > start, position - start <= 128 else { throw .invalid }
        return text(start..<position)
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: (0x61...0x7A).contains(byte | 0x20)
        }
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position].isSpace { position += 1 }
    }

    /// Takes `text` if it is there.
    private mutating func takes(_ text: String) throws(ChatJSON.Fault) -> Bool {
        var place = position
        for byte in text.utf8 {
            guard place < bytes.count else {
                if isWhole { return false }
                throw .incomplete
            }
            guard bytes[place] == byte else { return false }
            place += 1
        }
        position = place
        return true
    }

    private mutating func expect(_ text: String) throws(ChatJSON.Fault) {
        guard try takes(text) else { throw .invalid }
    }
}
