import Foundation
import Ledger
import Nexus
import NexusHTTP
import Testing

private let call = ToolCall(name: "f", arguments: #"{"a": "é"}"#)
private let token = TokenLogprob.Choice(bytes: [0xC3], logprob: -0.25)
private let steps: [ScriptedAnswer.Step] = [
    .delta(ChatDelta(reasoning: "Hm", tokens: 2)),
    .delta(ChatDelta(text: "é", logprobs: [TokenLogprob(token: token, top: [token])], tokens: 1)),
    .delta(ChatDelta(toolCalls: [call, ToolCall(id: "mine", name: "g", arguments: "{}")], tokens: 9)),
    .finished(
        ChatSummary(
            reason: .toolCalls,
            usage: Usage(promptTokens: 15, completionTokens: 12, cachedPromptTokens: 8),
            cost: .zero,
            receipt: "0xfeed",
            computation: #"{"receipt":{"chain":"c"}}"#
        )
    ),
]

@Suite(.timeLimit(.minutes(1))) struct `Thoughts, calls and probabilities` {
    @Test func `are parts of an answer`() async throws {
        let reply = try await withServer(ScriptedBackend { _ in steps }) { port in try await chat(port) }
        let choice = try #require((reply.json["choices"] as? [[String: Any]])?.first)
        let message = try #require(choice["message"] as? [String: Any])
        #expect(message["content"] as? String == "é" && message["reasoning_content"] as? String == "Hm")
        let calls = try #require(message["tool_calls"] as? [[String: Any]])
        #expect(calls.map { $0["type"] as? String } == ["function", "function"])
        #expect((calls[0]["id"] as? String)?.hasPrefix("call_") == true && calls[1]["id"] as? String == "mine")
        #expect(calls[0]["function"] as? [String: String] == ["name": "f", "arguments": call.arguments])
        #expect(choice["finish_reason"] as? String == "tool_calls")
        try check(choice["logprobs"])
        try check(usage: reply.json["usage"])
        let computation = (reply.json["lattice"] as? [String: Any])?["computation"] as? [String: Any]
        #expect(computation?["receipt"] as? [String: String] == ["chain": "c"])
    }

    @Test func `come as deltas in a stream`() async throws {
        let fields = #""stream":true,"stream_options":{"include_usage":true}"#
        let reply = try await withServer(ScriptedBackend { _ in steps }) { port in try await chat(port, fields) }
        #expect(reply.delta(1) as? [String: String] == ["reasoning_content": "Hm"])
        #expect(reply.delta(2) as? [String: String] == ["content": "é"])
        try check(reply.choice(2)["logprobs"])
        let calls = (3...6).map { (reply.delta($0)["tool_calls"] as? [[String: Any]])?.first ?? [:] }
        #expect(calls.map { $0["index"] as? Int } == [0, 0, 1, 1])
        #expect(calls.map { $0["id"] != nil } == [true, false, true, false])
        let functions = calls.map { $0["function"] as? [String: String] ?? [:] }
        #expect(functions.map { $0["name"] } == ["f", nil, "g", nil])
        #expect(functions.map { $0["arguments"] } == ["", call.arguments, "", "{}"])
        #expect(reply.choice(7)["finish_reason"] as? String == "tool_calls")
        try check(usage: reply.chunks.last?["usage"])
    }

    @Test func `leave no content where the model only calls`() async throws {
        let only: [ScriptedAnswer.Step] = [.delta(ChatDelta(toolCalls: [call], tokens: 1)), .finish(.toolCalls)]
        let reply = try await withServer(ScriptedBackend { _ in only }) { port in try await chat(port) }
        let choice = try #require((reply.json["choices"] as? [[String: Any]])?.first)
        #expect((choice["message"] as? [String: Any])?["content"] is NSNull)
    }

    private func check(_ logprobs: Any?) throws {
        let entry = try #require(((logprobs as? [String: Any])?["content"] as? [[String: Any]])?.first)
        #expect(entry["token"] as? String == "\u{FFFD}" && entry["bytes"] as? [Int] == [0xC3])
        #expect(entry["logprob"] as? Double == -0.25)
        #expect((entry["top_logprobs"] as? [[String: Any]])?.first?["bytes"] as? [Int] == [0xC3])
    }

    private func check(usage: Any?) throws {
        let usage = try #require(usage as? [String: Any])
        #expect(usage["prompt_tokens_details"] as? [String: Int] == ["cached_tokens": 8])
        #expect(usage["completion_tokens_details"] as? [String: Int] == ["reasoning_tokens": 2])
    }
}
