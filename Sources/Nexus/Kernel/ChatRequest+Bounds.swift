import NodeAPI

/// Bounds of a request in tokens, known before any node has counted.
struct RequestSize: Hashable {
    /// No tokenizer makes more tokens than there are bytes, and no template adds more than this to a turn.
    let promptTokenLimit: Int
    /// What the router reckons with.
    let likelyPromptTokens: Int
    /// The most tokens of the answer.
    let answerTokenLimit: Int

    /// Room for a template's own words, such as a built-in system prompt.
    private static let templateAllowance = 512
    private static let turnAllowance = 16
    /// Room for how a template explains tools, and for each of them; templates indent their schemas.
    private static let toolsAllowance = 1024
    private static let toolAllowance = 128
    private static let schemaFactor = 4
    /// What a model adds to a text that it turns into a vector.
    private static let textAllowance = 8

    init(_ request: ChatRequest, contextLength: Int) {
        let bytes = request.messages.reduce(0) { $0 + $1.byteCount }
        let turns = request.messages.reduce(0) { $0 + (1 + 4 * $1.toolCalls.count) * Self.turnAllowance }
        let schemas = request.tools.reduce(0) { $0 + $1.byteCount }
        var tools = 0
        if !request.tools.isEmpty || request.messages.contains(where: { !$0.toolCalls.isEmpty }) {
            tools = Self.toolsAllowance + request.tools.count * Self.toolAllowance + schemas * Self.schemaFactor
        }
        promptTokenLimit = min(contextLength, bytes + turns + tools + Self.templateAllowance)
        likelyPromptTokens = min(contextLength, (bytes + schemas) / 4 + turns)
        answerTokenLimit = min(contextLength, request.maxTokens ?? contextLength)
    }

    /// Texts of which each is cut to what the model reads.
    init(_ request: EmbedRequest, contextLength: Int) {
        promptTokenLimit = request.texts.reduce(0) { $0 + min(contextLength, $1.utf8.count + Self.textAllowance) }
        likelyPromptTokens = request.texts.reduce(0) { $0 + min(contextLength, $1.utf8.count / 4 + 2) }
        answerTokenLimit = 0
    }
}

extension ChatMessage {
    fileprivate var byteCount: Int {
        let calls = toolCalls.reduce(0) { $0 + $1.id.utf8.count + $1.name.utf8.count + 2 * $1.arguments.utf8.count }
        return role.utf8.count + content.utf8.count + (reasoning?.utf8.count ?? 0) + calls
            + (toolCallID?.utf8.count ?? 0) + (toolName?.utf8.count ?? 0)
    }
}

extension Tool {
    fileprivate var byteCount: Int { name.utf8.count + description.utf8.count + parameters.utf8.count }
}

extension ChatRequest {
    /// Turns of one conversation beyond these are refused before they travel.
    private static let turnLimit = 4096
    private static let toolLimit = 128
    /// Bytes of all schemas, of a schema, and of a grammar.
    private static let schemaLimit = 1 << 20
    private static let roles: Set = ["system", "developer", "user", "assistant", "tool"]

    /// No vocabulary in use has a longer token.
    private static let longestToken = 256

    /// Refuses a prompt that cannot fit before anybody spends time on counting its tokens.
    func checkLength(contextLength: Int) throws(NexusError) {
        let fewest = messages.reduce(0) { $0 + $1.content.utf8.count } / Self.longestToken
        guard fewest < contextLength else { throw .contextLengthExceeded(limit: contextLength, prompt: fewest) }
    }

    /// Refuses what makes no sense to any node.
    func validate() throws(NexusError) {
        guard !messages.isEmpty else { throw .invalidRequest(field: "messages", problem: "at least one is needed") }
        guard messages.count <= Self.turnLimit else {
            throw .invalidRequest(
                field: "messages",
                problem: "\(messages.count) are too many; \(Self.turnLimit) is the limit"
            )
        }
        for (index, message) in messages.enumerated() where !Self.roles.contains(message.role) {
            throw .invalidRequest(field: "messages[\(index)].role", problem: "'\(message.role.prefix(40))' is no role")
        }
        if let maxTokens, maxTokens < 1 {
            throw .invalidRequest(field: "max_tokens", problem: "must be at least 1")
        }
        if let (field, problem) = sampling.fault { throw .invalidRequest(field: field, problem: problem) }
        guard stop.count <= 4, stop.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 256 }) else {
            throw .invalidRequest(field: "stop", problem: "at most four strings of 1 to 256 bytes")
        }
        guard tools.count <= Self.toolLimit, tools.reduce(0, { $0 + $1.byteCount }) <= Self.schemaLimit else {
            throw .invalidRequest(
                field: "tools",
                problem: "at most \(Self.toolLimit), of \(Self.schemaLimit) bytes in all"
            )
        }
        switch format {
        case .text, .jsonObject: break
        case .jsonSchema(let text), .gbnf(let text):
            guard text.utf8.count <= Self.schemaLimit else {
                throw .invalidRequest(field: "response_format", problem: "at most \(Self.schemaLimit) bytes")
            }
        }
    }

    /// What the engine must be able to do.
    var needs: ModelCapabilities {
        var needs: ModelCapabilities = []
        if !tools.isEmpty, toolChoice != .none { needs.insert(.tools) }
        switch format {
        case .text: break
        case .jsonObject, .jsonSchema: needs.insert(.schemas)
        case .gbnf: needs.insert(.grammars)
        }
        if sampling.logprobs != nil { needs.insert(.logprobs) }
        if wantsReceipt { needs.insert(.isBitExact) }
        return needs
    }

    /// Refuses what no node that serves the model can do, whether it is there or not.
    func checkCapabilities(of offers: [Offer]) throws(NexusError) {
        let names: [(ModelCapabilities, field: String, what: String)] = [
            (.tools, "tools", "call tools"), (.schemas, "response_format", "keep answers to a JSON schema"),
            (.grammars, "grammar", "keep answers to a grammar"), (.logprobs, "logprobs", "tell log probabilities"),
            (.isBitExact, "lattice.receipt", "give receipts of computation"),
        ]
        guard offers.contains(where: { !$0.capabilities.contains(.embedsOnly) }) else {
            throw .invalidRequest(field: "model", problem: "'\(model)' turns texts into vectors and does not chat.")
        }
        let needs = needs
        for (capability, field, what) in names
        where needs.contains(capability) && !offers.contains(where: { $0.capabilities.contains(capability) }) {
            throw .invalidRequest(field: field, problem: "No node that serves '\(model)' can \(what).")
        }
    }
}
