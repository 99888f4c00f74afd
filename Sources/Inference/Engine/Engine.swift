internal import NIOConcurrencyHelpers

/// A model that answers.
///
/// All computing is done by one thread of the engine and its workers; callers only queue requests and read events.
/// Generations are computed together, a batch of tokens each step, and none changes another's bits: what comes out
/// depends on the model, the type of the cache, the prompt and the sampling alone, and not on threads, on processors, on
/// what else runs, or on what is in the cache.
public final class Engine: Sendable {
    /// The model's name, from the file's metadata or else its name.
    public let modelName: String
    /// The positions of a conversation, prompt and answer together.
    public let contextLength: Int
    /// The SHA-256 of the model's file, in hexadecimal.
    public let fingerprint: String
    /// How many generations run side by side.
    public let slots: Int
    /// How text becomes tokens.
    public let tokenizer: Tokenizer
    /// The number of computing threads.
    public let threads: Int

    /// How keys and values are kept.
    public let cacheType: CacheType

    /// The most slots: a batch has room for a token of each, and for a part of a prompt besides.
    static let slotLimit = 64
    private let template: ChatTemplate
    private let grammars: GrammarCache
    private let inbox: Inbox
    private let usageBox: NIOLockedValueBox<EngineUsage>
    private let readAhead: Int

