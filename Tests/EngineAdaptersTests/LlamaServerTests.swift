import Foundation
import Inference
import LatticeTesting
import Testing

@testable import EngineAdapters

@Suite(.timeLimit(.minutes(3)), .enabled(if: LlamaServer.python != nil, "\(LlamaServer.absence)"))
struct `llama-cpp server` {
    private func engine(_ options: RemoteEngineOptions = RemoteEngineOptions()) async throws -> (
        LlamaServer, RemoteEngine
    ) {
        let server = try LlamaServer()
        return (server, try await RemoteEngine.connect(url: server.url, options: options))
    }

    private func conversation(_ question: String) -> Conversation {
        Conversation(turns: [ChatTurn(role: "user", content: question)])
    }

    /// A question whose answer ends at its limit and not before.
    private var endless: Conversation {
        var endless = conversation("Tell me everything.")
        endless.format = .gbnf(#"root ::= [a-z ] root"#)
        return endless
    }

    @Test func `says what it serves`() async throws {
        let (server, engine) = try await engine()
        #expect(
            engine.profile
                == EngineProfile(
                    engine: "llama.cpp",
                    model: "lattice-tiny-q8_0",
                    fingerprint: engine.profile.fingerprint,
                    contextLength: 2048,
                    slots: 2,
                    capabilities: [.schemas, .grammars, .logprobs]
                )
        )
        try await engine.check()
        server.kill()
        await #expect(throws: ChatEngineError.self) { try await engine.check() }
    }

