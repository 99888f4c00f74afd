internal import NIOConcurrencyHelpers

/// An answer of the embedded engine, split into its parts.
final class EmbeddedAnswer: AnswerStream {
    private struct State {
        var parser: ChatOutputParser
        /// The end, while what the parser held back goes before it.
        var ending: AnswerEnding?
    }

    private let generation: Generation
    private let tokenizer: Tokenizer
    private let promptTokens: [TokenID]
    private let grammar: ReceiptFile.GrammarSource?
    private let state: NIOLockedValueBox<State>

    init(_ generation: Generation, of conversation: EmbeddedConversation, tokenizer: Tokenizer) {
        self.generation = generation
        self.tokenizer = tokenizer
        promptTokens = conversation.request.promptTokens
        grammar = conversation.grammar
        state = NIOLockedValueBox(State(parser: conversation.parser))
    }

    func next() async throws(ChatEngineError) -> AnswerEvent? {
        let ending = state.withLockedValue { state in
            defer { state.ending = nil }
            return state.ending
        }
        if let ending { return .finished(ending) }
        let event: GenerationEvent?
        do throws(GenerationError) { event = try await generation.next() } catch { throw ChatEngineError(error) }
        switch event {
        case .text(let text, let tokens):
            let parts = state.withLockedValue { $0.parser.append(text) }
            return .parts(parts, tokens: tokens, logprobs: logprobs)
        case .finished(let reason, let promptTokens, let completionTokens, let prefill, let decode):
            let ending = AnswerEnding(
                reason: reason,
                promptTokens: promptTokens,
                cachedPromptTokens: generation.cachedPromptTokens,
                completionTokens: completionTokens,
                prefill: prefill,
                decode: decode,
                computation: computation
            )
            let parts = state.withLockedValue { $0.parser.finish() }
            // Of tokens without text.
            let logprobs = logprobs
            guard !parts.isEmpty || !logprobs.isEmpty else { return .finished(ending) }
            state.withLockedValue { $0.ending = ending }
            return .parts(parts, tokens: 0, logprobs: logprobs)
        case nil: return nil
        }
    }

    private var computation: ReceiptFile? {
        generation.receipt.map { receipt in
            ReceiptFile(
                receipt: receipt,
                promptTokens: promptTokens,
                answerTokens: generation.answerTokens,
                grammar: grammar
            )
        }
    }

    func cancel() { generation.cancel() }

    /// Of the tokens that the last event covers, but for the end token, which is no part of the answer: a reader who is slow
    /// finds it together with the last text.
    private var logprobs: [AnswerLogprob] {
        generation.logprobs.filter { !tokenizer.endTokens.contains($0.token) }.map(described)
    }

    private func described(_ entry: TokenLogprob) -> AnswerLogprob {
        func alternative(_ token: TokenID, _ logprob: Float) -> AnswerLogprob.Alternative {
            AnswerLogprob.Alternative(bytes: tokenizer.bytes(of: token, includingControl: true), logprob: logprob)
        }
        return AnswerLogprob(
            token: alternative(entry.token, entry.logprob),
            top: entry.top.map { alternative($0.token, $0.logprob) }
        )
    }
}
