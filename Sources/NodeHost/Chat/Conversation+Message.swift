import Foundation
import Inference
import NodeAPI

/// Reads what Nexus asks; every list and text from the wire has a bound.
extension Conversation {
    /// Bounds of a request, in elements and bytes.
    ///
    /// A message of a call has a bound of its own; these keep what is made of it small.
    fileprivate enum Limit {
        static let turns = 4096
        static let role = 32
        static let calls = 128
        static let tools = 128
        static let name = 256
        static let arguments = 256 << 10
        static let description = 16 << 10
        static let schemas = 1 << 20
        static let stops = 16
        static let stop = 1024
        static let biases = 1024
        static let logprobs = 20
    }

    /// The conversation of a request.
    init(_ start: ProtoChatStart) throws(Refusal) {
        let options = start.options
        try Self.check(start.turns.count, Limit.turns, "messages")
        var turns: [ChatTurn] = []
        for (index, turn) in start.turns.enumerated() {
            turns.append(try ChatTurn(turn, field: "messages[\(index)]"))
        }
        try Self.check(start.stop.count, Limit.stops, "stop")
        for stop in start.stop { try Self.check(bytes: stop, Limit.stop, "stop") }
        self.init(
            turns: turns,
            tools: try Self.tools(options),
            toolChoice: try Self.choice(options),
            format: try Self.format(options),
            thinking: options.hasThinking ? options.thinking : nil,
            sampling: try Sampling(start),
            stop: start.stop,
            wantsReceipt: options.wantsReceipt
        )
    }

    /// The field that an engine's refusal is of, where it says so: a schema or a grammar names its own place.
    func field(of error: ChatEngineError) -> String {
        guard case .badRequest(let reason) = error,
            ["schema", "the schema", "grammar", "the grammar", "rule", "no text"].contains(where: reason.hasPrefix)
        else { return "" }
        return switch format {
        case .jsonObject, .jsonSchema: "response_format"
        case .gbnf: "grammar"
        case .text: tools.isEmpty ? "" : "tools"
        }
    }

    private static func tools(_ options: ProtoChatOptions) throws(Refusal) -> [ChatTool] {
        try check(options.tools.count, Limit.tools, "tools")
        var tools: [ChatTool] = []
        var size = 0
        for (index, tool) in options.tools.enumerated() {
            let field = "tools[\(index)].function"
            try check(bytes: tool.name, Limit.name, "\(field).name")
            try check(bytes: tool.description_p, Limit.description, "\(field).description")
            size += tool.parameters.utf8.count
            guard size <= Limit.schemas else {
                throw Refusal(field: "tools", "their parameters have more than \(Limit.schemas) bytes")
            }
            var read = ChatTool(name: tool.name, description: tool.description_p)
            if !tool.parameters.isEmpty { read.parameters = tool.parameters }
            tools.append(read)
        }
        return tools
    }

    private static func choice(_ options: ProtoChatOptions) throws(Refusal) -> ToolChoice {
        switch options.toolChoice {
        case .unspecified: return .auto
        case .none: return .none
        case .required: return .required
        case .function:
            try check(bytes: options.toolName, Limit.name, "tool_choice.function.name")
            return .function(options.toolName)
        case .UNRECOGNIZED(let value): throw Refusal(field: "tool_choice", "\(value) is not known to this node")
        }
    }

    private static func format(_ options: ProtoChatOptions) throws(Refusal) -> Format {
        guard options.hasResponseFormat else { return .text }
        switch options.responseFormat.format {
        case .jsonObject: return .jsonObject
        case .jsonSchema(let schema):
            try check(bytes: schema, Limit.schemas, "response_format.json_schema.schema")
            return .jsonSchema(schema)
        case .gbnf(let grammar):
            try check(bytes: grammar, Limit.schemas, "grammar")
            return .gbnf(grammar)
        case nil: throw Refusal(field: "response_format", "it is not known to this node")
        }
    }

