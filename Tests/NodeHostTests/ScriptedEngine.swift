import Inference
import NIOConcurrencyHelpers

/// An engine that says what a test wrote down.
final class ScriptedEngine: ChatEngine {
    let profile: EngineProfile
    private let promptTokens: Int
    private let events: [AnswerEvent]
    /// Whether the first event comes again and again.
    private let isEndless: Bool
    private let state = NIOLockedValueBox((read: [Conversation](), limits: [Int?](), cancelled: 0))

    init(
        promptTokens: Int,
        events: [AnswerEvent],
        isEndless: Bool = false,
        capabilities: EngineProfile.Capabilities = []
    ) {
        self.promptTokens = promptTokens
        self.events = events
        self.isEndless = isEndless
        profile = EngineProfile(
            engine: "scripted",
            model: "tiny",
            fingerprint: String(repeating: "05", count: 32),
            contextLength: 100,
            slots: 2,
            capabilities: capabilities
        )
    }

    var usage: EngineUsage { EngineUsage() }
    /// What was asked.
    var conversations: [Conversation] { state.withLockedValue(\.read) }
    var limits: [Int?] { state.withLockedValue(\.limits) }
    /// How many answers were given up.
    var cancelled: Int { state.withLockedValue(\.cancelled) }

    func read(_ conversation: Conversation) async throws(ChatEngineError) -> any ReadConversation {
        state.withLockedValue { $0.read.append(conversation) }
        if conversation.turns.isEmpty { throw .badRequest("say something") }
        return Read(engine: self, promptTokens: promptTokens)
    }

    func close() async {}

    private struct Read: ReadConversation {
        let engine: ScriptedEngine
        let promptTokens: Int

        func answer(limit: Int?) async throws(ChatEngineError) -> any AnswerStream {
            engine.state.withLockedValue { $0.limits.append(limit) }
            return Stream(engine: engine)
        }
    }

    private final class Stream: AnswerStream {
        private let engine: ScriptedEngine
        private let rest: NIOLockedValueBox<[AnswerEvent]>

        init(engine: ScriptedEngine) {
            self.engine = engine
            rest = NIOLockedValueBox(engine.events)
        }

        func next() async throws(ChatEngineError) -> AnswerEvent? {
            if engine.isEndless { return engine.events.first }
            return rest.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() }
        }

        func cancel() { engine.state.withLockedValue { $0.cancelled += 1 } }
    }
}
