import Inference

/// Writes conversations as requests in an engine's dialect.
struct ChatRequest {
    let dialect: Dialect
    /// The model as the engine names it.
    let model: String
    /// The members that the prompt depends on.
    private let prompt: JSONText
    private let conversation: Conversation

    /// Writes what the prompt depends on, and refuses what the engine has no way to do.
    init(_ conversation: Conversation, dialect: Dialect, model: String) throws(ChatEngineError) {
        self.dialect = dialect
        self.model = model
        self.conversation = conversation
        var json = JSONText()
        json.add("model", model)
        json.add("messages", json: Self.messages(conversation.turns, thoughtsMember: dialect.thoughtsMember))
        try Self.addTools(conversation, dialect, to: &json)
        if let thinking = conversation.thinking { Self.add(thinking: thinking, dialect, to: &json) }
        prompt = json
        try check()
    }

    /// The request whose answer is streamed.
    ///
    /// - Parameter limit: the most tokens; `nil` leaves it to the engine.
    func streamed(limit: Int?) -> String {
        var json = prompt
        json.add("stream", true)
        // vLLM and llama.cpp count in every chunk if they are asked to, each in its own way.
        let options = dialect.sampling == .vllm ? #"{"include_usage":true,"continuous_usage_stats":true}"# : nil
        json.add("stream_options", json: options ?? #"{"include_usage":true}"#)
        if dialect.sampling == .llamaCpp { json.add("timings_per_token", true) }
        if let limit { json.add("max_tokens", limit) }
        if !conversation.stop.isEmpty {
            json.add("stop", json: JSONText.array(conversation.stop.map(JSONText.string)))
        }
        addFormat(to: &json)
        addSampling(to: &json)
        return json.object
    }

    /// The request that counts the prompt's tokens, or writes it, as far as the engine has one.
    var counted: String { prompt.object }

    private func check() throws(ChatEngineError) {
        let sampling = conversation.sampling
        let numbers = [
            sampling.temperature, sampling.topP, sampling.minP, sampling.repetitionPenalty, sampling.presencePenalty,
            sampling.frequencyPenalty,
        ]
        guard numbers.allSatisfy(\.isFinite) else { throw .badRequest("a number of the sampling is not finite") }
        switch conversation.format {
        case .jsonSchema(let schema) where !JSONText.isValue(schema): throw .badRequest("the schema is not JSON")
        case .gbnf where dialect.grammar == .none:
            throw .badRequest("this model's engine (\(dialect.engine)) keeps answers to JSON schemas, not to grammars")
        case .text, .jsonObject, .jsonSchema, .gbnf: break
        }
    }

    // MARK: Messages

    private static func messages(_ turns: [ChatTurn], thoughtsMember: String?) -> String {
        // Calls without a name of their own get one, and results without a reference are for them in their order.
        var unanswered: [String] = []
        var messages: [String] = []
        for (place, turn) in turns.enumerated() {
            let ids = turn.toolCalls.enumerated().map { $1.id ?? "call_\(place)_\($0)" }
            var callID = turn.toolCallID
            if turn.role == "tool", callID == nil, !unanswered.isEmpty { callID = unanswered.removeFirst() }
            if !ids.isEmpty { unanswered = ids }
            messages.append(
                JSONText.object { json in
                    json.add("role", turn.role)
                    json.add("content", turn.content)
                    if let thoughtsMember, let thoughts = turn.reasoning, !thoughts.isEmpty {
                        json.add(thoughtsMember, thoughts)
                    }
                    if !turn.toolCalls.isEmpty {
                        json.add("tool_calls", json: JSONText.array(zip(ids, turn.toolCalls).map(Self.call)))
                    }
                    if let callID { json.add("tool_call_id", callID) }
                    if let name = turn.toolName { json.add("name", name) }
                }
            )
        }
        return JSONText.array(messages)
    }

    private static func call(id: String, _ call: ChatToolCall) -> String {
        JSONText.object { json in
            json.add("id", id)
            json.add("type", "function")
            json.add(
                "function",
                json: JSONText.object { json in
                    json.add("name", call.name)
                    json.add("arguments", call.arguments)
                }
            )
        }
    }

    // MARK: Tools

    private static func addTools(
        _ conversation: Conversation,
        _ dialect: Dialect,
        to json: inout JSONText
    ) throws(ChatEngineError) {
        var tools = conversation.tools
        guard !tools.isEmpty else { return }
        var choice = "auto"
        switch conversation.toolChoice {
        case .auto: break
        case .none:
            guard dialect.choosesTools else { return }
            choice = "none"
        case .required: choice = "required"
        case .function(let name):
            // One tool that must be called is a choice that every engine understands; llama.cpp knows no other.
            tools = tools.filter { $0.name == name }
            guard !tools.isEmpty else { throw .badRequest("tool_choice names the tool '\(name)', which is not given") }
            choice = "required"
        }
        guard choice != "required" || dialect.choosesTools else {
            throw .badRequest(
                "this model's engine (\(dialect.engine)) cannot be made to call a tool; leave the choice to it"
            )
        }
        if let tool = tools.first(where: { !JSONText.isValue($0.parameters) }) {
            throw .badRequest("the parameters of the tool '\(tool.name)' are not JSON")
        }
        json.add("tools", json: JSONText.array(tools.map(Self.tool)))
        if choice != "auto" { json.add("tool_choice", choice) }
    }

    private static func tool(_ tool: ChatTool) -> String {
        JSONText.object { json in
            json.add("type", "function")
            json.add(
                "function",
                json: JSONText.object { json in
                    json.add("name", tool.name)
                    if !tool.description.isEmpty { json.add("description", tool.description) }
                    json.add("parameters", json: tool.parameters)
                }
            )
        }
    }

    // MARK: What the answer depends on

    private static func add(thinking: Bool, _ dialect: Dialect, to json: inout JSONText) {
        switch dialect.thinking {
        case .templateVariable:
            // Qwen's templates and others ask for the first, DeepSeek's and Granite's for the second.
            json.add("chat_template_kwargs", json: #"{"enable_thinking":\#(thinking),"thinking":\#(thinking)}"#)
        case .effort: json.add("reasoning_effort", thinking ? "medium" : "none")
        case .none: break
        }
    }

    private func addFormat(to json: inout JSONText) {
        switch conversation.format {
        case .text: break
        case .jsonObject: json.add("response_format", json: #"{"type":"json_object"}"#)
        case .jsonSchema(let schema):
            let wrapped = #"{"name":"answer","strict":true,"schema":\#(schema)}"#
            json.add("response_format", json: #"{"type":"json_schema","json_schema":\#(wrapped)}"#)
        case .gbnf(let grammar):
            switch dialect.grammar {
            case .field: json.add("grammar", grammar)
            case .structuredOutputs:
                json.add("structured_outputs", json: #"{"grammar":\#(JSONText.string(grammar))}"#)
            case .none: break
            }
        }
    }

    private func addSampling(to json: inout JSONText) {
        let sampling = conversation.sampling
        json.add("temperature", sampling.temperature)
        json.add("top_p", sampling.topP)
        if sampling.presencePenalty != 0 { json.add("presence_penalty", sampling.presencePenalty) }
        if sampling.frequencyPenalty != 0 { json.add("frequency_penalty", sampling.frequencyPenalty) }
        switch dialect.sampling {
        case .llamaCpp:
            // Always all: the server has defaults of its own.
            json.add("top_k", sampling.topK)
            json.add("min_p", sampling.minP)
            json.add("repeat_penalty", sampling.repetitionPenalty)
            json.add("repeat_last_n", sampling.penaltyWindow ?? -1)
            // 32 bits, of which the largest number stands for a random one.
            json.add("seed", sampling.seed % UInt64(UInt32.max))
        case .vllm:
            json.add("top_k", sampling.topK == 0 ? -1 : sampling.topK)
            json.add("min_p", sampling.minP)
            json.add("repetition_penalty", sampling.repetitionPenalty)
            json.add("seed", sampling.seed & UInt64(Int64.max))
        case .openAI: json.add("seed", sampling.seed & UInt64(Int32.max))
        }
        if !sampling.logitBias.isEmpty {
            json.add(
                "logit_bias",
                json: JSONText.object { json in
                    for (token, bias) in sampling.logitBias.sorted(by: { $0.key < $1.key }) {
                        json.add("\(token)", Double(max(bias, -100)))
                    }
                }
            )
        }
        if let count = sampling.logprobs {
            json.add("logprobs", true)
            json.add("top_logprobs", dialect.needsTopLogprob ? max(count, 1) : count)
        }
    }
}
