internal import Nexus

/// A call with its place in the answer, and the name that its result refers to.
struct NamedCall: Sendable {
    var index: Int
    var call: ToolCall

    /// The members of a call, without the braces.
    func json(withArguments: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#""id":"#)
        bytes.append(jsonString: call.id)
        bytes.append(#","type":"function","function":{"name":"#)
        bytes.append(jsonString: call.name)
        bytes.append(#","arguments":"#)
        bytes.append(jsonString: withArguments ? call.arguments : "")
        bytes.append("}")
        return bytes
    }
}

/// Gives the calls of one answer their places and their names.
struct CallNames: Sendable {
    private var count = 0

    /// The next calls; a node's own names stay.
    mutating func name(_ calls: [ToolCall]) -> [NamedCall] {
        calls.map { call in
            var call = call
            if call.id.isEmpty { call.id = "call_" + Self.random() }
            defer { count += 1 }
            return NamedCall(index: count, call: call)
        }
    }

    /// As long as OpenAI's: no two calls of a conversation have the same.
    private static func random() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<24).map { _ in letters[Int.random(in: letters.indices)] })
    }
}

extension [UInt8] {
    /// Appends log probabilities in the form of `choices[].logprobs`.
    mutating func append(json logprobs: [TokenLogprob]) {
        append(#"{"content":["#)
        for (index, entry) in logprobs.enumerated() {
            if index > 0 { append(",") }
            append("{")
            append(members: entry.token)
            append(#","top_logprobs":["#)
            for (index, choice) in entry.top.enumerated() {
                append(index > 0 ? ",{" : "{")
                append(members: choice)
                append("}")
            }
            append("]}")
        }
        append(#"],"refusal":null}"#)
    }

    private mutating func append(members choice: TokenLogprob.Choice) {
        append(#""token":"#)
        append(jsonString: String(decoding: choice.bytes, as: UTF8.self))
        append(#","logprob":"#)
        append(contentsOf: String(choice.logprob).utf8)
        append(#","bytes":["#)
        for (index, byte) in choice.bytes.enumerated() {
            if index > 0 { append(",") }
            append(json: byte)
        }
        append("]")
    }
}
