import Foundation
import Inference
import LatticeTesting
import NIOConcurrencyHelpers
import NIOHTTP1
import Testing

@testable import EngineAdapters

@Suite(.timeLimit(.minutes(1))) struct `Remote engine` {
    private let quick = RemoteEngineOptions(
        connectDeadline: .seconds(5),
        callDeadline: .seconds(10),
        firstTokenDeadline: .seconds(30),
        silenceDeadline: .seconds(30),
        refusalWait: .seconds(5)
    )

    /// An answer of something that speaks OpenAI's API.
    private func answer(
        _ reply: ScriptedServer.Reply,
        _ options: RemoteEngineOptions? = nil,
        _ body: (any AnswerStream, ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.run {
            Engines.openAI($0, chat: reply)
        } _: { server, url in
            let engine = try await RemoteEngine.connect(url: url, options: options ?? quick)
            let stream = try await engine.read(Engines.conversation).answer(limit: nil)
            try await body(stream, server)
        }
    }

    @Test func `streams an answer and its account`() async throws {
        try await answer(.stream(.text(Engines.greeting))) { stream, _ in
            let events = try await stream.rest()
            #expect(events.content == "Hi there")
            #expect(events.ending?.completionTokens == 3)
            #expect(events.ending?.promptTokens == 12)
            #expect(events.tokens == 3)
            #expect(try await stream.next() == nil)
        }
    }

    @Test func `is done with an answer when its reader is`() async throws {
        try await ScriptedServer.run {
            Engines.openAI($0)
        } _: { server, url in
            let engine = try await RemoteEngine.connect(url: url)
            for _ in 0..<20 {
                _ = try await engine.read(Engines.conversation).answer(limit: 3).rest()
                #expect(engine.usage.running == 0)
            }
            #expect(server.requests(for: "/v1/chat/completions").count == 20)
        }
    }

    @Test func `does not wait for the end of a connection whose answer is whole`() async throws {
        try await answer(.stream(.text(Engines.greeting), .hang)) { stream, _ in
            let events = try await stream.rest()
            #expect(events.ending?.reason == .stop)
        }
    }

    @Test func `closes the connection when an answer is let go of`() async throws {
        let endless = ScriptedServer.Reply.stream(.text(Engines.chunk("one")), .hang)
        try await ScriptedServer.run {
            Engines.openAI($0, chat: endless)
        } _: { server, url in
            let engine = try await RemoteEngine.connect(url: url)
            var stream: (any AnswerStream)? = try await engine.read(Engines.conversation).answer(limit: nil)
            #expect(try await stream?.next() == .parts([.content("one")], tokens: 1, logprobs: []))
            #expect(engine.usage.running == 1)
            stream = nil
            try await eventually("the connection is closed") { server.seen.abandoned == 1 }
            #expect(engine.usage.running == 0)
        }
    }

    @Test func `ends an answer that is cancelled, with its account`() async throws {
        try await answer(.stream(.text(Engines.chunk("one") + Engines.chunk("two")), .hang)) { stream, server in
            _ = try await stream.next()
            stream.cancel()
            let rest = try await stream.rest()
            #expect(rest.ending?.reason == .cancelled)
            #expect(rest.ending?.completionTokens == 2)
            try await eventually("the connection is closed") { server.seen.abandoned == 1 }
        }
    }

    @Test func `ends an answer whose reader is cancelled`() async throws {
        try await answer(.stream(.text(Engines.chunk("one")), .hang)) { stream, server in
            let reading = Task { try await stream.rest() }
            try await eventually("it reads") { !server.requests(for: "/v1/chat/completions").isEmpty }
            reading.cancel()
            #expect(try await reading.value.ending?.reason == .cancelled)
            try await eventually("the connection is closed") { server.seen.abandoned == 1 }
        }
    }

    @Test func `counts as begun when an engine has not refused for a while`() async throws {
        var options = quick
        options.refusalWait = .zero
        options.firstTokenDeadline = .milliseconds(200)
        let silent = ScriptedServer.Reply(status: .ok, contentType: "text/event-stream", steps: [.withhold])
        try await answer(silent, options) { stream, _ in
            await #expect(throws: ChatEngineError.self) { try await stream.next() }
        }
    }

    @Test func `waits for a slow first token and not for ever`() async throws {
        var options = quick
        options.firstTokenDeadline = .milliseconds(200)
        try await answer(.stream(.hang), options) { stream, server in
            await #expect(throws: ChatEngineError.failed("it has been silent for too long")) { try await stream.next() }
            try await eventually("the connection is closed") { server.seen.abandoned == 1 }
        }
    }

    @Test func `gives up an engine that falls silent, whatever comments it sends`() async throws {
        var options = quick
        options.silenceDeadline = .milliseconds(100)
        try await answer(.stream(.text(Engines.chunk("one") + ": ping\n\n"), .hang), options) { stream, _ in
            _ = try await stream.next()
            await #expect(throws: ChatEngineError.failed("it has been silent for too long")) { try await stream.next() }
        }
    }

    @Test func `reports an answer that breaks off`() async throws {
        try await answer(.stream(.text(Engines.chunk("one")), .close)) { stream, _ in
            await #expect(throws: ChatEngineError.self) { try await stream.rest() }
        }
        try await answer(.stream(.text(Engines.chunk("one") + Engines.done))) { stream, _ in
            await #expect(throws: ChatEngineError.failed("it broke off in the middle of the answer")) {
                try await stream.rest()
            }
        }
        await #expect(throws: ChatEngineError.failed("it answered with something that is no stream of events")) {
            try await answer(.json("{}")) { _, _ in }
        }
    }

    @Test func `pauses the socket while its reader pauses`() async throws {
        let chunk = Engines.chunk(String(repeating: "x", count: 1000))
        try await answer(.stream(.flood(chunk))) { stream, server in
            _ = try await stream.next()
            let before = NIOLockedValueBox(-1)
            // Nothing more goes out once the buffers of both kernels are full.
            try await eventually("the flood stops") {
                try await Task.sleep(for: .milliseconds(50))
                let flooded = server.seen.flooded
                return before.withLockedValue { before in
                    defer { before = flooded }
                    return before == flooded
                }
            }
            #expect(server.seen.flooded < 32 << 20)
            var read = 0
            while read < 2000 { if case .parts? = try await stream.next() { read += 1 } }
            try await eventually("the flood goes on") { server.seen.flooded > before.withLockedValue(\.self) }
        }
    }

    struct Refused: Sendable {
        var status: HTTPResponseStatus
        var body: String
        var error: ChatEngineError

        static let all = [
            Refused(status: .tooManyRequests, body: "", error: .busy),
            Refused(status: .serviceUnavailable, body: #"{"error":{"message":"server busy"}}"#, error: .busy),
            Refused(
                status: .badRequest,
                body: #"{"error":{"code":400,"message":"bad grammar","type":"invalid_request_error"}}"#,
                error: .badRequest("bad grammar")
            ),
            Refused(
                status: .badRequest,
                body: #"{"error":{"message":"long","n_prompt_tokens":6001,"n_ctx":2048}}"#,
                error: .contextOverflow(promptTokens: 6001, contextLength: 2048)
            ),
            Refused(status: .unprocessableEntity, body: #"{"detail":"no"}"#, error: .badRequest("no")),
            Refused(
                status: .notFound,
                body: #"{"error":"model 'x' not found"}"#,
                error: .unavailable("model 'x' not found")
            ),
            Refused(
                status: .internalServerError,
                body: "<html>",
                error: .failed("it answered with HTTP status 500")
            ),
        ]
    }

    @Test(arguments: Refused.all) func `passes refusals on before an answer begins`(refused: Refused) async throws {
        let reply = ScriptedServer.Reply.json(refused.body, status: refused.status)
        await #expect(throws: refused.error) { try await answer(reply) { _, _ in } }
    }

    @Test func `bounds what an engine says of a refusal`() async throws {
        let text = String(repeating: "\\u0007é", count: 100_000)
        let reply = ScriptedServer.Reply.json(#"{"error":{"message":"\#(text)"}}"#, status: .badRequest)
        do {
            try await answer(reply) { _, _ in }
            Issue.record("it was refused")
        } catch let error as ChatEngineError {
            #expect(error.description.utf8.count < 2000)
            #expect(!error.description.contains("\u{7}"))
        }
    }

    @Test func `takes no more answers than the engine and its queue have room for`() async throws {
        var options = quick
        options.slots = 1
        options.queueLimit = 1
        let endless = ScriptedServer.Reply.stream(.text(Engines.chunk("one")), .hang)
        try await ScriptedServer.run {
            Engines.openAI($0, chat: endless)
        } _: { _, url in
            let engine = try await RemoteEngine.connect(url: url, options: options)
            let conversation = try await engine.read(Engines.conversation)
            var first: (any AnswerStream)? = try await conversation.answer(limit: nil)
            let second = try await conversation.answer(limit: nil)
            await #expect(throws: ChatEngineError.busy) { try await conversation.answer(limit: nil) }
            #expect(try await first?.next() != nil)
            first = nil
            let third = try await conversation.answer(limit: nil)
            #expect(engine.usage.running == 2)
            await engine.close()
            await #expect(throws: ChatEngineError.self) { try await second.rest() }
            await #expect(throws: ChatEngineError.self) { try await third.rest() }
            await #expect(throws: ChatEngineError.self) { try await engine.read(Engines.conversation) }
        }
    }

    @Test func `says where nothing answers`() async throws {
        let url = try await ScriptedServer.run({ Engines.openAI($0) }) { _, url in url }
        do {
            _ = try await RemoteEngine.connect(url: url, options: quick)
            Issue.record("nothing is there")
        } catch {
            #expect(error.description.contains(url))
        }
    }

    @Test func `notices a server that comes back with another model`() async throws {
        let swapped = Box(false)
        try await ScriptedServer.run { request in
            if swapped.value, request.path == "/v1/models" { return .json(#"{"data":[{"id":"other"}]}"#) }
            return Engines.openAI(request)
        } _: { _, url in
            let engine = try await RemoteEngine.connect(url: url)
            try await engine.check()
            swapped.value = true
            await #expect(throws: ChatEngineError.self) { try await engine.check() }
            await #expect(throws: ChatEngineError.self) { try await engine.read(Engines.conversation) }
            swapped.value = false
            try await engine.check()
            _ = try await engine.read(Engines.conversation)
        }
    }

    @Test func `sends its key to the engine and to nobody else`() async throws {
        try await ScriptedServer.run({ Engines.openAI($0) }) { other, elsewhere in
            try await ScriptedServer.run { request in
                guard request.path == "/v1/chat/completions" else { return Engines.openAI(request) }
                var reply = ScriptedServer.Reply.json("{}", status: .temporaryRedirect)
                reply.headers = ["Location": elsewhere + request.target]
                return reply
            } _: { server, url in
                let engine = try await RemoteEngine.connect(url: url + "/v1/", apiKey: "sk-secret", options: quick)
                await #expect(throws: ChatEngineError.self) {
                    try await engine.read(Engines.conversation).answer(limit: nil)
                }
                #expect(
                    server.seen.requests.allSatisfy { $0.headers.first(name: "Authorization") == "Bearer sk-secret" }
                )
                #expect(other.seen.requests.isEmpty)
            }
        }
        let key = try EngineKey("sk-secret")
        #expect(!"\(key) \(String(reflecting: key))".contains("secret"))
        #expect(throws: ChatEngineError.self) { try EngineKey("a\r\nX: y") }
    }

    @Test(arguments: [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://host/", "http://host"),
        ("HTTPS://api.example.org/openai/v1/", "https://api.example.org/openai"),
        ("http://[::1]:80/v1", "http://[::1]:80"),
    ])
    func `takes addresses as people write them`(given: String, meant: String) throws {
        #expect(try EngineAddress(given).description == meant)
    }

    @Test(arguments: [
        "", "127.0.0.1:8080", "ftp://host", "http://", "http://key@host", "http://host?key=x", "http://host/#a",
    ])
    func `refuses what is no address`(text: String) {
        #expect(throws: ChatEngineError.self) { try EngineAddress(text) }
    }
}

/// A value that a test changes while a server reads it.
final class Box: Sendable {
    private let storage: NIOLockedValueBox<Bool>

    init(_ value: Bool) { storage = NIOLockedValueBox(value) }

    var value: Bool {
        get { storage.withLockedValue(\.self) }
        set { storage.withLockedValue { $0 = newValue } }
    }
}
