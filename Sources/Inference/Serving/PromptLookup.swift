/// Guesses the next tokens of an answer from an earlier place with the same last tokens.
///
/// Answers that quote their prompt or repeat themselves are then computed several tokens at a time. A guess is only ever
/// a guess: the token that counts is chosen from logits that are the same with and without. How much is guessed follows
/// from how often guesses were right and from what a token more costs, so that it does not slow other answers down.
struct PromptLookup {
    /// Tokens that must agree before a guess.
    static let agreement = 3
    /// The most guesses in a step.
    static let longest = 7

    /// How likely a guess is right, if those before it were.
    private(set) var hope = 0.6
    /// Places where guessing did not seem to pay.
    private var passed = 0
    /// So rarely a guess is made in any case, to learn whether that has changed.
    private static let trial = 32

    /// The guesses that pay, up to `room`, in a step with `others` tokens besides.
    mutating func guess(after tokens: [TokenID], room: Int, beside others: Int, cost: StepCost) -> ArraySlice<TokenID> {
        guard room > 0, let start = continuation(of: tokens) else { return [] }
        let candidates = tokens[start...].prefix(min(room, Self.longest))
        let count = gain(candidates.count, beside: others, cost: cost)
        passed = count == 0 ? passed + 1 : 0
        guard passed < Self.trial else {
            passed = 0
            return candidates.prefix(2)
        }
        return candidates.prefix(count)
    }

    /// Learns from a step.
    mutating func record(guesses: Int, right: Int) {
        for number in 0..<min(right + 1, guesses) { hope += ((number < right ? 1 : 0) - hope) * 0.15 }
    }

    /// How many of `count` guesses give the most tokens a second; 0 if none is worth it.
    private func gain(_ count: Int, beside others: Int, cost: StepCost) -> Int {
        // All of the step waits for the guesses.
        var best = (count: 0, rate: Double(others) / cost.seconds(others) * 1.02)
        var expected = Double(others)
        var chance = 1.0
        for guesses in 0..<count {
            chance *= hope
            expected += chance
            let rate = expected / cost.seconds(others + guesses + 1)
            if rate > best.rate { best = (guesses + 1, rate) }
        }
        return best.count
    }

    /// The place after the last earlier occurrence of the last tokens.
    private func continuation(of tokens: [TokenID]) -> Int? {
        let size = Self.agreement
        guard tokens.count > size else { return nil }
        return unsafe tokens.withUnsafeBufferPointer { tokens in
            let end = tokens.count
            let last = unsafe (tokens[end - 3], tokens[end - 2], tokens[end - 1])
            var start = end - size - 1
            while start >= 0 {
                if unsafe tokens[start + 2] == last.2, unsafe tokens[start + 1] == last.1,
                    unsafe tokens[start] == last.0
                {
                    return start + size
                }
                start -= 1
            }
            return nil
        }
    }
}
