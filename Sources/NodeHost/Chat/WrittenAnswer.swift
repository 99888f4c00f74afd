import Inference
import Ledger
import NodeAPI

/// What was sent of an answer, delta by delta, so that it can be cut where the caller left.
struct WrittenAnswer: Sendable {
    /// Without log probabilities, which nothing is made of.
    private(set) var deltas: [ProtoChatDelta] = []
    /// The engine's account of its work; `nil` when it was cut off.
    var ending: AnswerEnding?
    /// What interim vouchers have paid.
    var advanced = Nano.zero
    private var isCut = false

    /// The most bytes of a receipt of computation; Nexus takes no more, and a message has twice as many.
    private static let computationLimit = 2 << 20

    mutating func append(_ delta: ProtoChatDelta) {
        var delta = delta
        delta.logprobs = []
        deltas.append(delta)
    }

    /// Keeps what reached the caller.
    mutating func cut(to stop: ProtoChatStop) {
        isCut = true
        if stop.hasDeltas {
            deltas = Array(deltas.prefix(Int(stop.deltas)))
        } else {
            var sum = 0
            deltas = Array(
                deltas.prefix { delta in
                    sum += Int(delta.tokens)
                    return sum <= Int(stop.delivered)
                }
            )
        }
    }

    /// The tokens of what was sent.
    var sentTokens: Int { deltas.reduce(0) { $0 + Int($1.tokens) } }

    /// The tokens that are billed: what was sent, and no more than the engine counted in the end.
    var tokens: Int {
        guard !isCut, let ending else { return sentTokens }
        return min(sentTokens, ending.completionTokens)
    }

    /// The hash that the receipt carries.
    func hash(session: Bytes32) -> Bytes32 {
        var hash = AnswerHash(session: session)
        for delta in deltas { hash.append(delta) }
        return hash.finalize()
    }

    /// The closing message, without the receipt.
    var message: ProtoChatFinished {
        var message = ProtoChatFinished()
        switch ending?.reason {
        case .stop: message.reason = deltas.contains { !$0.toolCalls.isEmpty } ? .toolCalls : .stop
        case .length: message.reason = .length
        case .cancelled, nil: message.reason = .cancelled
        }
        guard let ending else { return message }
        message.prefillUs = ending.prefill.microseconds
        message.decodeUs = ending.decode.microseconds
        message.cachedPromptTokens = UInt32(clamping: ending.cachedPromptTokens)
        // A receipt of computation that is longer would keep the bill from being sent at all.
        if let json = try? ending.computation?.json(), json.utf8.count <= Self.computationLimit {
            message.computation = json
        }
        return message
    }
}

extension ProtoChatDelta {
    /// The message for a part of an answer.
    init(_ parts: [ChatOutputPart], tokens: Int, logprobs: [AnswerLogprob]) {
        self.init()
        self.tokens = UInt32(clamping: tokens)
        for part in parts {
            switch part {
            case .content(let more): text += more
            case .reasoning(let more): reasoning += more
            case .toolCall(let call): toolCalls.append(ProtoToolCall(call))
            }
        }
        self.logprobs = logprobs.map { entry in
            var message = ProtoTokenLogprob()
            message.token = ProtoTokenChoice(entry.token)
            message.top = entry.top.map { ProtoTokenChoice($0) }
            return message
        }
    }
}

extension Duration {
    /// Whole microseconds.
    fileprivate var microseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(clamping: seconds) * 1_000_000 + UInt64(clamping: attoseconds / 1_000_000_000_000)
    }
}
