import Foundation
import LatticeTesting
import Testing

@testable import Inference

/// What an answer said in the end.
struct CollectedAnswer {
    var content = ""
    var reasoning = ""
    var calls: [ChatToolCall] = []
    var tokens = 0
    var logprobs: [AnswerLogprob] = []
    var ending: AnswerEnding?

    init(_ stream: any AnswerStream) async throws {
        while let event = try await stream.next() {
            switch event {
            case .parts(let parts, let tokens, let logprobs):
                self.tokens += tokens
                self.logprobs += logprobs
                for part in parts {
                    switch part {
                    case .content(let text): content += text
                    case .reasoning(let text): reasoning += text
                    case .toolCall(let call): calls.append(call)
                    }
                }
            case .finished(let ending): self.ending = ending
            }
        }
    }

    static func of(_ conversation: Conversation, _ engine: Engine, limit: Int? = 60) async throws -> CollectedAnswer {
        try await CollectedAnswer(engine.read(conversation).answer(limit: limit))
    }
}

private let question = [ChatTurn(role: "user", content: "What is Nexus?")]

@Suite(.timeLimit(.minutes(2))) struct `The embedded engine behind the seam` {
    @Test func `answers with text, counts and receipt`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(threads: 1, slots: 1))
        defer { engine.close() }
        let profile = engine.profile
        #expect(profile.engine == "lattice" && profile.capabilities.contains([.isBitExact, .schemas, .grammars]))
        #expect(!profile.capabilities.contains(.tools))
        let conversation = Conversation(turns: question, wantsReceipt: true)
        let read = try await engine.read(conversation)
        #expect(read.promptTokens == 15)
        let answer = try await CollectedAnswer(read.answer(limit: 80))
        #expect(answer.content.hasPrefix("Nexus is the coordination layer of Lattice."))
        let ending = try #require(answer.ending)
        #expect(ending.reason == .stop && ending.promptTokens == 15 && ending.cachedPromptTokens == 0)
        // The end token is counted, and has no text.
        #expect(ending.completionTokens == answer.tokens + 1)
        let computation = try #require(ending.computation)
        #expect(computation.answerTokens.count == ending.completionTokens)
        try await computation.check(with: engine)
        let long = Conversation(turns: [ChatTurn(role: "user", content: String(repeating: "A b c. ", count: 40))])
        _ = try await CollectedAnswer.of(long, engine)
        let again = try await CollectedAnswer.of(long, engine)
        #expect(try #require(again.ending).cachedPromptTokens >= 64)
    }

    @Test func `tells a slow reader no more log probabilities than a quick one`() async throws {
        let options = EngineOptions(threads: 1, slots: 1, readAhead: 1000)
        let engine = try await Engine.load(path: Fixtures.tiny, options: options)
        defer { engine.close() }
        var conversation = Conversation(turns: question)
        conversation.sampling.logprobs = 1
        let quick = try await CollectedAnswer.of(conversation, engine, limit: 200)
        #expect(quick.ending?.reason == .stop)
        let stream = try await engine.read(conversation).answer(limit: 200)
        // The only slot is free again: the whole answer waits for its reader, the end token with it.
        _ = try await CollectedAnswer.of(conversation, engine, limit: 1)
        let slow = try await CollectedAnswer(stream)
        #expect(slow.content == quick.content && slow.logprobs == quick.logprobs)
    }

    @Test func `tells the bytes and probabilities of tokens`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(threads: 1, slots: 1))
        defer { engine.close() }
        var conversation = Conversation(turns: question)
        conversation.sampling.logprobs = 3
        let answer = try await CollectedAnswer.of(conversation, engine, limit: 3)
        #expect(String(decoding: answer.logprobs.flatMap(\.token.bytes), as: UTF8.self) == answer.content)
        #expect(answer.logprobs.map(\.top.count) == [3, 3, 3])
        #expect(answer.logprobs.allSatisfy { $0.top[0] == $0.token && $0.token.logprob <= 0 })
    }

    @Test(arguments: [
        (Conversation(turns: question, stop: [""]), "stop"),
        (Conversation(turns: question, tools: [ToolModel.clock]), "tools"),
        (Conversation(turns: question, toolChoice: .required), "tools"),
        (Conversation(turns: question, format: .jsonSchema("{")), "schema"),
        (Conversation(turns: question, format: .gbnf("root ::= (")), "grammar"),
        (Conversation(turns: question, sampling: Sampling(temperature: -1)), "temperature"),
        (Conversation(turns: question, sampling: Sampling(temperature: 1, logitBias: [2048: 1])), "2048"),
    ])
    func `refuses what the model cannot answer, and says what`(conversation: Conversation, word: String) async throws {
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(threads: 1, slots: 1))
        defer { engine.close() }
        await #expect {
            _ = try await engine.read(conversation)
        } throws: { error in
            guard case ChatEngineError.badRequest(let reason) = error else { return false }
            return reason.contains(word)
        }
    }

    @Test func `says how long a prompt is that does not fit`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(threads: 1, contextLength: 64))
        defer { engine.close() }
        let long = Conversation(turns: [ChatTurn(role: "user", content: String(repeating: "A b c. ", count: 40))])
        await #expect {
            _ = try await engine.read(long)
        } throws: { error in
            guard case ChatEngineError.contextOverflow(let prompt, 64) = error else { return false }
            return prompt > 64
        }
    }

    @Test func `offers no tools where none are to be called`() async throws {
        try await ToolModel.withEngine(ToolModel.template(.hermes)) { engine in
            #expect(engine.profile.capabilities.contains(.tools))
            let with = try await engine.read(Conversation(turns: question, tools: [ToolModel.clock]))
            let none = try await engine.read(Conversation(turns: question, tools: [ToolModel.clock], toolChoice: .none))
            let without = try await engine.read(Conversation(turns: question))
            #expect(none.promptTokens == without.promptTokens && with.promptTokens > without.promptTokens)
        }
    }

    @Test(arguments: ChatFormat.ToolSyntax.allCases, [false, true])
    func `calls a tool when it must, in the model's syntax`(syntax: ChatFormat.ToolSyntax, thinks: Bool) async throws {
        try await ToolModel.withEngine(ToolModel.template(syntax, thinks: thinks)) { engine in
            var conversation = Conversation(
                turns: question,
                tools: [ToolModel.weather, ToolModel.clock],
                toolChoice: .function("weather"),
                wantsReceipt: true
            )
            let answer = try await CollectedAnswer.of(conversation, engine, limit: nil)
            #expect(answer.content.isEmpty && answer.reasoning.isEmpty && answer.ending?.reason == .stop)
            #expect(answer.calls.map(\.name) == ["weather"])
            let arguments = try #require(
                try JSONSerialization.jsonObject(with: Data(answer.calls[0].arguments.utf8)) as? [String: Any]
            )
            #expect((1...9).contains(try #require(arguments["days"] as? Int)))
            #expect(try #require(arguments["city"] as? String).count <= 8)
            let computation = try #require(answer.ending?.computation)
            let file = try JSONDecoder().decode(ReceiptFile.self, from: JSONEncoder().encode(computation))
            try await file.check(with: engine)

            conversation.toolChoice = .required
            let other = try await CollectedAnswer.of(conversation, engine, limit: nil)
            #expect(other.calls.count == 1 && other.content.isEmpty, "\(other.content) \(other.calls)")
        }
    }

    @Test func `answers in JSON or calls when both are allowed`() async throws {
        try await ToolModel.withEngine(ToolModel.template(.hermes)) { engine in
            let schema = #"{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}"#
            var conversation = Conversation(
                turns: question,
                tools: [ToolModel.weather],
                format: .jsonSchema(schema)
            )
            for seed in 0..<6 as Range<UInt64> {
                conversation.sampling = Sampling(temperature: 2, seed: seed)
                let answer = try await CollectedAnswer.of(conversation, engine, limit: nil)
                if answer.calls.isEmpty {
                    let value = try JSONSerialization.jsonObject(with: Data(answer.content.utf8)) as? [String: Bool]
                    #expect(value?["ok"] != nil)
                } else {
                    #expect(answer.content.isEmpty && answer.calls[0].name == "weather")
                }
            }
        }
    }

    @Test func `keeps JSON out of the thoughts that the template began`() async throws {
        try await ToolModel.withEngine(ToolModel.template(.hermes, thinks: true)) { engine in
            let conversation = Conversation(turns: question, format: .jsonObject)
            let answer = try await CollectedAnswer.of(conversation, engine, limit: 200)
            #expect(answer.reasoning.isEmpty && answer.content.hasPrefix("{"))
        }
    }

    @Test func `takes any object for a schema that cannot be kept to`() async throws {
        try await ToolModel.withEngine(ToolModel.template(.hermes)) { engine in
            let odd = ChatTool(
                name: "odd",
                parameters: #"{"type":"object","properties":{"a":{"type":"string","format":"never-heard-of"}}}"#
            )
            let conversation = Conversation(turns: question, tools: [odd], toolChoice: .required)
            let answer = try await CollectedAnswer.of(conversation, engine, limit: 300)
            #expect(answer.calls.map(\.name) == ["odd"] || answer.ending?.reason == .length)
        }
    }

    @Test func `gives Mistral's templates ids of the length that they want`() throws {
        let turns = [
            ChatTurn(
                role: "assistant",
                content: "",
                toolCalls: [
                    ChatToolCall(id: "call_0123456789", name: "a", arguments: "{}"),
                    ChatToolCall(id: "abcDEF123", name: "b", arguments: "{}"), ChatToolCall(name: "c", arguments: "{}"),
                ]
            ),
            ChatTurn(role: "tool", content: "1", toolCallID: "call_0123456789"),
            ChatTurn(role: "user", content: "x"),
        ]
        let short = CallIDs.shortened(turns)
        let ids = short[0].toolCalls.compactMap(\.id)
        #expect(ids.map(\.count) == [9, 9, 9] && Set(ids).count == 3 && ids[1] == "abcDEF123")
        #expect(short[1].toolCallID == ids[0] && short[2].toolCallID == nil)
        #expect(CallIDs.shortened(short) == short)
    }

    @Test func `ends an answer that is cancelled`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(threads: 1, slots: 1))
        defer { engine.close() }
        let stream = try await engine.read(Conversation(turns: question)).answer(limit: nil)
        _ = try await stream.next()
        stream.cancel()
        let rest = try await CollectedAnswer(stream)
        #expect([.cancelled, .stop].contains(rest.ending?.reason))
        #expect(try await stream.next() == nil)
    }
}
