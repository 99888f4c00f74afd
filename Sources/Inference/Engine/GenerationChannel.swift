internal import NIOConcurrencyHelpers

/// What the engine's thread and the reader of one generation share.
///
/// Holds at most `limit` tokens' text, as one piece; at the limit the engine's thread leaves the generation alone until
/// the reader has taken it.
final class GenerationChannel: Sendable {
    typealias Outcome = Result<GenerationEvent?, GenerationError>

    private struct State {
        var text = ""
        var tokens = 0
        /// Of tokens since the last event that was taken.
        var logprobs: [TokenLogprob] = []
        /// Of the tokens that the last event covers.
        var taken: [TokenLogprob] = []
        var reusedTokens = 0
        var receipt: ComputationReceipt?
        var answer: [TokenID] = []
        var fault: ReceiptFault?
        var end: Outcome?
        var reader: CheckedContinuation<Outcome, Never>?
        var isCancelled = false
        var isPaused = false

        /// The next thing for the reader, or `nil` while there is none.
        mutating func take() -> Outcome? {
            if !text.isEmpty || end != nil { (taken, logprobs) = (logprobs, []) }
            if !text.isEmpty {
                defer { (text, tokens) = ("", 0) }
                return .success(.text(text, tokens: tokens))
            }
            guard let end else { return nil }
            // After the end there is nothing, for ever.
            self.end = .success(nil)
            return end
        }
    }

    private let state = NIOLockedValueBox(State())
    private let limit: Int
    private let wake: @Sendable () -> Void

    /// A channel that calls `wake` when the engine's thread should look again.
    init(limit: Int, wake: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.wake = wake
    }

    // MARK: The engine's side

    /// Whether nobody wants more.
    var isCancelled: Bool { state.withLockedValue(\.isCancelled) }

    /// Whether the reader is so far behind that the generation should pause; `wake` follows when it caught up.
    func pauses() -> Bool {
        state.withLockedValue { state in
            state.isPaused = state.tokens >= limit && !state.isCancelled
            return state.isPaused
        }
    }

    /// Hands over what is reported of a token, before the text that it completes.
    func report(_ logprob: TokenLogprob) { state.withLockedValue { $0.logprobs.append(logprob) } }

    /// Says how much of the prompt was in the cache.
    func report(reusedTokens: Int) { state.withLockedValue { $0.reusedTokens = reusedTokens } }

    /// Hands over the receipt of an answer, before its end.
    func report(_ recorder: ReceiptRecorder) {
        state.withLockedValue { ($0.receipt, $0.answer) = (recorder.written, recorder.tokens) }
    }

    /// Says what is wrong with a receipt that was checked, before the end.
    func report(_ fault: ReceiptFault) { state.withLockedValue { $0.fault = fault } }

    /// Hands text over.
    func send(_ text: String, tokens: Int) {
        resume { state in
            state.text += text
            state.tokens += tokens
        }
    }

    /// Hands the end over; nothing may follow.
    func end(_ outcome: Outcome) {
        resume { $0.end = outcome }
    }

    private func resume(_ change: (inout State) -> Void) {
        let ready = state.withLockedValue { state -> (CheckedContinuation<Outcome, Never>, Outcome)? in
            change(&state)
            guard let reader = state.reader, let outcome = state.take() else { return nil }
            state.reader = nil
            return (reader, outcome)
        }
        if let (reader, outcome) = ready { reader.resume(returning: outcome) }
    }

    // MARK: The reader's side

    /// What is reported of the tokens that the last event covers.
    var logprobs: [TokenLogprob] { state.withLockedValue(\.taken) }

    /// The receipt, from the end on.
    var receipt: ComputationReceipt? { state.withLockedValue(\.receipt) }

    /// The tokens that the receipt is for.
    var answer: [TokenID] { state.withLockedValue(\.answer) }

    /// What is wrong with a receipt that was checked.
    var fault: ReceiptFault? { state.withLockedValue(\.fault) }

    /// How much of the prompt was in the cache.
    var reusedTokens: Int { state.withLockedValue(\.reusedTokens) }

    /// Says that nobody wants more.
    func cancel() {
        let isNew = state.withLockedValue { state in
            defer { state.isCancelled = true }
            return !state.isCancelled
        }
        if isNew { wake() }
    }

    /// Waits for the next thing; one reader at a time.
    func next() async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (outcome, wasPaused) = state.withLockedValue { state -> (Outcome?, Bool) in
                    precondition(state.reader == nil, "a generation has one reader")
                    guard let outcome = state.take() else {
                        state.reader = continuation
                        return (nil, false)
                    }
                    defer { state.isPaused = false }
                    return (outcome, state.isPaused)
                }
                if wasPaused { wake() }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            cancel()
        }
    }
}
