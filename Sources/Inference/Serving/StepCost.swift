/// What a step takes, learnt from the steps before.
///
/// Changes how much is computed at a time, and never what comes out.
struct StepCost: Sendable {
    /// How fast older measurements fade.
    private static let fade = 0.95
    /// A step beside which someone waits for the next word.
    private static let answeringStep = 0.1
    /// A step after which a cancelled request should be gone.
    private static let longestStep = 0.5

    /// Sums over steps that only answer: their number, tokens, squares of tokens, seconds, seconds times tokens.
    private var sums = (count: 0.0, tokens: 0.0, squares: 0.0, seconds: 0.0, products: 0.0)
    /// Seconds for a token of a prompt.
    private var promptToken: Double?

    /// Takes in how long a step of `tokens` tokens took, `promptTokens` of them of prompts.
    mutating func record(tokens: Int, promptTokens: Int, seconds: Double) {
        if promptTokens >= 16 {
            let one = seconds / Double(tokens)
            promptToken = promptToken.map { $0 + (one - $0) * 0.2 } ?? one
        } else if promptTokens == 0, tokens > 0 {
            let n = Double(tokens)
            sums.count = sums.count * Self.fade + 1
            sums.tokens = sums.tokens * Self.fade + n
            sums.squares = sums.squares * Self.fade + n * n
            sums.seconds = sums.seconds * Self.fade + seconds
            sums.products = sums.products * Self.fade + seconds * n
        }
    }

    /// The seconds of a step that computes `tokens` tokens, in any unit: a line through the steps before.
    ///
    /// While all of them had the same size, the next token is taken to cost a third of the first: weights are read once
    /// for all, and the arithmetic comes on top.
    func seconds(_ tokens: Int) -> Double {
        let spread = sums.count * sums.squares - sums.tokens * sums.tokens
        guard sums.count > 0 else { return 2 + Double(tokens) }
        let mean = (tokens: sums.tokens / sums.count, seconds: sums.seconds / sums.count)
        var slope = mean.seconds / (mean.tokens + 2)
        if spread > 0.01 * sums.count * sums.count {
            slope = (sums.count * sums.products - sums.tokens * sums.seconds) / spread
        }
        // A token is neither free nor dearer than all of a step.
        slope = min(max(slope, 0), mean.seconds / max(mean.tokens, 1))
        return mean.seconds + slope * (Double(tokens) - mean.tokens)
    }

    /// How many tokens of prompts fit a step that others wait for, or not.
    func promptTokens(isAnswering: Bool, limit: Int) -> Int {
        guard let promptToken, promptToken > 0 else { return limit }
        let fitting = (isAnswering ? Self.answeringStep : Self.longestStep) / promptToken
        return fitting >= Double(limit) ? limit : max(Int(fitting), min(16, limit))
    }
}
