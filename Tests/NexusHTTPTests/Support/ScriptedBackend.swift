import Ledger
import NIOConcurrencyHelpers
import Nexus

/// Answers chats from a script instead of from nodes, and notes what was asked.
final class ScriptedBackend: ChatBackend {
    static let key = "key-of-user-7"

    private let script: @Sendable (ChatRequest) -> [ScriptedAnswer.Step]
    private let refusal: NexusError?
    private let startsChats: Bool
    private let listedNodes: [NodeListing]
    private let asked = NIOLockedValueBox<[ChatRequest]>([])
    private let begun = NIOLockedValueBox<[ScriptedAnswer]>([])
    private let abandoned = NIOLockedValueBox(0)

    /// - Parameter startsChats: without it a chat waits to be started until it is cancelled.
    init(
        refusal: NexusError? = nil,
        startsChats: Bool = true,
        nodes: [NodeListing] = [.sample],
        script: @escaping @Sendable (ChatRequest) -> [ScriptedAnswer.Step] = { _ in .hello }
    ) {
        self.refusal = refusal
        self.startsChats = startsChats
        self.script = script
        listedNodes = nodes
    }

    var requests: [ChatRequest] { asked.withLockedValue(\.self) }
    var answers: [ScriptedAnswer] { begun.withLockedValue(\.self) }
    var abandonedStarts: Int { abandoned.withLockedValue(\.self) }

    func authenticate(apiKey: String) async throws(NexusError) -> AccountID {
        guard apiKey == Self.key else { throw .invalidKey }
        return AccountID(user: UserID(7))
    }

    func models() async -> [ModelListing] {
        ["lattice-tiny", "org/name:q8_0"].map {
            ModelListing(
                id: $0,
                created: 1_795_253_472,
                contextLength: 2_048,
                inputPrice: Nano(500_000_000),
                outputPrice: Nano(2_000_000_000),
                nodes: 1
            )
        }
    }

    func nodes() async -> [NodeListing] { listedNodes }

    func account(_ id: AccountID) async throws(NexusError) -> AccountListing {
        AccountListing(
            user: id.user,
            available: .zero,
            bonus: Nano(5_000_000_000),
            unsettled: Nano(81_000),
            reserved: .zero,
            headroom: Nano(4_999_919_000)
        )
    }

    func ledgerEntries(limit: Int) async throws(NexusError) -> LedgerListing {
        let entries = (0..<UInt64(limit)).map {
            LedgerListing.Entry(block: 1_000 - $0, time: 1_795_253_472, event: "Settled", summary: "\"quoted\"")
        }
        return LedgerListing(head: 1_000, hash: "0xabc", entries: entries)
    }

    func embed(_ request: EmbedRequest, for account: AccountID) async throws(NexusError) -> EmbedAnswer {
        if let refusal { throw refusal }
        return EmbedAnswer(
            model: request.model,
            node: .sample,
            vectors: request.texts.map { EmbedAnswer.bytes(of: [Float($0.utf8.count), -0.5]) },
            summary: ChatSummary(
                reason: .stop,
                usage: Usage(promptTokens: 7, completionTokens: 0),
                cost: Nano(3),
                receipt: "0xfeed"
            )
        )
    }

    func chat(_ request: ChatRequest, for account: AccountID) async throws(NexusError) -> any ChatAnswer {
        asked.withLockedValue { $0.append(request) }
        if let refusal { throw refusal }
        if !startsChats {
            let (never, hold) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            _ = hold
            abandoned.withLockedValue { $0 += 1 }
            throw .noNodeAvailable(model: request.model, reasons: [])
        }
        let answer = ScriptedAnswer(model: request.model, steps: script(request))
        begun.withLockedValue { $0.append(answer) }
        return answer
    }
}

/// An answer that plays its steps.
final class ScriptedAnswer: ChatAnswer {
    enum Step: Sendable {
        case text(String)
        case delta(ChatDelta)
        /// The same text over and over.
        case forever(String)
        /// Nothing until the answer is stopped.
        case silence
        case fail(NexusError)
        case finish(FinishReason)
        case finished(ChatSummary)
        /// No more events, without an account.
        case end
    }

    private struct State {
        var steps: [Step]
        var texts = 0
        var stopTime: ContinuousClock.Instant?
    }

    let node = NodeListing.sample
    let model: String
    private let state: NIOLockedValueBox<State>

    init(model: String, steps: [Step]) {
        self.model = model
        state = NIOLockedValueBox(State(steps: steps))
    }

    /// How many pieces of text were asked for.
    var texts: Int { state.withLockedValue(\.texts) }
    /// When the answer was stopped or its reading cancelled.
    var stopTime: ContinuousClock.Instant? { state.withLockedValue(\.stopTime) }

    func stop() async { noteStop() }

    func next() async throws(NexusError) -> ChatEvent? {
        switch take() {
        case .text(let text), .forever(let text):
            return .text(text, tokens: 1)
        case .delta(let delta):
            return .delta(delta)
        case .silence:
            await waitForCancellation()
            throw .nodeFailed("the caller left")
        case .fail(let error):
            throw error
        case .finish(let reason):
            let usage = Usage(promptTokens: 15, completionTokens: texts)
            return .finished(ChatSummary(reason: reason, usage: usage, cost: Nano(81_000), receipt: "0xfeed"))
        case .finished(let summary):
            return .finished(summary)
        case .end:
            return nil
        }
    }

    private func take() -> Step {
        state.withLockedValue { state in
            guard let step = state.steps.first, state.stopTime == nil else { return .end }
            switch step {
            case .text, .delta: state.texts += 1
            case .forever:
                state.texts += 1
                return step
            case .silence, .fail, .finish, .finished, .end: break
            }
            state.steps.removeFirst()
            return step
        }
    }

    private func waitForCancellation() async {
        let (never, hold) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationHandler {
            for await _ in never {}
        } onCancel: {
            noteStop()
        }
        _ = hold
    }

    private func noteStop() {
        state.withLockedValue { $0.stopTime = $0.stopTime ?? .now }
    }
}

extension [ScriptedAnswer.Step] {
    /// Three pieces and an end.
    static let hello: [ScriptedAnswer.Step] = [
        .text("Hello"), .text(" \"Lattice\"\n"), .text("\u{1}é🦊"), .finish(.stop),
    ]
    /// What ``hello`` says.
    static let helloText = "Hello \"Lattice\"\n\u{1}é🦊"
}

extension NodeListing {
    static let sample = NodeListing(
        id: NodeID(1),
        peer: "12D3KooWSample",
        name: "naïve",
        state: .live,
        models: ["lattice-tiny"],
        active: 0,
        capacity: 4,
        latencyMilliseconds: 0.8,
        tokensPerSecond: nil,
        earned: Nano(81_000)
    )
}
