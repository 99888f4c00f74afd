internal import InferenceKernels

/// What is reported of one row of logits, taken before anything changes them.
struct LogprobReport {
    private let total: Double
    private let top: [TokenLogprob.Alternative]
    private let logits: [Float]

    /// `nil` when the sampling asks for no log probabilities.
    init?(_ sampling: Sampling, logits: UnsafeMutablePointer<Float>, vocabulary: Int) {
        guard let wanted = sampling.logprobs else { return nil }
        let count = UInt32(vocabulary)
        let total = unsafe ik_log_total(logits, count)
        let held = min(max(wanted, 0), vocabulary)
        let ids = unsafe [UInt32](unsafeUninitializedCapacity: max(held, 1)) { buffer, filled in
            if held > 0, let start = buffer.baseAddress { unsafe ik_largest(logits, count, UInt32(held), start) }
            filled = held
        }
        let row = unsafe Array(UnsafeBufferPointer(start: logits, count: vocabulary))
        top = ids.map { id in
            TokenLogprob.Alternative(token: TokenID(id), logprob: Self.logprob(row[Int(id)], total))
        }
        self.total = total
        self.logits = row
    }

    /// The report of the token that was chosen.
    func entry(for token: TokenID) -> TokenLogprob {
        TokenLogprob(token: token, logprob: Self.logprob(logits[Int(token)], total), top: top)
    }

    /// Finite, because clients read it as JSON: -9999 stands for no probability at all, as in the OpenAI API.
    private static func logprob(_ logit: Float, _ total: Double) -> Float {
        let logprob = Float(Double(logit) - total)
        return logprob.isNaN ? (logit == .infinity ? 0 : -9999) : min(max(logprob, -9999), 0)
    }
}
