/// The tokens that penalties look at, and how often each occurs.
struct TokenHistory {
    private struct Count {
        /// Among the last tokens of prompt and answer.
        var recent = 0
        /// In the answer.
        var said = 0
    }

    private let repetition: Float
    private let presence: Float
    private let frequency: Float
    private let window: Int
    private var counts: [TokenID: Count] = [:]
    /// The last tokens, as a ring once there are `window`.
    private var recent: [TokenID] = []
    private var oldest = 0

    /// The history of a generation after `prompt`, or `nil` when the sampling has no penalties.
    init?(_ sampling: Sampling, prompt: [TokenID]) {
        let window = sampling.repetitionPenalty == 1 ? 0 : sampling.penaltyWindow ?? .max
        guard window > 0 || sampling.presencePenalty != 0 || sampling.frequencyPenalty != 0 else { return nil }
        repetition = Float(sampling.repetitionPenalty)
        presence = Float(sampling.presencePenalty)
        frequency = Float(sampling.frequencyPenalty)
        self.window = window
        for token in prompt.suffix(window) { remember(token) }
    }

    /// Adds a token of the answer.
    mutating func append(_ token: TokenID) {
        remember(token)
        counts[token, default: Count()].said += 1
    }

    private mutating func remember(_ token: TokenID) {
        guard window > 0 else { return }
        if recent.count < window {
            recent.append(token)
        } else {
            counts[recent[oldest]]?.recent -= 1
            recent[oldest] = token
            oldest = oldest + 1 == window ? 0 : oldest + 1
        }
        counts[token, default: Count()].recent += 1
    }

    /// Changes the logits of the tokens seen, each by itself, so that their order is of no consequence.
    func penalise(_ logits: UnsafeMutablePointer<Float>, vocabulary: Int) {
        for (token, count) in counts where token >= 0 && token < vocabulary {
            var logit = unsafe logits[Int(token)]
            if count.recent > 0 { logit = logit > 0 ? logit / repetition : logit * repetition }
            if count.said > 0 { logit -= Float(count.said) * frequency + presence }
            unsafe logits[Int(token)] = logit
        }
    }
}
