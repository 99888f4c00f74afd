internal import Nexus

/// The body of an answer that is not streamed.
struct ChatCompletion: Sendable {
    var id: String
    var created: Int
    var model: String
    var text: String
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
        bytes.append(jsonString: text)
        bytes.append(#"},"logprobs":null,"finish_reason":"#)
        bytes.append(jsonString: summary.reason.openAIName)
        bytes.append(#"}],"usage":"#)
        bytes += summary.usage.json
        bytes.append(#","lattice":"#)
        bytes += account.json
        bytes.append("}")
        return bytes
    }
}
