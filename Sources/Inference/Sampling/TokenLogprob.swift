/// A token of an answer with the logarithm of the probability that the model gave it.
public struct TokenLogprob: Hashable, Sendable {
    /// One of the most likely tokens at a place.
    public struct Alternative: Hashable, Sendable {
        /// The token.
        public let token: TokenID
        /// The natural logarithm of its probability, before penalties and temperature.
        public let logprob: Float
    }

    /// The token that was chosen.
    public let token: TokenID
    /// The natural logarithm of its probability, before penalties and temperature.
    public let logprob: Float
    /// The most likely tokens, the first first: as many as `Sampling.logprobs` asks for.
    public let top: [Alternative]
}
