/// A model that answers.
///
/// All computing is done by one thread of the engine and its workers; callers only queue requests and read events.
/// Generations take turns, one step each, and none changes another's bits: what comes out depends on the model, the
/// prompt and the sampling alone, and not on threads, on processors, or on what else runs.
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

    private let template: ChatTemplate
    private let inbox: Inbox
    private let readAhead: Int

    /// Loads the model at `path`, a GGUF file.
    public static func load(
        path: String,
        options: EngineOptions = EngineOptions()
    ) async throws(ModelError) -> Engine {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(error) }
        // Hashing a large file takes as long as loading it; both read the same pages.
        async let hash = onOwnThread { .success(Inference.fingerprint(of: file)) }
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
        slots = min(max(options.slots, 1), 64)
        tokenizer = model.tokenizer
        threads = model.pool.threads
        template = model.template
        readAhead = max(options.readAhead, 1)
        let inbox = Inbox(limit: max(options.queueLimit, 1))
        self.inbox = inbox
        let workspace = try WorkspaceBox(for: model.transformer)
        try startThread { [slots] in Self.run(model, workspace.workspace, inbox: inbox, slots: slots) }
    }

    deinit { inbox.close() }

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
        if let fault = request.fault { throw .invalid(fault) }
        guard !request.promptTokens.isEmpty else { throw .emptyPrompt }
        guard request.promptTokens.count + 1 <= contextLength else {
            throw .contextOverflow(promptTokens: request.promptTokens.count, contextLength: contextLength)
        }
        if let unknown = request.promptTokens.first(where: { !(0..<tokenizer.vocabularySize).contains(Int($0)) }) {
            throw .unknownToken(unknown)
        }
        let channel = GenerationChannel(limit: readAhead) { [inbox] in inbox.wake() }
        try inbox.submit(Inbox.Entry(request: request, channel: channel))
        return Generation(channel: channel)
    }

    /// The engine's thread: one step for each generation in turn, until the inbox is closed.
    private static func run(_ model: LoadedModel, _ workspace: Workspace, inbox: Inbox, slots: Int) {
        var active: [ActiveGeneration] = []
        while true {
            let isIdle = active.allSatisfy { $0.channel.pauses() }
            guard let entries = inbox.take(slots - active.count, waits: isIdle) else { break }
            active += entries.map { ActiveGeneration($0, model: model) }
            for index in active.indices { active[index].step(model: model, workspace: workspace) }
            active.removeAll(where: \.isFinished)
        }
        for generation in active { generation.channel.end(.failure(.closed)) }
    }
}

/// Carries a workspace to the one thread that uses it.
///
/// `@unchecked Sendable`: its maker lets go of it at once.
private final class WorkspaceBox: @unchecked Sendable {
    /// Tokens of a prompt in one step: weights are read once for all of them, and a cancelled request waits for no more.
    private static let chunk = 64

    let workspace: Workspace

    init(for transformer: Transformer) throws(ModelError) {
        workspace = try Workspace(for: transformer, capacity: Self.chunk)
    }
}
