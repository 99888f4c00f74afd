/// The embedded engine, as a node asks it.
extension Engine: ChatEngine {
    /// What the engine serves; tools only if the model's template knows them.
    public var profile: EngineProfile {
        var capabilities: EngineProfile.Capabilities = [.isBitExact, .schemas, .grammars, .logprobs]
        if chatFormat.tools != nil { capabilities.insert(.tools) }
        return EngineProfile(
            engine: "lattice",
            model: modelName,
            fingerprint: fingerprint,
            contextLength: contextLength,
            slots: slots,
            capabilities: capabilities
        )
    }

    /// Reads a conversation, away from the caller's event loop: long prompts and large grammars take milliseconds.
    public func read(_ conversation: Conversation) async throws(ChatEngineError) -> any ReadConversation {
        try await withTaskExecutorPreference(globalConcurrentExecutor) { () async throws(ChatEngineError) in
            try prepare(conversation)
        }
    }

    /// The request that a conversation makes of the engine: its prompt and its grammar are what a receipt speaks of.
    public func prepare(_ conversation: Conversation) throws(ChatEngineError) -> EmbeddedConversation {
        let tools = try conversation.offeredTools(format: chatFormat)
        let source = try conversation.grammarSource(tools, syntax: chatFormat.tools)
        let grammar: Grammar?
        do throws(GrammarError) {
            grammar = try source.map { source throws(GrammarError) in try GrammarStore.shared.grammar(of: source) }
        } catch {
            throw .badRequest(error.description)
        }
        var prompt: ChatPrompt
        do throws(ModelError) {
            prompt = try chatPrompt(
                for: chatFormat.tools == .mistral ? CallIDs.shortened(conversation.turns) : conversation.turns,
                tools: tools,
                // A grammar leaves no room for thoughts.
                thinking: grammar == nil ? conversation.thinking : false
            )
        } catch {
            throw .badRequest("the model's chat template refuses the conversation: \(error)")
        }
        if grammar != nil {
            let opening = prompt.parser.endOfThoughts + conversation.opening(tools, syntax: chatFormat.tools)
            if !opening.isEmpty {
                prompt.tokens += tokenizer.encode(opening, parsingSpecial: true, addingBOS: false)
                // Marks alone complete nothing.
                _ = prompt.parser.append(opening)
            }
        }
        guard prompt.tokens.count < contextLength else {
            throw .contextOverflow(promptTokens: prompt.tokens.count, contextLength: contextLength)
        }
        let request = GenerationRequest(
            promptTokens: prompt.tokens,
            sampling: conversation.sampling,
            stop: conversation.stop,
            grammar: grammar,
            wantsReceipt: conversation.wantsReceipt
        )
        if let fault = request.fault { throw .badRequest(fault) }
        if let unknown = conversation.sampling.logitBias.keys.filter({ $0 >= tokenizer.vocabularySize }).min() {
            throw .badRequest(GenerationError.unknownToken(unknown).description)
        }
        return EmbeddedConversation(engine: self, request: request, grammar: source, parser: prompt.parser)
    }
}

/// A conversation that the embedded engine has read.
public struct EmbeddedConversation: ReadConversation {
    /// What the engine is asked.
    public let request: GenerationRequest
    /// What the request's grammar was made of, if it has one.
    public let grammar: ReceiptFile.GrammarSource?
    /// Splits the answer into its parts.
    public let parser: ChatOutputParser

    private let engine: Engine

    init(
        engine: Engine,
        request: GenerationRequest,
        grammar: ReceiptFile.GrammarSource?,
        parser: ChatOutputParser
    ) {
        self.engine = engine
        self.request = request
        self.grammar = grammar
        self.parser = parser
    }

    /// The tokens of the prompt.
    public var promptTokens: Int { request.promptTokens.count }

    /// Starts an answer, or queues it until a slot is free.
    public func answer(limit: Int?) async throws(ChatEngineError) -> any AnswerStream {
        var request = request
        request.maxTokens = limit
        do throws(GenerationError) {
            // The first grammar of an engine takes a tenth of a second.
            let generation =
                if request.grammar == nil {
                    try engine.generate(request)
                } else {
                    try await withTaskExecutorPreference(globalConcurrentExecutor) {
                        [engine, request] () async throws(GenerationError) in
                        try engine.generate(request)
                    }
                }
            return EmbeddedAnswer(generation, of: self, tokenizer: engine.tokenizer)
        } catch {
            throw ChatEngineError(error)
        }
    }
}

extension ChatEngineError {
    /// What the embedded engine says.
    init(_ error: GenerationError) {
        switch error {
        case .contextOverflow(let prompt, let context):
            self = .contextOverflow(promptTokens: prompt, contextLength: context)
        case .emptyPrompt, .unknownToken, .invalid: self = .badRequest(error.description)
        case .busy: self = .busy
        case .closed: self = .unavailable(error.description)
        case .failed(let error): self = .failed(error.description)
        }
    }
}
