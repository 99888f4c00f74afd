internal import Foundation

/// Answers that call a tool in the model's own syntax, or are JSON.
///
/// A call's arguments are kept to the tool's schema; where that asks for something that cannot be enforced at every token,
/// they are any JSON object. Its JSON form is what a receipt of computation has of it:
///
/// ```json
/// {"otherwise": "{…}", "syntax": "hermes", "tools": [{"name": "weather", "parameters": "{…}"}]}
/// ```
///
/// An answer that must be a call begins behind the mark that opens calls, which is the prompt's end. One that may be JSON
/// too, under the schema `otherwise` or any object if that is empty, has the mark in its text.
struct ToolCallGrammar: Hashable, Codable {
    struct Tool: Hashable, Codable {
        let name: String
        let parameters: String
    }

    var syntax: ChatFormat.ToolSyntax
    var tools: [Tool]
    var otherwise: String?

    init(_ syntax: ChatFormat.ToolSyntax, tools: [ChatTool]) {
        self.syntax = syntax
        self.tools = tools.map { Tool(name: $0.name, parameters: $0.parameters) }
    }

    /// The grammar's source, in one form only.
    var source: ReceiptFile.GrammarSource {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts alone, which always can be encoded.
        let json = (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
        return ReceiptFile.GrammarSource(kind: .toolCalls, text: json ?? "")
    }

    fileprivate func rules() throws(GrammarError) -> GrammarRules {
        var rules = GrammarRules()
        let calls = try rules.calls(of: tools, syntax)
        guard let otherwise else {
            rules.define(GrammarRules.root, calls)
            return rules
        }
        let json: GrammarNode
        if otherwise.isEmpty {
            let value = rules.jsonValue()
            json = .rule(rules.jsonObject(value))
        } else {
            json = try SchemaCompiler.node(of: otherwise, in: &rules)
        }
        rules.define(GrammarRules.root, .choice([json, .sequence([.text(syntax.opening), calls])]))
        return rules
    }
}

extension ChatFormat.ToolSyntax: Codable {}

extension Grammar {
    /// The most tools that a grammar is made of; the OpenAI API allows as many.
    public static let toolLimit = 128

    /// The calls that a source of the kind `tool_calls` describes.
    init(toolCalls text: String) throws(GrammarError) {
        // Schemas are JSON in JSON, which doubles their quotes.
        guard text.utf8.count <= 4 * Self.sizeLimit else { throw .tooLarge(what: "bytes", limit: 4 * Self.sizeLimit) }
        let calls: ToolCallGrammar
        do {
            calls = try JSONDecoder().decode(ToolCallGrammar.self, from: Data(text.utf8))
        } catch {
            throw .json(offset: 0, reason: "this does not describe calls of tools")
        }
        try self.init(source: "tool calls:" + text, rules: calls.rules())
    }
}

extension GrammarRules {
    /// One call of one of these tools.
    fileprivate mutating func calls(
        of tools: [ToolCallGrammar.Tool],
        _ syntax: ChatFormat.ToolSyntax
    ) throws(GrammarError) -> GrammarNode {
        guard tools.count <= Grammar.toolLimit else { throw .tooLarge(what: "tools", limit: Grammar.toolLimit) }
        var size = 0
        var calls: [GrammarNode] = []
        for tool in tools {
            size += tool.parameters.utf8.count
            guard size <= Grammar.sizeLimit else { throw .tooLarge(what: "bytes of schemas", limit: Grammar.sizeLimit) }
            let arguments = try arguments(of: tool)
            calls.append(syntax.call(of: tool.name, arguments: arguments))
        }
        return .choice(calls)
    }

    private mutating func arguments(of tool: ToolCallGrammar.Tool) throws(GrammarError) -> GrammarNode {
        // Arguments are an object whatever the schema says.
        if let schema = ChatJSON(tool.parameters), schema["type"]?.value == .string("object") {
            if schema["properties"]?.value == .object([]), schema["additionalProperties"] == nil {
                // A schema of its own would allow any members.
                return .text("{}")
            }
            do {
                return try SchemaCompiler.node(of: tool.parameters, in: &self)
            } catch {
                guard error.isOfSchemasLimits else { throw error }
            }
        }
        let value = jsonValue()
        return .rule(jsonObject(value))
    }
}

extension GrammarError {
    /// Whether the schema is right, and only says more than can be enforced.
    fileprivate var isOfSchemasLimits: Bool {
        switch self {
        case .unsupported, .tooLarge: true
        case .syntax, .undefinedRule, .leftRecursion, .nothingMatches, .json, .invalid: false
        }
    }
}

extension ChatFormat.ToolSyntax {
    /// What a model writes before its first call, up to where ``call(of:arguments:)`` begins.
    var opening: String {
        switch self {
        case .hermes: "<tool_call>\n"
        case .llama3: ""
        case .mistral: "[TOOL_CALLS]"
        case .deepSeek: "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>"
        }
    }

    /// One call, with what ends it.
    fileprivate func call(of name: String, arguments: GrammarNode) -> GrammarNode {
        func object(_ key: StaticString) -> [GrammarNode] {
            let quoted = String(decoding: JSONNodes.quoted(name), as: UTF8.self)
            return [.text("{\"name\": \(quoted), \"\(key)\": "), arguments, .text("}")]
        }
        switch self {
        case .hermes: return .sequence(object("arguments") + [.text("\n</tool_call>")])
        case .llama3: return .sequence(object("parameters"))
        case .mistral: return .sequence([.text("[")] + object("arguments") + [.text("]")])
        case .deepSeek:
            return .sequence([
                .text(name + "\n```json\n"), arguments,
                .text("\n```<｜tool▁call▁end｜>"),
            ])
        }
    }
}
