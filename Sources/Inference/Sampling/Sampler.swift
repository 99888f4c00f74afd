internal import InferenceKernels

/// Chooses the tokens of one generation.
///
/// `next` looks and `accept` remembers: what is chosen for a place depends on the sampling, on the tokens accepted before,
/// and on the logits. So a caller that guesses tokens ahead calls both for each row of logits in turn, and stops at the
/// first token that was not guessed. A copy is a value of its own, and costs nothing until it changes.
struct Sampler {
    /// What was chosen.
    struct Choice: Hashable, Sendable {
        let token: TokenID
        /// The token's log probability and its alternatives, if the sampling asks for them.
        let logprob: TokenLogprob?
    }

    private let sampling: Sampling
    private var draws: SplitMix64
    private var history: TokenHistory?
    /// By id, so that equal requests compute in the same order.
    private let biases: [(token: TokenID, bias: Float)]
    private var constraint: GrammarConstraint?

    /// A sampler for the first token after `prompt`.
    init(_ sampling: Sampling, prompt: [TokenID] = [], constraint: GrammarConstraint? = nil) {
        self.constraint = constraint
        self.sampling = sampling
        draws = SplitMix64(seed: sampling.seed)
        history = TokenHistory(sampling, prompt: prompt)
        biases = sampling.logitBias.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Whether the grammar's text is whole and cannot go on.
    var isComplete: Bool { constraint?.isComplete ?? false }

    /// The token for the next place; changes the logits where the sampling asks for it.
    ///
    /// - Parameters:
    ///   - logits: of which the first `vocabulary` are tokens.
    ///   - scratch: room for as many ids.
    /// - Throws: `.notFinite` when there is no logit to choose by, `.grammar` when the grammar allows no token.
    func next(
        logits: UnsafeMutablePointer<Float>,
        vocabulary: Int,
        scratch: UnsafeMutablePointer<UInt32>
    ) throws(ModelError) -> Choice {
        let count = UInt32(vocabulary)
        let likeliest = unsafe ik_argmax(logits, count)
        guard unsafe logits[Int(likeliest)] > -.infinity else { throw .notFinite }
        let report = unsafe LogprobReport(sampling, logits: logits, vocabulary: vocabulary)
        var isChanged = false
        for (token, bias) in biases where token < count {
            unsafe logits[Int(token)] += bias
            isChanged = true
        }
        if let history {
            unsafe history.penalise(logits, vocabulary: vocabulary)
            isChanged = true
        }
        let token: TokenID
        if let constraint {
            let best = unsafe isChanged ? ik_argmax(logits, count) : likeliest
            // What wins among all tokens wins among those that are allowed.
            if sampling.temperature <= 1e-6, unsafe logits[Int(best)] > -.infinity, constraint.allows(best) {
                return Choice(token: best, logprob: report?.entry(for: best))
            }
            unsafe ik_mask(logits, count, try constraint.mask())
            isChanged = true
        }
        // Below this the division by the temperature would leave one token with any weight.
        if sampling.temperature > 1e-6 {
            var draw = draws
            token = unsafe ik_sample(
                logits,
                count,
                sampling.temperature,
                UInt32(clamping: sampling.topK),
                sampling.topP,
                sampling.minP,
                draw.nextFraction(),
                scratch
            )
        } else {
            token = unsafe isChanged ? ik_argmax(logits, count) : likeliest
        }
        return Choice(token: token, logprob: report?.entry(for: token))
    }

    /// Goes on to the place after `token`.
    mutating func accept(_ token: TokenID) {
        _ = draws.next()
        history?.append(token)
        constraint?.accept(token)
    }
}

/// The generator of random numbers for sampling: one number per place, so that a generation can be replayed.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    /// The next number in 0 ..< 1, a multiple of 2^-53.
    mutating func nextFraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
