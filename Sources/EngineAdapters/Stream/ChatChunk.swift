import Foundation
import Inference

/// One chunk of a streamed answer, as far as it is read (OpenAI, "The chat completion chunk object").
///
/// What is missing or `null` is `nil`: every engine leaves out other fields.
struct ChatChunk: Decodable {
    struct Choice: Decodable {
        var delta: Delta?
        var logprobs: Logprobs?
        var finish_reason: String?
    }

    struct Delta: Decodable {
        var content: String?
        /// llama.cpp, vLLM up to 0.11, DeepSeek.
        var reasoning_content: String?
        /// Ollama, vLLM, OpenRouter.
        var reasoning: String?
        var tool_calls: [ToolCallFragment]?

        var thoughts: String? { reasoning_content ?? reasoning }
    }

    struct Logprobs: Decodable {
        var content: [Token]?
    }

    struct Token: Decodable {
        var token: String
        var bytes: [UInt8]?
        var logprob: Float
        var top_logprobs: [Token]?

        var alternative: AnswerLogprob.Alternative {
            AnswerLogprob.Alternative(bytes: bytes ?? Array(token.utf8), logprob: logprob)
        }
    }

    struct Usage: Decodable {
        struct Details: Decodable {
            var cached_tokens: Int?
        }

        var prompt_tokens: Int?
        var completion_tokens: Int?
        var prompt_tokens_details: Details?
    }

    /// llama.cpp's account; in every chunk if `timings_per_token` is asked for.
    struct Timings: Decodable {
        var cache_n: Int?
        var predicted_n: Int?
        var prompt_ms: Double?
        var predicted_ms: Double?
    }

    var choices: [Choice]?
    var usage: Usage?
    var timings: Timings?
}

/// A part of a tool call: the first has its name, the others more of its arguments.
struct ToolCallFragment: Decodable {
    struct Function: Decodable {
        var name: String?
        var arguments: String?
    }

    var index: Int?
    var id: String?
    var function: Function?
}

/// Joins the fragments of tool calls.
struct ToolCallJoiner {
    /// As much as the embedded engine takes for calls.
    static let byteLimit = ChatOutputParser.callLimit
    /// More calls in one answer are a model that runs in circles; as many as a Nexus takes in one message.
    static let callLimit = 64
    /// Bytes of a name or an id, as a Nexus takes them.
    static let nameLimit = 256

    private var calls: [(index: Int?, call: ChatToolCall)] = []
    private var bytes = 0

    /// Adds a fragment to the call of its index, or begins one.
    ///
    /// Engines that send whole calls give all of them the same index, or none: another id begins another call.
    mutating func add(_ fragment: ToolCallFragment) throws(ChatEngineError) {
        let name = fragment.function?.name ?? ""
        let arguments = fragment.function?.arguments ?? ""
        bytes += name.utf8.count + arguments.utf8.count + (fragment.id?.utf8.count ?? 0)
        guard bytes <= Self.byteLimit else {
            throw .failed("its tool calls have more than \(Self.byteLimit) bytes")
        }
        guard name.utf8.count <= Self.nameLimit, (fragment.id?.utf8.count ?? 0) <= Self.nameLimit else {
            throw .failed("the name or the id of a tool call has more than \(Self.nameLimit) bytes")
        }
        let id = fragment.id.flatMap { $0.isEmpty ? nil : $0 }
        let place = calls.lastIndex { entry in
            entry.index == fragment.index && (id == nil || entry.call.id == nil || entry.call.id == id)
        }
        if let place {
            if calls[place].call.id == nil { calls[place].call.id = id }
            if calls[place].call.name.isEmpty { calls[place].call.name = name }
            calls[place].call.arguments += arguments
        } else {
            guard calls.count < Self.callLimit else {
                throw .failed("it calls more than \(Self.callLimit) tools in one answer")
            }
            calls.append((fragment.index, ChatToolCall(id: id, name: name, arguments: arguments)))
        }
    }

    /// The calls, when no more fragments come.
    mutating func finish() throws(ChatEngineError) -> [ChatToolCall] {
        defer { calls = [] }
        var whole: [ChatToolCall] = []
        for (_, var call) in calls {
            guard !call.name.isEmpty else { throw .failed("it calls a tool without saying which") }
            if call.arguments.isEmpty { call.arguments = "{}" }
            whole.append(call)
        }
        return whole
    }
}