    fileprivate static func check(_ count: Int, _ limit: Int, _ field: String) throws(Refusal) {
        guard count <= limit else { throw Refusal(field: field, "\(count) are more than \(limit)") }
    }

    fileprivate static func check(bytes text: String, _ limit: Int, _ field: String) throws(Refusal) {
        let count = text.utf8.count
        guard count <= limit else { throw Refusal(field: field, "\(count) bytes are more than \(limit)") }
    }
}

extension ChatTurn {
    fileprivate init(_ turn: ProtoTurn, field: String) throws(Refusal) {
        typealias Limit = Conversation.Limit
        try Conversation.check(bytes: turn.role, Limit.role, "\(field).role")
        try Conversation.check(turn.toolCalls.count, Limit.calls, "\(field).tool_calls")
        try Conversation.check(bytes: turn.toolCallID, Limit.name, "\(field).tool_call_id")
        try Conversation.check(bytes: turn.toolName, Limit.name, "\(field).name")
        for (index, call) in turn.toolCalls.enumerated() {
            let field = "\(field).tool_calls[\(index)]"
            try Conversation.check(bytes: call.id, Limit.name, "\(field).id")
            try Conversation.check(bytes: call.name, Limit.name, "\(field).function.name")
            try Conversation.check(bytes: call.arguments, Limit.arguments, "\(field).function.arguments")
        }
        self.init(
            role: turn.role,
            content: turn.content,
            reasoning: turn.reasoning.isEmpty ? nil : turn.reasoning,
            toolCalls: turn.toolCalls.map { call in
                ChatToolCall(id: call.id.isEmpty ? nil : call.id, name: call.name, arguments: call.arguments)
            },
            toolCallID: turn.toolCallID.isEmpty ? nil : turn.toolCallID,
            toolName: turn.toolName.isEmpty ? nil : turn.toolName
        )
    }
}

extension Sampling {
    /// What makes sense is the engine's to say; here only what is no number.
    fileprivate init(_ start: ProtoChatStart) throws(Refusal) {
        typealias Limit = Conversation.Limit
        let options = start.options
        let numbers = [
            ("temperature", start.temperature), ("top_p", start.topP), ("min_p", options.minP),
            ("repetition_penalty", options.repetitionPenalty), ("presence_penalty", options.presencePenalty),
            ("frequency_penalty", options.frequencyPenalty),
        ]
        for (field, number) in numbers where !number.isFinite { throw Refusal(field: field, "it is no number") }
        try Conversation.check(options.logitBias.count, Limit.biases, "logit_bias")
        var biases: [TokenID: Float] = [:]
        for entry in options.logitBias {
            guard !entry.bias.isNaN else { throw Refusal(field: "logit_bias", "one is no number") }
            biases[entry.token] = entry.bias
        }
        if options.hasLogprobs { try Conversation.check(Int(options.logprobs), Limit.logprobs, "top_logprobs") }
        self.init(
            temperature: start.temperature,
            topK: Int(start.topK),
            topP: start.topP,
            minP: options.minP,
            repetitionPenalty: options.repetitionPenalty == 0 ? 1 : options.repetitionPenalty,
            presencePenalty: options.presencePenalty,
            frequencyPenalty: options.frequencyPenalty,
            logitBias: biases,
            logprobs: options.hasLogprobs ? Int(options.logprobs) : nil,
            seed: start.seed
        )
    }
}

extension ProtoToolCall {
    /// The message for a call.
    init(_ call: ChatToolCall) {
        self.init()
        id = call.id ?? ""
        name = call.name
        arguments = call.arguments
    }
}

extension ProtoTokenChoice {
    /// The message for a token.
    init(_ choice: AnswerLogprob.Alternative) {
        self.init()
        text = Data(choice.bytes)
        logprob = choice.logprob
    }
}

extension ReceiptFile {
    /// The receipt as it travels.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
