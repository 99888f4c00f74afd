internal import Nexus

/// An answer that is collected, to be sent whole.
struct CollectedAnswer: Sendable {
    private(set) var text = ""
    private(set) var reasoning = ""
    private(set) var calls: [NamedCall] = []
    private(set) var logprobs: [TokenLogprob] = []
    /// Tokens that are thoughts.
    private(set) var reasoningTokens = 0
    /// About how long its JSON is.
    private(set) var size = 0
    private var names = CallNames()

    /// A token's report in JSON, about.
    private static let reportSize = 64

    mutating func append(_ delta: ChatDelta) {
        text += delta.text
        reasoning += delta.reasoning
        calls += names.name(delta.toolCalls)
        logprobs += delta.logprobs
        if delta.isReasoning { reasoningTokens += delta.tokens }
        size += delta.text.utf8.count + delta.reasoning.utf8.count
        size += delta.toolCalls.reduce(0) {
            $0 + $1.arguments.utf8.count + $1.id.utf8.count + $1.name.utf8.count + Self.reportSize
        }
        // A byte of a token becomes up to eight of JSON, in its text and in the list of its bytes.
        size += delta.logprobs.reduce(0) { sum, entry in
            ([entry.token] + entry.top).reduce(sum) { $0 + Self.reportSize + 8 * $1.bytes.count }
        }
    }
}

extension ChatDelta {
    /// Whether its tokens are thoughts.
    var isReasoning: Bool { !reasoning.isEmpty && text.isEmpty && toolCalls.isEmpty }
}

/// The body of an answer that is not streamed.
struct ChatCompletion: Sendable {
    var id: String
    var created: Int
    var model: String
    var answer: CollectedAnswer
    var summary: ChatSummary
    var account: ChatAccount

    var json: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#"{"id":"#)
        bytes.append(jsonString: id)
        bytes.append(#","object":"chat.completion","created":"#)
        bytes.append(json: created)
        bytes.append(#","model":"#)
        bytes.append(jsonString: model)
        bytes.append(#","choices":[{"index":0,"message":{"role":"assistant","content":"#)
        // A turn that only calls says nothing.
        bytes.append(jsonStringOrNull: answer.text.isEmpty && !answer.calls.isEmpty ? nil : answer.text)
        if !answer.reasoning.isEmpty {
            bytes.append(#","reasoning_content":"#)
            bytes.append(jsonString: answer.reasoning)
        }
        if !answer.calls.isEmpty {
            bytes.append(#","tool_calls":["#)
            for (index, call) in answer.calls.enumerated() {
                bytes.append(index > 0 ? ",{" : "{")
                bytes += call.json(withArguments: true)
                bytes.append("}")
            }
            bytes.append("]")
        }
        bytes.append(#"},"logprobs":"#)
        if answer.logprobs.isEmpty { bytes.append("null") } else { bytes.append(json: answer.logprobs) }
        bytes.append(#","finish_reason":"#)
        bytes.append(jsonString: summary.reason.openAIName)
        bytes.append(#"}],"usage":"#)
        bytes += summary.usage.json(reasoningTokens: answer.reasoningTokens)
        bytes.append(#","lattice":"#)
        bytes += account.json
        bytes.append("}")
        return bytes
    }
}
