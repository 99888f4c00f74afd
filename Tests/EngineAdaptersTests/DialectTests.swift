import Foundation
import Inference
import LatticeTesting
import NIOHTTP1
import Testing

@testable import EngineAdapters

@Suite(.timeLimit(.minutes(1))) struct Dialects {
    private func object(_ text: String) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
    }

    /// The request that asks for an answer to a conversation.
    private func body(_ conversation: Conversation, _ dialect: Dialect, limit: Int? = 50) throws -> NSDictionary {
        try object(ChatRequest(conversation, dialect: dialect, model: "m").streamed(limit: limit))
    }

    private func rich() -> Conversation {
        var conversation = Conversation(
            turns: [
                ChatTurn(role: "system", content: "Be \"brief\".\n\u{1}é"),
                ChatTurn(role: "user", content: "348*27?"),
                ChatTurn(
                    role: "assistant",
                    content: "",
                    reasoning: "Hm.",
                    toolCalls: [ChatToolCall(name: "calc", arguments: #"{"e":"348*27"}"#)]
                ),
                ChatTurn(role: "tool", content: "9396", toolName: "calc"),
            ],
            tools: [ChatTool(name: "calc", description: "computes"), ChatTool(name: "now")],
            toolChoice: .function("calc"),
            format: .jsonSchema(#"{"type":"object","properties":{"b":{},"a":{}}}"#),
            thinking: false,
            stop: ["\n\n"]
        )
        conversation.sampling = Sampling(
            temperature: 0.5,
            topK: 40,
            topP: 0.9,
            minP: 0.05,
            repetitionPenalty: 1.1,
            penaltyWindow: nil,
            presencePenalty: 0.25,
            frequencyPenalty: 0,
            logitBias: [7: -.infinity],
            logprobs: 0,
            seed: .max
        )
        return conversation
    }

    @Test func `of llama-cpp have its own sampling`() throws {
        let body = try body(rich(), .llamaCpp)
        #expect(body["top_k"] as? Int == 40)
        #expect(body["min_p"] as? Double == 0.05)
        #expect(body["repeat_penalty"] as? Double == 1.1)
        #expect(body["repeat_last_n"] as? Int == -1)
        #expect(try #require(body["seed"] as? Int) < Int(UInt32.max))
        #expect(body["timings_per_token"] as? Bool == true)
        #expect(body["top_logprobs"] as? Int == 1)
        #expect((body["logit_bias"] as? NSDictionary)?["7"] as? Double == -100)
        #expect((body["chat_template_kwargs"] as? NSDictionary)?["enable_thinking"] as? Bool == false)
        #expect(body["presence_penalty"] as? Double == 0.25)
        #expect(body["frequency_penalty"] == nil)
        #expect(body["stop"] as? [String] == ["\n\n"])
        #expect(body["max_tokens"] as? Int == 50)
        var grammar = rich()
        grammar.format = .gbnf(#"root ::= "a""#)
        #expect(try self.body(grammar, .llamaCpp)["grammar"] as? String == #"root ::= "a""#)
    }

    @Test func `of vLLM have its own sampling`() throws {
        var conversation = rich()
        conversation.sampling.topK = 0
        conversation.format = .gbnf(#"root ::= "a""#)
        let body = try body(conversation, .vllm)
        #expect(body["top_k"] as? Int == -1)
        #expect(body["repetition_penalty"] as? Double == 1.1)
        #expect(body["seed"] as? Int == .max)
        #expect((body["structured_outputs"] as? NSDictionary)?["grammar"] as? String == #"root ::= "a""#)
        #expect((body["stream_options"] as? NSDictionary)?["continuous_usage_stats"] as? Bool == true)
        #expect(body["top_logprobs"] as? Int == 0)
    }

    @Test func `of others have no more than OpenAI's fields`() throws {
        let known: Set = [
            "model", "messages", "tools", "tool_choice", "stream", "stream_options", "max_tokens", "stop",
            "response_format",
            "temperature", "top_p", "presence_penalty", "seed", "logit_bias", "logprobs", "top_logprobs",
        ]
        let keys = try body(rich(), .openAI).allKeys.compactMap { $0 as? String }
        #expect(Set(keys) == known)
        var conversation = rich()
        conversation.toolChoice = .auto
        let ollama = try body(conversation, .ollama)
        #expect(ollama["reasoning_effort"] as? String == "none")
        #expect(ollama["tool_choice"] == nil)
        #expect(ollama["top_k"] == nil)
    }

    @Test func `refuse what an engine has no way to do`() throws {
        var grammar = rich()
        grammar.format = .gbnf("root ::= \"a\"")
        #expect(throws: ChatEngineError.self) { try self.body(grammar, .openAI) }
        #expect(throws: ChatEngineError.self) { try self.body(rich(), .ollama) }
        var none = rich()
        none.toolChoice = .none
        #expect(try body(none, .ollama)["tools"] == nil)
        #expect(try body(none, .llamaCpp)["tool_choice"] as? String == "none")
        var unknown = rich()
        unknown.toolChoice = .function("other")
        #expect(throws: ChatEngineError.self) { try self.body(unknown, .llamaCpp) }
    }

    @Test func `pass no JSON on that is none`() throws {
        var schema = rich()
        schema.format = .jsonSchema(#"{}},"model":"other""#)
        #expect(throws: ChatEngineError.self) { try self.body(schema, .llamaCpp) }
        var tool = rich()
        tool.toolChoice = .auto
        tool.tools[0].parameters = "{}]"
        #expect(throws: ChatEngineError.self) { try self.body(tool, .llamaCpp) }
        var number = rich()
        number.sampling.temperature = .infinity
        #expect(throws: ChatEngineError.self) { try self.body(number, .llamaCpp) }
    }

    @Test func `write conversations with tools as OpenAI does`() throws {
        let body = try body(rich(), .llamaCpp)
        let messages = try #require(body["messages"] as? [NSDictionary])
        #expect(messages[0]["content"] as? String == "Be \"brief\".\n\u{1}é")
        #expect(messages[2]["reasoning_content"] as? String == "Hm.")
        let call = try #require((messages[2]["tool_calls"] as? [NSDictionary])?.first)
        #expect(messages[3]["tool_call_id"] as? String == call["id"] as? String)
        #expect(messages[3]["name"] as? String == "calc")
        #expect((call["function"] as? NSDictionary)?["arguments"] as? String == #"{"e":"348*27"}"#)
        // One tool that must be called stands for the choice of that tool.
        #expect((body["tools"] as? [NSDictionary])?.count == 1)
        #expect(body["tool_choice"] as? String == "required")
        // The order of a schema's members is the order in which they are written.
        let text = try ChatRequest(rich(), dialect: .openAI, model: "m").streamed(limit: nil)
        #expect(text.contains(#""schema":{"type":"object","properties":{"b":{},"a":{}}}"#))
        #expect(!text.contains("max_tokens"))
        #expect(try self.body(rich(), .openAI)["reasoning_content"] == nil)
    }

    // MARK: Discovery

    private func profile(
        _ model: String? = nil,
        _ options: RemoteEngineOptions = RemoteEngineOptions(),
        _ answer: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Reply
    ) async throws -> EngineProfile {
        try await ScriptedServer.run(answer) { _, url in
            try await RemoteEngine.connect(url: url, model: model, options: options).profile
        }
    }

    @Test func `of vLLM are discovered`() async throws {
        let full = try await profile { Engines.vllm($0) }
        #expect(full.engine == "vllm")
        #expect(full.model == "Qwen/Qwen3-0.6B")
        #expect(full.contextLength == 40960)
        #expect(full.capabilities == [.tools, .schemas, .grammars, .logprobs])
        #expect(full.fingerprint.utf8.count == 64)
        let bare = try await profile { Engines.vllm($0, version: "0.9.2", tools: false) }
        #expect(bare.capabilities == [.schemas, .logprobs])
    }

    @Test func `of Ollama are discovered`() async throws {
        let full = try await profile("qwen3:0.6b") { Engines.ollama($0) }
        #expect(full.engine == "ollama")
        #expect(full.contextLength == 16384)
        #expect(full.fingerprint == Engines.digest)
        #expect(full.capabilities == [.tools, .schemas, .logprobs, .estimatesTokens])
        let bare = try await profile("qwen3:0.6b") {
            Engines.ollama($0, capabilities: #"["completion"]"#, parameters: "", version: "0.9.0")
        }
        #expect(bare.capabilities == [.schemas, .estimatesTokens])
        #expect(bare.contextLength == 4096)
        let running = try await profile("qwen3:0.6b") {
            Engines.ollama($0, running: #"[{"name":"qwen3:0.6b","context_length":32768}]"#)
        }
        #expect(running.contextLength == 32768)
        #expect(try await profile("llama3.2") { Engines.ollama($0) }.model == "llama3.2:latest")
    }

    @Test func `of anything else are OpenAI's`() async throws {
        let options = RemoteEngineOptions(slots: 9, contextLength: 128_000)
        let profile = try await profile(nil, options) { Engines.openAI($0) }
        #expect(profile.engine == "openai")
        #expect(profile.model == "gpt-x")
        #expect(profile.slots == 9)
        #expect(profile.contextLength == 128_000)
        #expect(!profile.capabilities.contains(.isBitExact))
        let listless = try await self.profile("named") { request in
            request.path == "/v1/models" ? .notFound : Engines.openAI(request)
        }
        #expect(listless.model == "named")
    }

    @Test func `ask which model is meant`() async throws {
        await #expect(throws: ChatEngineError.self) { try await profile { Engines.ollama($0) } }
        await #expect(throws: ChatEngineError.self) { try await profile("other") { Engines.openAI($0) } }
        await #expect(throws: ChatEngineError.self) { try await profile { _ in .notFound } }
        await #expect(throws: ChatEngineError.unavailable("it asks for a valid API key (Invalid API Key)")) {
            try await profile { _ in
                .json(#"{"error":{"message":"Invalid API Key","code":401}}"#, status: .unauthorized)
            }
        }
    }

    @Test func `that answer nonsense are errors`() async throws {
        for nonsense in ["", "7", "[]", #"{"data":7}"#, #"{"data":[{}]}"#, String(repeating: "[", count: 100_000)] {
            await #expect(throws: ChatEngineError.self) { try await profile { _ in .json(nonsense) } }
        }
    }

    // MARK: Tokens

    @Test func `count prompts as each engine allows`() async throws {
        let prompt = try await ScriptedServer.run {
            Engines.vllm($0)
        } _: { server, url in
            let prompt = try await RemoteEngine.connect(url: url).read(rich()).promptTokens
            let counted = try object(#require(server.requests(for: "/tokenize").first).body)
            #expect((counted["messages"] as? [NSDictionary])?.count == 4)
            #expect((counted["tools"] as? [NSDictionary])?.count == 1)
            #expect(counted["chat_template_kwargs"] != nil)
            return prompt
        }
        #expect(prompt == 17)
        let bound = try await ScriptedServer.run {
            Engines.openAI($0)
        } _: { _, url in
            try await RemoteEngine.connect(url: url).read(Engines.conversation).promptTokens
        }
        #expect(bound >= "Hello".utf8.count)
        var long = Engines.conversation
        long.turns[0].content = String(repeating: "a ", count: 100_000)
        let longest = try await ScriptedServer.run {
            Engines.openAI($0)
        } _: { [long] _, url in
            try await RemoteEngine.connect(url: url).read(long).promptTokens
        }
        #expect(longest == 8191)
    }

    @Test func `leave the answer the room that the prompt leaves`() async throws {
        try await ScriptedServer.run {
            Engines.vllm($0)
        } _: { server, url in
            let engine = try await RemoteEngine.connect(url: url, options: RemoteEngineOptions(contextLength: 20))
            _ = try await engine.read(Engines.conversation).answer(limit: nil).rest()
            _ = try await engine.read(Engines.conversation).answer(limit: 2).rest()
            let bodies = try server.requests(for: "/v1/chat/completions").suffix(2).map { try object($0.body) }
            #expect(bodies.map { $0["max_tokens"] as? Int } == [3, 2])
            let full = try await RemoteEngine.connect(url: url, options: RemoteEngineOptions(contextLength: 17))
            await #expect(throws: ChatEngineError.contextOverflow(promptTokens: 17, contextLength: 17)) {
                try await full.read(Engines.conversation)
            }
            await #expect(throws: ChatEngineError.self) {
                try await engine.read(Engines.conversation).answer(limit: 0)
            }
        }
    }

    @Test(arguments: ["ollama-tools", "vllm-tools"]) func `tell calls of tools`(vector: String) async throws {
        let stream = try Engines.vector(vector)
        let events = try await ScriptedServer.run { request in
            vector.hasPrefix("vllm")
                ? Engines.vllm(request, chat: .stream(.text(stream)))
                : Engines.ollama(request, chat: .stream(.text(stream)))
        } _: { _, url in
            let model = vector.hasPrefix("vllm") ? nil : "qwen3:0.6b"
            return try await RemoteEngine.connect(url: url, model: model).read(Engines.conversation).answer(limit: nil)
                .rest()
        }
        let calls = events.parts.compactMap { part in
            if case .toolCall(let call) = part { call } else { nil }
        }
        #expect(calls.map(\.name) == ["calculator"])
        #expect(calls.first?.arguments.replacing(" ", with: "") == #"{"expression":"348*27"}"#)
        let ending = try #require(events.ending)
        #expect(ending.reason == .stop)
        #expect(events.tokens == ending.completionTokens)
    }

    @Test func `tell thoughts of Ollama`() async throws {
        let stream = try Engines.vector("ollama-thoughts")
        let events = try await ScriptedServer.run {
            Engines.ollama($0, chat: .stream(.text(stream)))
        } _: { _, url in
            try await RemoteEngine.connect(url: url, model: "qwen3:0.6b").read(Engines.conversation).answer(limit: nil)
                .rest()
        }
        #expect(events.parts == [.reasoning("The user"), .reasoning(" greets."), .content("Hello")])
        #expect(events.ending?.completionTokens == 9)
    }
}
