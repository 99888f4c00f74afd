/// How the next token is chosen from the logits.
///
/// Logits are divided by the temperature, cut to the `topK` largest, and cut to the most likely ones whose probability
/// together reaches `topP`; then one is drawn. The same seed and prompt give the same tokens on every machine.
public struct Sampling: Hashable, Sendable {
    /// The most likely token each time.
    public static let greedy = Sampling(temperature: 0, seed: 0)

    /// 0 takes the most likely token, 1 draws as the model learned, and more is wilder; at most 100.
    public var temperature: Double
    /// How many of the most likely tokens stay; 0 for all.
    public var topK: Int
    /// The probability that the tokens that stay reach together, above 0 and up to 1.
    public var topP: Double
    /// Starts the generator of random numbers.
    public var seed: UInt64

    /// Sampling at `temperature`; a seed that is not given is drawn.
    public init(
        temperature: Double,
        topK: Int = 0,
        topP: Double = 1,
        seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.seed = seed
    }

    /// What is wrong with the values, or `nil`.
    var fault: String? {
        if !(0...100).contains(temperature) { return "temperature \(temperature) is outside 0 to 100" }
        if topK < 0 { return "top_k \(topK) is negative" }
        if !(topP > 0 && topP <= 1) { return "top_p \(topP) is outside 0 to 1" }
        return nil
    }
}