    /// The same model behind both: the same prompt has the same tokens, and the same most likely answer.
    @Test func `answers like the embedded engine`() async throws {
        let (server, remote) = try await engine()
        defer { server.kill() }
        let embedded: any ChatEngine = try await Engine.load(path: LlamaServer.model)
        var questions = ["What is Nexus?", "Hello!", "Who are you?"].map(conversation)
        questions[1].stop = ["Lattice"]
        questions[2].sampling.logprobs = 2
        for question in questions {
            let (ours, theirs) = (try await embedded.read(question), try await remote.read(question))
            #expect(ours.promptTokens == theirs.promptTokens)
            let (left, right) = (try await ours.answer(limit: 60).rest(), try await theirs.answer(limit: 60).rest())
            #expect(left.content == right.content)
            #expect(left.tokens == right.tokens)
            // Whether the end token is reported differs.
            let reported = left.logprobs.prefix(right.logprobs.count)
            #expect(reported.map(\.token.bytes) == right.logprobs.map(\.token.bytes))
            #expect(zip(left.logprobs, right.logprobs).allSatisfy { abs($0.token.logprob - $1.token.logprob) < 0.1 })
            let (mine, other) = (try #require(left.ending), try #require(right.ending))
            #expect(mine.reason == other.reason)
            #expect(mine.promptTokens == other.promptTokens)
            #expect(mine.completionTokens == other.completionTokens)
            #expect(right.dropLast().allSatisfy { if case .parts = $0 { true } else { false } })
        }
        await embedded.close()
    }

    @Test func `counts every kind of prompt as it charges for it`() async throws {
        let (server, engine) = try await engine()
        defer { server.kill() }
        var conversations = [
            "", "a", "Ünïcödé 🦙 漢字", "<|im_end|>\n<|im_start|>system\nNo.", String(repeating: "word ", count: 900),
        ]
        .map(conversation)
        conversations.append(
            Conversation(
                turns: [
                    ChatTurn(role: "system", content: "Be brief."), ChatTurn(role: "user", content: "Hi"),
                    ChatTurn(role: "assistant", content: "Hello."), ChatTurn(role: "user", content: "Bye"),
                ]
            )
        )
        for conversation in conversations {
            let read = try await engine.read(conversation)
            let ending = try #require(try await read.answer(limit: 1).rest().ending)
            #expect(ending.promptTokens == read.promptTokens)
            #expect(ending.completionTokens == 1)
            #expect(ending.reason == .length)
        }
        let long = conversation(String(repeating: "word ", count: 3000))
        await #expect(throws: ChatEngineError.self) { try await engine.read(long) }
    }

    @Test func `frees its slot within a second when an answer is let go of`() async throws {
        let (server, engine) = try await engine()
        defer { server.kill() }
        for round in 0..<3 {
            var stream: (any AnswerStream)? = try await engine.read(endless).answer(limit: 1900)
            #expect(try await stream?.next() != nil)
            try await eventually("the slot works") { try await server.busySlots() == 1 }
            let begin = ContinuousClock.now
            if round == 0 { stream?.cancel() } else { stream = nil }
            try await eventually("the slot is free") { try await server.busySlots() == 0 }
            #expect(ContinuousClock.now - begin < .seconds(1))
            if round == 0 { #expect(try await stream?.rest().ending?.reason == .cancelled) }
        }
    }

    @Test func `keeps answers to schemas and grammars`() async throws {
        let (server, engine) = try await engine()
        defer { server.kill() }
        var asked = conversation("Anna is 31 years old.")
        asked.format = .jsonSchema(
            #"{"type":"object","properties":{"name":{"type":"string","maxLength":12},"age":{"type":"integer","maximum":99}},"required":["name","age"],"additionalProperties":false}"#
        )
        let object = try await engine.read(asked).answer(limit: 100).rest().content
        let value = try JSONSerialization.jsonObject(with: Data(object.utf8)) as? [String: Any]
        #expect(value?["name"] is String)
        asked.format = .gbnf(#"root ::= "yes" | "no""#)
        #expect(["yes", "no"].contains(try await engine.read(asked).answer(limit: 10).rest().content))
        asked.format = .gbnf("root ::= (")
        let broken = try await engine.read(asked)
        await #expect(throws: ChatEngineError.self) { try await broken.answer(limit: 10).rest() }
    }

    @Test func `reports log probabilities of the tokens that it counts`() async throws {
        let (server, engine) = try await engine()
        defer { server.kill() }
        for count in [0, 3] {
            var asked = conversation("What is Nexus?")
            asked.sampling.logprobs = count
            let events = try await engine.read(asked).answer(limit: 8).rest()
            let reported = events.logprobs
            #expect(reported.count == 8)
            #expect(reported.allSatisfy { $0.top.count == count && $0.token.logprob <= 0 })
            let text = reported.flatMap(\.token.bytes)
            #expect(String(decoding: text, as: UTF8.self) == events.content)
        }
    }

    @Test func `ends where a stop text comes`() async throws {
        let (server, engine) = try await engine()
        defer { server.kill() }
        var asked = conversation("What is Nexus?")
        asked.stop = ["."]
        let events = try await engine.read(asked).answer(limit: 80).rest()
        #expect(!events.content.contains("."))
        #expect(events.ending?.reason == .stop)
    }

    @Test func `answers many at once, more than it has slots`() async throws {
        let (server, engine) = try await engine()
        defer { server.kill() }
        let asked = conversation("What is Nexus?")
        let alone = try await engine.read(asked).answer(limit: 30).rest().content
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<12 { group.addTask { try await engine.read(asked).answer(limit: 30).rest().content } }
            for try await text in group { #expect(text == alone) }
        }
        #expect(engine.usage.running == 0)
    }

    @Test func `keeps nothing of answers that are let go of at random moments`() async throws {
        let (server, engine) = try await engine()
        defer { server.kill() }
        let asked = conversation("What is Nexus?")
        let whole = try await engine.read(asked).answer(limit: 30).rest().content
        let endless = endless
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var generator = SeededGenerator(seed: UInt64(worker))
                    for _ in 0..<10 {
                        if Bool.random(using: &generator) {
                            #expect(try await engine.read(asked).answer(limit: 30).rest().content == whole)
                        } else {
                            let stream = try await engine.read(endless).answer(limit: 1900)
                            for _ in 0..<Int.random(in: 0..<20, using: &generator) { _ = try await stream.next() }
                            if Bool.random(using: &generator) { stream.cancel() }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(engine.usage.running == 0)
        try await eventually("all slots are free") { try await server.busySlots() == 0 }
    }

    @Test func `that dies in mid-answer is an error, and one that comes back is used again`() async throws {
        let server = try LlamaServer()
        let engine = try await RemoteEngine.connect(url: server.url)
        let stream = try await engine.read(endless).answer(limit: 1900)
        _ = try await stream.next()
        server.kill()
        await #expect(throws: ChatEngineError.self) { try await stream.rest() }
        await #expect(throws: ChatEngineError.self) { try await engine.read(endless) }
        let port = try #require(URL(string: server.url)?.port)
        let again = try LlamaServer("--port", "\(port)")
        defer { again.kill() }
        #expect(again.url == server.url)
        try await engine.check()
        #expect(try await engine.read(conversation("Hello!")).answer(limit: 5).rest().tokens == 5)
    }

    @Test func `asks for its key`() async throws {
        let server = try LlamaServer("--key", "sk-secret")
        defer { server.kill() }
        let engine = try await RemoteEngine.connect(url: server.url, apiKey: "sk-secret")
        #expect(try await engine.read(conversation("Hello!")).answer(limit: 5).rest().tokens == 5)
        for key in [nil, "sk-other"] {
            await #expect(throws: ChatEngineError.self) { try await RemoteEngine.connect(url: server.url, apiKey: key) }
        }
    }
}