    /// Loads the model at `path`, a GGUF file.
    public static func load(
        path: String,
        options: EngineOptions = EngineOptions()
    ) async throws(ModelError) -> Engine {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(error) }
        // Hashing a large file takes as long as loading it; both read the same pages.
        async let hash = onOwnThread { .success(file.fingerprint) }
        let model = await onOwnThread { () -> Result<LoadedModel, ModelError> in
            Result { () throws(ModelError) in try LoadedModel(file: file, options: options) }
        }
        let print = try await hash.get()
        return try Engine(model: model.get(), fingerprint: print, options: options)
    }

    private init(model: LoadedModel, fingerprint: String, options: EngineOptions) throws(ModelError) {
        modelName = model.name
        contextLength = model.contextLength
        self.fingerprint = fingerprint
        slots = min(max(options.slots, 1), Self.slotLimit)
        tokenizer = model.tokenizer
        threads = model.pool.threads
        template = model.template
        grammars = model.grammars
        readAhead = max(options.readAhead, 1)
        let inbox = Inbox(limit: max(options.queueLimit, 1))
        self.inbox = inbox
        cacheType = options.cacheType
        let runner = try RunnerBox(model, options: options, slots: slots)
        let usageBox = NIOLockedValueBox(runner.runner.usage)
        self.usageBox = usageBox
        try startThread { [slots] in
            var loop = EngineLoop(model: model, runner: runner.runner, inbox: inbox, slots: slots, usage: usageBox)
            loop.run()
        }
    }

    deinit { inbox.close() }

    /// What the engine is doing.
    public var usage: EngineUsage { usageBox.withLockedValue(\.self) }

    /// The hashes of the prefixes that the cache holds, one for each full page, in no order.
    ///
    /// A prompt is cheap here if `prefixHashes(of:)` gives hashes of which many are among them.
    public func cachedPrefixes() async -> [UInt64] {
        await withCheckedContinuation { continuation in inbox.ask { continuation.resume(returning: $0) } }
    }

    /// The hashes of the prefixes of `tokens` that end with a page of 64 tokens, the shortest first.
    ///
    /// Equal on every machine for the same tokens; tokens mean the same only to the same model.
    public static func prefixHashes(of tokens: [TokenID]) -> [UInt64] {
        var hashes: [UInt64] = []
        var rest = tokens[...]
        while rest.count >= PageMemory.positions {
            hashes.append(prefixHash(rest.prefix(PageMemory.positions), after: hashes.last))
            rest = rest.dropFirst(PageMemory.positions)
        }
        return hashes
    }

    /// Ends all generations with `.closed` and refuses others.
    ///
    /// Memory is given back when the last one ended.
    public func close() { inbox.close() }

    /// The prompt for the model's next turn after `turns`, in the form that its template asks for.
    ///
    /// Text of the turns and of the tools never becomes control tokens.
    ///
    /// - Parameter tools: the functions that the model may ask for, if its template knows tools.
    /// - Parameter thinking: whether the model is to think first, where its template lets that be chosen.
    public func prompt(
        for turns: [ChatTurn],
        tools: [ChatTool] = [],
        thinking: Bool? = nil
    ) throws(ModelError) -> [TokenID] {
        try chatPrompt(for: turns, tools: tools, thinking: thinking).tokens
    }

    /// The prompt for the model's next turn after `turns`, with a parser that splits the answer into its parts.
    public func chatPrompt(
        for turns: [ChatTurn],
        tools: [ChatTool] = [],
        thinking: Bool? = nil
    ) throws(ModelError) -> ChatPrompt {
        do {
            return try template.chatPrompt(for: turns, tools: tools, thinking: thinking, tokenizer: tokenizer)
        } catch {
            throw .template("\(error)")
        }
    }

    /// How the model writes its thoughts and its tool calls.
    public var chatFormat: ChatFormat { template.format }

    /// Starts a generation, or queues it until a slot is free.
    public func generate(_ request: GenerationRequest) throws(GenerationError) -> Generation {
        Generation(channel: try start(request))
    }

    /// Computes an answer again, and compares it with its receipt: believed if this returns.
    ///
    /// The answer is read like a prompt, several tokens at a time, which takes a fraction of the time of giving it. Each
    /// token is compared with the one that the sampling chooses from its logits, and the logits with the receipt's hash.
    ///
    /// - Parameters:
    ///   - prompt: the prompt's tokens.
    ///   - tokens: the answer's tokens, `Generation.answerTokens`.
    ///   - grammar: the grammar of the request, if it had one.
    public func verify(
        _ receipt: ComputationReceipt,
        prompt: [TokenID],
        tokens: [TokenID],
        grammar: Grammar? = nil
    ) async throws(ReceiptFault) {
        let claim = ReceiptClaim(receipt: receipt, tokens: tokens, grammar: grammar)
        try claim.check(origin: origin, prompt: prompt)
        if tokens.isEmpty {
            let verifier = ReceiptVerifier(claim, prompt: prompt)
            return try verifier.finish()
        }
        if let unknown = tokens.first(where: { !(0..<tokenizer.vocabularySize).contains(Int($0)) }) {
            throw .failed(.unknownToken(unknown))
        }
        guard prompt.count + tokens.count <= contextLength else {
            throw .failed(.contextOverflow(promptTokens: prompt.count + tokens.count, contextLength: contextLength))
        }
        let request = GenerationRequest(
            promptTokens: prompt,
            maxTokens: tokens.count,
            sampling: receipt.sampling,
            grammar: grammar
        )
        let channel: GenerationChannel
        var wasCancelled = false
        do throws(GenerationError) {
            channel = try start(request, claim: claim)
            while let event = try await channel.next().get() {
                if case .finished(.cancelled, _, _, _, _) = event { wasCancelled = true }
            }
        } catch {
            throw .failed(error)
        }
        if let fault = channel.fault { throw fault }
        if wasCancelled { throw .failed(.invalid("the check was cancelled")) }
    }

    private var origin: ReceiptOrigin { ReceiptOrigin(model: fingerprint, cache: cacheType) }

    private func start(
        _ request: GenerationRequest,
        claim: ReceiptClaim? = nil
    ) throws(GenerationError) -> GenerationChannel {
        if let fault = request.fault { throw .invalid(fault) }
        guard !request.promptTokens.isEmpty else { throw .emptyPrompt }
        guard request.promptTokens.count + 1 <= contextLength else {
            throw .contextOverflow(promptTokens: request.promptTokens.count, contextLength: contextLength)
        }
        if let unknown = request.promptTokens.first(where: { !(0..<tokenizer.vocabularySize).contains(Int($0)) }) {
            throw .unknownToken(unknown)
        }
        if let unknown = request.sampling.logitBias.keys.filter({ $0 >= tokenizer.vocabularySize }).min() {
            throw .unknownToken(unknown)
        }
        if request.grammar != nil { grammars.prepare() }
        let channel = GenerationChannel(limit: readAhead) { [inbox] in inbox.wake() }
        try inbox.submit(Inbox.Entry(request: request, channel: channel, origin: origin, claim: claim))
        return channel
    }
}

/// Carries a batch runner to the one thread that uses it.
///
/// `@unchecked Sendable`: its maker lets go of it at once.
private final class RunnerBox: @unchecked Sendable {
    let runner: BatchRunner

    init(_ model: LoadedModel, options: EngineOptions, slots: Int) throws(ModelError) {
        var limits = Scheduler.Limits()
        // A few rows more than slots, for guesses.
        limits.rows = min(max(slots, 8) + 8, limits.stepTokens)
        runner = try BatchRunner(
            transformer: model.transformer,
            pool: model.pool,
            type: options.cacheType,
            pages: model.pages,
            limits: limits,
            isGuessing: options.guessesAhead
        )
    }
}
