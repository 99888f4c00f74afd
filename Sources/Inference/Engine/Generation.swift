/// A generation that is waiting or running; its reader's end.
///
/// Events come in order: any number of `.text`, one `.finished`, then `nil`. The engine pauses a generation whose reader
/// is more than `EngineOptions.readAhead` tokens behind. Cancelling the reading task cancels the generation, as does
/// letting go of the object. One task reads at a time.
public final class Generation: Sendable {
    private let channel: GenerationChannel

    init(channel: GenerationChannel) { self.channel = channel }

    deinit { channel.cancel() }

    /// The next event, or `nil` after the last.
    ///
    /// After a cancellation the rest of the text and `.finished(.cancelled, …)` still come.
    public func next() async throws(GenerationError) -> GenerationEvent? {
        try await channel.next().get()
    }

    /// The tokens that the last event covers, with their log probabilities, if `Sampling.logprobs` asks for them.
    ///
    /// A token belongs to the event after it was computed, of text or of the end. The tokens of all events are the
    /// answer's tokens, an end token included, in order. For the one task that reads.
    public var logprobs: [TokenLogprob] { channel.logprobs }

    /// What was computed, in a form that others can check, if `GenerationRequest.wantsReceipt`; from `.finished` on.
    public var receipt: ComputationReceipt? { channel.receipt }

    /// The answer's tokens, an end token included, if `GenerationRequest.wantsReceipt`; from `.finished` on.
    ///
    /// Who checks the receipt needs them.
    public var answerTokens: [TokenID] { channel.answer }

    /// How many tokens of the prompt were found in the cache and not computed; 0 until the first token of the answer.
    public var cachedPromptTokens: Int { channel.reusedTokens }

    /// Ends the generation before its next step.
    public func cancel() { channel.cancel() }
}

extension Generation: AsyncSequence {
    /// Reads the events of one generation.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let generation: Generation

        /// The next event, or `nil` after the last.
        public mutating func next() async throws(GenerationError) -> GenerationEvent? { try await generation.next() }

        /// The next event, or `nil` after the last.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(GenerationError) -> GenerationEvent? {
            try await generation.next()
        }
    }

    /// An iterator over what has not been read yet.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(generation: self) }
}
