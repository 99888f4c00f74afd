extension Conversation {
    /// The tools that the model is shown.
    func offeredTools(format: ChatFormat) throws(ChatEngineError) -> [ChatTool] {
        guard toolChoice != .none else { return [] }
        guard !tools.isEmpty else {
            if toolChoice == .auto { return [] }
            throw .badRequest("tool_choice asks for a tool, and tools has none")
        }
        guard format.tools != nil else {
            throw .badRequest("the model's chat template knows no tools; leave tools out, or choose another model")
        }
        guard tools.count <= Grammar.toolLimit else {
            throw .badRequest("\(tools.count) tools are more than \(Grammar.toolLimit)")
        }
        for (index, tool) in tools.enumerated() where !tool.hasCallableName {
            throw .badRequest("tools[\(index)] has a name that is not of 1 to 64 letters, digits, '_', '-' and '.'")
        }
        if case .function(let name) = toolChoice, !tools.contains(where: { $0.name == name }) {
            throw .badRequest("tool_choice names a function that is not among the tools")
        }
        return tools
    }

    /// What the answer's grammar is made of, or `nil` where it is free.
    ///
    /// - Parameter tools: those that the model is shown.
    func grammarSource(
        _ tools: [ChatTool],
        syntax: ChatFormat.ToolSyntax?
    ) throws(ChatEngineError) -> ReceiptFile.GrammarSource? {
        if let syntax, !tools.isEmpty {
            var calls = ToolCallGrammar(syntax, tools: tools)
            switch (toolChoice, format) {
            case (.required, _): return calls.source
            case (.function(let name), _):
                calls = ToolCallGrammar(syntax, tools: tools.filter { $0.name == name })
                return calls.source
            case (.auto, .jsonObject):
                calls.otherwise = ""
                return calls.source
            case (.auto, .jsonSchema(let text)):
                calls.otherwise = text
                return calls.source
            case (.auto, .text), (.auto, .gbnf), (.none, _): break
            }
        }
        switch format {
        case .text: return nil
        case .jsonObject: return ReceiptFile.GrammarSource(kind: .jsonObject)
        case .jsonSchema(let text): return ReceiptFile.GrammarSource(kind: .jsonSchema, text: text)
        case .gbnf(let text): return ReceiptFile.GrammarSource(kind: .gbnf, text: text)
        }
    }

    /// What stands before an answer that must be a call, and is part of the prompt, so that the model need not choose it.
    func opening(_ tools: [ChatTool], syntax: ChatFormat.ToolSyntax?) -> String {
        switch toolChoice {
        case .required, .function: tools.isEmpty ? "" : syntax?.opening ?? ""
        case .auto, .none: ""
        }
    }
}

extension ChatTool {
    /// Whether every syntax can write the name.
    var hasCallableName: Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: (0x61...0x7A).contains(byte | 0x20)
                }
            }
    }
}
