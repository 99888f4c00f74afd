/// How the next token is chosen.
public struct Sampling: Hashable, Sendable {
    /// 0 is greedy.
    public var temperature: Double
    /// Keep the smallest set of tokens whose probabilities reach this sum; 1 keeps all.
    public var topP: Double
    /// Keep this many of the most probable tokens; 0 keeps all.
    public var topK: Int
    /// Keep the tokens at least so many times as probable as the first; 0 keeps all.
    public var minP: Double
    /// What the logits of tokens seen are divided by; 1 for no penalty.
    public var repetitionPenalty: Double
    /// What a token loses for having been said: -2 to 2.
    public var presencePenalty: Double
    /// What a token loses for each time it has been said: -2 to 2.
    public var frequencyPenalty: Double
    /// What is added to the logits of tokens, by their numbers: -100 to 100.
    public var logitBias: [Int32: Float]
    /// How many alternatives are told with the log probability of each token, 0 to 20; `nil` for no log probabilities.
    public var logprobs: Int?
    /// The same seed, prompt and model give the same answer.
    ///
    /// `nil` draws one.
    public var seed: UInt64?

    /// Makes a rule; the defaults are OpenAI's.
    public init(
        temperature: Double = 1,
        topP: Double = 1,
        topK: Int = 0,
        minP: Double = 0,
        repetitionPenalty: Double = 1,
        presencePenalty: Double = 0,
        frequencyPenalty: Double = 0,
        logitBias: [Int32: Float] = [:],
        logprobs: Int? = nil,
        seed: UInt64? = nil
    ) {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.logitBias = logitBias
        self.logprobs = logprobs
        self.seed = seed
    }

    /// What is out of range, by its name in the API, or `nil`.
    var fault: (field: String, problem: String)? {
        if !(0...2).contains(temperature) { return ("temperature", "must be between 0 and 2") }
        if !(topP > 0 && topP <= 1) { return ("top_p", "must be above 0 and at most 1") }
        if topK < 0 { return ("top_k", "must not be negative") }
        if !(0...1).contains(minP) { return ("min_p", "must be between 0 and 1") }
        if !(repetitionPenalty > 0 && repetitionPenalty <= 10) {
            return ("repetition_penalty", "must be above 0 and at most 10")
        }
        if !(-2...2).contains(presencePenalty) { return ("presence_penalty", "must be between -2 and 2") }
        if !(-2...2).contains(frequencyPenalty) { return ("frequency_penalty", "must be between -2 and 2") }
        if logitBias.count > 1024 { return ("logit_bias", "must have at most 1024 entries") }
        if logitBias.contains(where: { $0 < 0 || !(-100...100).contains($1) }) {
            return ("logit_bias", "must give tokens a bias between -100 and 100")
        }
        if let logprobs, !(0...20).contains(logprobs) { return ("top_logprobs", "must be between 0 and 20") }
        return nil
    }
}
