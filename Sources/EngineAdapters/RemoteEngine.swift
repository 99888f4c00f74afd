public import Inference
import NIOConcurrencyHelpers

/// Another engine: a llama.cpp server, Ollama, vLLM, or anything that speaks OpenAI's chat completions.
///
/// Which of them answers, what its model can do, and how the tokens of a prompt are counted is found out when it is
/// connected. Its answers are not bit-exact and carry no receipts of computation.
public final class RemoteEngine: ChatEngine {
    private struct State {
        var engine: DiscoveredEngine
        /// Answers under way, to be given up with the engine.
        var answers: [ObjectIdentifier: AnswerConnection] = [:]
        var isClosed = false
        /// Why nothing is asked of it: it serves another model than the one that is offered.
        var fault: ChatEngineError?
    }

    private let client: EngineClient
    private let options: RemoteEngineOptions
    private let state: NIOLockedValueBox<State>

    /// Finds out what answers at `url`.
    ///
    /// - Parameters:
    ///   - url: such as `http://127.0.0.1:8080`, with or without `/v1`.
    ///   - model: as the engine names it; `nil` where it serves only one.
    ///   - apiKey: sent as a bearer token to this address and to no other.
    public static func connect(
        url: String,
        model: String? = nil,
        apiKey: String? = nil,
        options: RemoteEngineOptions = RemoteEngineOptions()
    ) async throws(ChatEngineError) -> RemoteEngine {
        let key: EngineKey? = if let apiKey { try EngineKey(apiKey) } else { nil }
        let client = EngineClient(address: try EngineAddress(url), key: key, options: options)
        let engine = try await Discovery(client: client, options: options).find(model: model)
        return RemoteEngine(client: client, engine: engine, options: options)
    }

    private init(client: EngineClient, engine: DiscoveredEngine, options: RemoteEngineOptions) {
        self.client = client
        self.options = options
        state = NIOLockedValueBox(State(engine: engine))
    }

    /// Where it answers.
    public var address: EngineAddress { client.address }

    /// What it serves, as it said last.
    public var profile: EngineProfile { state.withLockedValue(\.engine.profile) }

    /// How many answers are under way; what its cache holds only the engine knows.
    public var usage: EngineUsage {
        var usage = EngineUsage()
        usage.running = state.withLockedValue(\.answers.count)
        return usage
    }

    /// Asks again what answers: an error if nothing does, or if it serves another model than before.
    ///
    /// Another model is asked nothing until a later check finds the right one. A changed context or number of slots is
    /// taken over.
    public func check() async throws(ChatEngineError) {
        let before = state.withLockedValue(\.engine)
        let discovery = Discovery(client: client, options: options, before: before)
        do throws(ChatEngineError) {
            let found = try await discovery.find(model: before.model)
            guard found.dialect.engine == before.dialect.engine, found.model == before.model else {
                throw .badRequest("\(client.address) serves \(found.profile.model)")
            }
            state.withLockedValue { ($0.engine, $0.fault) = (found, nil) }
        } catch {
            // It answers, but not what is wanted.
            guard case .badRequest(let reason) = error else { throw error }
            let fault = ChatEngineError.unavailable("\(reason), not \(before.profile.model)")
            state.withLockedValue { $0.fault = fault }
            throw fault
        }
    }

    /// Counts the prompt's tokens, exactly where the engine lets that be asked, and refuses what it cannot answer.
    public func read(_ conversation: Conversation) async throws(ChatEngineError) -> any ReadConversation {
        let (engine, fault) = state.withLockedValue {
            ($0.engine, $0.isClosed ? .unavailable("it was closed") : $0.fault)
        }
        if let fault { throw fault }
        // A long prompt takes milliseconds to write, which a caller on an event loop does not have.
        return try await withTaskExecutorPreference(globalConcurrentExecutor) { () async throws(ChatEngineError) in
            try await self.read(conversation, engine)
        }
    }

    private func read(
        _ conversation: Conversation,
        _ engine: DiscoveredEngine
    ) async throws(ChatEngineError) -> RemoteConversation {
        let request = try ChatRequest(conversation, dialect: engine.dialect, model: engine.model)
        let counter = TokenCount(client: client, dialect: engine.dialect, model: engine.model)
        var tokens = try await counter.count(request, of: conversation)
        let context = engine.profile.contextLength
        let isBound = engine.dialect.counting == .bound
        // A bound beyond the context says nothing of the prompt: the engine itself refuses what does not fit.
        if isBound { tokens.most = min(tokens.most, context - 1) }
        guard tokens.most < context else {
            throw .contextOverflow(promptTokens: tokens.most, contextLength: context)
        }
        return RemoteConversation(
            engine: self,
            request: request,
            expected: AnswerReader.Expectation(
                promptTokens: tokens.most,
                likelyPromptTokens: min(tokens.likely, tokens.most),
                limit: nil,
                logprobs: conversation.sampling.logprobs
            ),
            room: isBound ? nil : context - tokens.most
        )
    }

    /// Gives up what is being answered, and refuses more.
    public func close() async {
        let answers = state.withLockedValue { state in
            state.isClosed = true
            return Array(state.answers.values)
        }
        for answer in answers { answer.fail(.unavailable("it was closed")) }
    }

    fileprivate func answer(
        _ request: ChatRequest,
        _ expected: AnswerReader.Expectation
    ) async throws(ChatEngineError) -> any AnswerStream {
        let connection = AnswerConnection(expected, options: options) { [weak self] answer in
            self?.state.withLockedValue { $0.answers[ObjectIdentifier(answer)] = nil }
        }
        let refusal = state.withLockedValue { state -> ChatEngineError? in
            if state.isClosed { return .unavailable("it was closed") }
            if state.answers.count >= state.engine.profile.slots + options.queueLimit { return .busy }
            state.answers[ObjectIdentifier(connection)] = connection
            return nil
        }
        if let refusal { throw refusal }
        let answer = RemoteAnswer(connection, of: self)
        try await connection.start(request.streamed(limit: expected.limit), on: client)
        return answer
    }
}

/// A conversation whose tokens another engine has counted.
private struct RemoteConversation: ReadConversation {
    let engine: RemoteEngine
    let request: ChatRequest
    let expected: AnswerReader.Expectation
    /// The tokens that the context leaves for an answer, where the prompt's are known.
    let room: Int?

    var promptTokens: Int { expected.promptTokens }

    func answer(limit: Int?) async throws(ChatEngineError) -> any AnswerStream {
        if let limit, limit < 1 { throw .badRequest("max_tokens \(limit) is below 1") }
        var expected = expected
        expected.limit = [limit, room].compactMap(\.self).min()
        return try await engine.answer(request, expected)
    }
}

/// An answer that another engine writes; letting go of it closes the connection, at which the engine stops.
private final class RemoteAnswer: AnswerStream {
    private let connection: AnswerConnection
    /// The engine's calls end with it, and an answer may outlive all other references to it.
    private let engine: RemoteEngine

    init(_ connection: AnswerConnection, of engine: RemoteEngine) {
        self.connection = connection
        self.engine = engine
    }

    deinit { connection.cancel() }

    func next() async throws(ChatEngineError) -> AnswerEvent? { try await connection.next() }

    func cancel() { connection.cancel() }
}
