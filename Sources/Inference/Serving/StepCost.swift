/// What a step takes, learnt from the steps before.
///
/// Changes how much is computed at a time, and never what comes out.
struct StepCost: Sendable {
    /// Steps that only answer are told apart up to this many tokens.
    private static let sizes = 32
    /// How fast a shortest time is forgotten.
    private static let fade = 1.02
    /// A step beside which someone waits for the next word.
    private static let answeringStep = 0.1
    /// A step after which a cancelled request should be gone.
    private static let longestStep = 0.5

    /// The shortest seconds of a step with so many tokens; what else runs on the machine only makes steps longer.
    private var shortest: [Double?] = Array(repeating: nil, count: sizes + 1)
    /// Seconds for a token of a prompt.
    private var promptToken: Double?

    /// Takes in how long a step of `tokens` tokens took, `promptTokens` of them of prompts.
    mutating func record(tokens: Int, promptTokens: Int, seconds: Double) {
        if promptTokens >= 16 {
            let one = seconds / Double(tokens)
            promptToken = promptToken.map { $0 + (one - $0) * 0.2 } ?? one
        } else if promptTokens == 0, 1...Self.sizes ~= tokens {
            shortest[tokens] = min(seconds, shortest[tokens].map { $0 * Self.fade } ?? seconds)
        }
    }

    /// The seconds of a step that computes `tokens` tokens, from the steps before with about as many.
    ///
    /// Where nothing is known, a token more is taken to cost a third of the first: weights are read once for all, and the
    /// arithmetic comes on top.
    func seconds(_ tokens: Int) -> Double {
        let size = min(tokens, Self.sizes)
        if let known = shortest[size] { return known }
        let below = shortest[..<size].lastIndex { $0 != nil }
        let above = shortest[size...].firstIndex { $0 != nil }
        switch (below, above) {
        case (let below?, let above?): return line(through: below, above, at: size)
        case (let below?, nil):
            let lower = shortest[..<below].lastIndex { $0 != nil }
            let guess = (shortest[below] ?? 1) * Double(size + 2) / Double(below + 2)
            return lower.map { max(line(through: $0, below, at: size), shortest[below] ?? 1) } ?? guess
        case (nil, let above?): return (shortest[above] ?? 1) * Double(size + 2) / Double(above + 2)
        case (nil, nil): return Double(size + 2)
        }
    }

    private func line(through first: Int, _ second: Int, at tokens: Int) -> Double {
        let (a, b) = (shortest[first] ?? 1, shortest[second] ?? 1)
        return a + (b - a) * Double(tokens - first) / Double(second - first)
    }

    /// How many tokens of prompts fit a step that others wait for, or not.
    func promptTokens(isAnswering: Bool, limit: Int) -> Int {
        guard let promptToken, promptToken > 0 else { return limit }
        let fitting = (isAnswering ? Self.answeringStep : Self.longestStep) / promptToken
        return fitting >= Double(limit) ? limit : max(Int(fitting), min(16, limit))
    }
}
