internal import InferenceKernels

/// Draws tokens for one generation.
struct Sampler {
    private let sampling: Sampling
    private var generator: SplitMix64

    init(_ sampling: Sampling) {
        self.sampling = sampling
        generator = SplitMix64(seed: sampling.seed)
    }

    /// The next token from the workspace's logits, of which the first `vocabulary` are tokens.
    mutating func next(_ workspace: Workspace, vocabulary: Int) -> TokenID {
        let count = UInt32(min(vocabulary, workspace.vocabulary))
        // Below this the division by the temperature would leave one token with any weight.
        guard sampling.temperature > 1e-6 else { return unsafe ik_argmax(workspace.logits, count) }
        return unsafe ik_sample(
            workspace.logits,
            count,
            sampling.temperature,
            UInt32(clamping: sampling.topK),
            sampling.topP,
            generator.nextFraction(),
            workspace.scratch
        )
    }
}

/// The generator of random numbers for sampling: one number per token, so that a generation can be replayed.
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
