/// How the next token is chosen from the logits.
///
/// The order is fixed; what is left at its default does nothing:
///
/// 1. `logitBias` is added to the logits of its tokens.
/// 2. Logits of tokens among the last `penaltyWindow` of prompt and answer are divided by `repetitionPenalty` if positive
///    and multiplied by it otherwise (llama.cpp, vLLM).
/// 3. For each token of the answer so far, `presencePenalty` is taken off its logit once and `frequencyPenalty` as often
///    as it occurs (OpenAI).
/// 4. Tokens that the request's grammar does not allow are left out.
/// 5. At a temperature of 0 the largest logit wins. Else logits are divided by `temperature`; the `topK` largest stay; of
///    these the most likely ones whose probability together reaches `topP`; of these the ones at least `minP` times as
///    likely as the first; and one is drawn with one random number.
///
/// The same seed and prompt give the same tokens on every machine. Equal logits rank by lower id. Log probabilities are
/// those of the model, before all of this.
public struct Sampling: Hashable, Sendable {
    /// The most likely token each time.
    public static let greedy = Sampling(temperature: 0, seed: 0)
    /// The most entries of `logitBias`; the OpenAI API allows 300.
    public static let biasLimit = 1024
    /// The most alternatives that `logprobs` may ask for, as in the OpenAI API.
    public static let logprobLimit = 20

    /// 0 takes the most likely token, 1 draws as the model learned, and more is wilder; at most 100.
    public var temperature: Double
    /// How many of the most likely tokens stay; 0 for all.
    public var topK: Int
    /// The probability that the tokens that stay reach together, above 0 and up to 1.
    public var topP: Double
    /// The probability, relative to the most likely token's, below which a token is left out: 0 to 1.
    public var minP: Double
    /// What positive logits of tokens seen are divided by: above 0 and up to 10, 1 for no penalty.
    public var repetitionPenalty: Double
    /// How many of the last tokens `repetitionPenalty` looks at, the prompt's included; `nil` for all.
    public var penaltyWindow: Int?
    /// What a token loses for having been said: -2 to 2.
    public var presencePenalty: Double
    /// What a token loses for each time it has been said: -2 to 2.
    public var frequencyPenalty: Double
    /// What is added to the logits of tokens: -100 to 100, or minus infinity for a token that must not come.
    public var logitBias: [TokenID: Float]
    /// How many alternatives are reported with the log probability of each token: 0 to 20, or `nil` for no log
    /// probabilities at all.
    public var logprobs: Int?
    /// Starts the generator of random numbers.
    public var seed: UInt64

    /// Sampling at `temperature`; a seed that is not given is drawn.
    public init(
        temperature: Double,
        topK: Int = 0,
        topP: Double = 1,
        minP: Double = 0,
        repetitionPenalty: Double = 1,
        penaltyWindow: Int? = 64,
        presencePenalty: Double = 0,
        frequencyPenalty: Double = 0,
        logitBias: [TokenID: Float] = [:],
        logprobs: Int? = nil,
        seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.penaltyWindow = penaltyWindow
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.logitBias = logitBias
        self.logprobs = logprobs
        self.seed = seed
    }

    /// What is wrong with the values, or `nil`.
    var fault: String? {
        if !(0...100).contains(temperature) { return "temperature \(temperature) is outside 0 to 100" }
        if topK < 0 { return "top_k \(topK) is negative" }
        if !(topP > 0 && topP <= 1) { return "top_p \(topP) is outside 0 to 1" }
        if !(0...1).contains(minP) { return "min_p \(minP) is outside 0 to 1" }
        if !(repetitionPenalty > 0 && repetitionPenalty <= 10) {
            return "repetition_penalty \(repetitionPenalty) is outside 0 to 10"
        }
        if let penaltyWindow, penaltyWindow < 0 { return "the penalty's window of \(penaltyWindow) is negative" }
        if !(-2...2).contains(presencePenalty) { return "presence_penalty \(presencePenalty) is outside -2 to 2" }
        if !(-2...2).contains(frequencyPenalty) { return "frequency_penalty \(frequencyPenalty) is outside -2 to 2" }
        if logitBias.count > Self.biasLimit {
            return "\(logitBias.count) entries of logit_bias are more than \(Self.biasLimit)"
        }
        if let (id, bias) = logitBias.min(by: { $0.key < $1.key }), id < 0 {
            return "logit_bias \(bias) is for token \(id), which no model has"
        }
        for (id, bias) in logitBias where !((-100...100).contains(bias) || bias == -.infinity) {
            return "logit_bias \(bias) of token \(id) is outside -100 to 100"
        }
        if let logprobs, !(0...Self.logprobLimit).contains(logprobs) {
            return "top_logprobs \(logprobs) is outside 0 to \(Self.logprobLimit)"
        }
        return nil
    }
}
