/// Conversations and tools as templates see them, in the shape that OpenAI's API gave them.
enum ChatValues {
    /// A way to hand a template a turn with calls.
    enum CallForm: CaseIterable {
        /// Arguments as values, no content where nothing is said: Qwen, Hermes, Llama 3.
        case plain
        /// Arguments as JSON text: DeepSeek R1.
        case text
        /// Arguments as values, and content always a string.
        case plainWithContent
        /// Arguments as JSON text, and content always a string.
        case textWithContent

        var hasText: Bool { self == .text || self == .textWithContent }
        var hasContent: Bool { self == .plainWithContent || self == .textWithContent }
    }

    static func messages(_ turns: [ChatTurn], _ form: CallForm) throws(TemplateError) -> [TemplateValue] {
        var messages: [TemplateValue] = []
        for turn in turns { messages.append(try message(turn, form)) }
        return messages
    }

    private static func message(_ turn: ChatTurn, _ form: CallForm) throws(TemplateError) -> TemplateValue {
        let isSilent = turn.content.isEmpty && !turn.toolCalls.isEmpty && !form.hasContent
        var mapping = TemplateMapping([
            (.text("role"), text(turn.role)), (.text("content"), isSilent ? .none : text(turn.content)),
        ])
        if let reasoning = turn.reasoning { mapping.insert(text(reasoning), for: .text("reasoning_content")) }
        if !turn.toolCalls.isEmpty {
            var calls: [TemplateValue] = []
            for call in turn.toolCalls { calls.append(try value(of: call, form)) }
            mapping.insert(.list(TemplateList(calls)), for: .text("tool_calls"))
        }
        if let id = turn.toolCallID { mapping.insert(text(id), for: .text("tool_call_id")) }
        if let name = turn.toolName { mapping.insert(text(name), for: .text("name")) }
        return .mapping(mapping)
    }

    private static func value(of call: ChatToolCall, _ form: CallForm) throws(TemplateError) -> TemplateValue {
        guard let parsed = ChatJSON(call.arguments.isEmpty ? "{}" : call.arguments), case .object = parsed else {
            throw .evaluation(line: 1, cause: "the arguments of a call of \(call.name) are no JSON object")
        }
        let arguments = form.hasText ? text(call.arguments) : value(of: parsed)
        let function = TemplateMapping([(.text("name"), text(call.name)), (.text("arguments"), arguments)])
        var mapping = TemplateMapping([(.text("type"), text("function"))])
        if let id = call.id { mapping.insert(text(id), for: .text("id")) }
        mapping.insert(.mapping(function), for: .text("function"))
        return .mapping(mapping)
    }

    static func tools(_ tools: [ChatTool]) throws(TemplateError) -> TemplateValue {
        var list: [TemplateValue] = []
        for tool in tools {
            guard let parameters = ChatJSON(tool.parameters), case .object = parameters else {
                throw .evaluation(line: 1, cause: "the parameters of the tool \(tool.name) are no JSON object")
            }
            let function = TemplateMapping([
                (.text("name"), text(tool.name)), (.text("description"), text(tool.description)),
                (.text("parameters"), value(of: parameters)),
            ])
            list.append(
                .mapping(
                    TemplateMapping([(.text("type"), text("function")), (.text("function"), .mapping(function))])
                )
            )
        }
        return .list(TemplateList(list))
    }

    private static func value(of json: ChatJSON) -> TemplateValue {
        switch json {
        case .null: .none
        case .bool(let flag): .bool(flag)
        case .integer(let number): .integer(number)
        case .float(let number): .float(number)
        case .string(let string): text(string)
        case .array(let elements): .list(TemplateList(elements.map(value)))
        case .object(let members):
            .mapping(TemplateMapping(members.map { (text($0.name), value(of: $0.value)) }))
        }
    }

    /// Callers of the API write all of it, names and schemas too: none may become control tokens.
    private static func text(_ string: String) -> TemplateValue { .text(TemplateText(string, isTrusted: false)) }
}
