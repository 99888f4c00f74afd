import Foundation
import Nexus
import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Chat answered as a stream` {
    @Test func `is events from role to done, all with one id, time and model`() async throws {
        let reply = try await withServer { port in try await chat(port, #""stream":true"#) }
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"] == "text/event-stream; charset=utf-8")
        #expect(reply.headers["cache-control"] == "no-cache")
        #expect(reply.headers["x-accel-buffering"] == "no")
        #expect(reply.headers["x-lattice-node"] == "1 na?ve")
        #expect(reply.events.last == "[DONE]")
        #expect(reply.chunks.count == 5)
        #expect(Set(reply.chunks.map { $0["id"] as? String }).count == 1)
        #expect(Set(reply.chunks.map { $0["created"] as? Int }).count == 1)
        #expect(reply.chunks.allSatisfy { $0["object"] as? String == "chat.completion.chunk" })
        #expect(reply.chunks.allSatisfy { $0["usage"] == nil })
        #expect(reply.delta(0)["role"] as? String == "assistant")
        #expect((1...3).map { reply.delta($0)["content"] as? String ?? "" }.joined() == [ScriptedAnswer.Step].helloText)
        #expect(reply.choice(4)["finish_reason"] as? String == "stop")
        #expect((reply.chunks[4]["lattice"] as? [String: Any])?["cost"] as? String == "0.000081000")
    }

    @Test func `ends with usage where it is asked for`() async throws {
        let fields = #""stream":true,"stream_options":{"include_usage":true}"#
        let reply = try await withServer { port in try await chat(port, fields) }
        #expect(reply.chunks.count == 6)
        #expect(reply.chunks.dropLast().allSatisfy { $0["usage"] is NSNull && $0["lattice"] == nil })
        let last = try #require(reply.chunks.last)
        #expect((last["choices"] as? [Any])?.isEmpty == true)
        #expect(last["usage"] as? [String: Int] == ["prompt_tokens": 15, "completion_tokens": 3, "total_tokens": 18])
        let lattice = try #require(last["lattice"] as? [String: Any])
        #expect(lattice["receipt"] as? String == "0xfeed")
        #expect((lattice["node"] as? [String: Any])?["id"] as? Int == 1)
    }

    @Test func `has the bytes that the interface promises`() async throws {
        let script: @Sendable (ChatRequest) -> [ScriptedAnswer.Step] = { _ in [.text("a\"\\\u{7}"), .finish(.length)] }
        let reply = try await withServer(ScriptedBackend(script: script)) { (port: Int) async throws in
            try await chat(port, #""stream":true"#, headers: ["x-request-id": "1"])
        }
        let created = try #require(reply.chunks[0]["created"] as? Int)
        let opening =
            #"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":\#(created),"model":"lattice-tiny","#
        let lattice =
            #"{"node":{"id":1,"name":"naïve","peer":"12D3KooWSample"},"cost":"0.000081000","receipt":"0xfeed"}"#
        let role = #""choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#
        let text = #""choices":[{"index":0,"delta":{"content":"a\"\\\u0007"},"finish_reason":null}]}"#
        let finish = #""choices":[{"index":0,"delta":{},"finish_reason":"length"}],"lattice":\#(lattice)}"#
        let expected = [opening + role, opening + text, opening + finish, "data: [DONE]"]
        #expect(reply.body == expected.map { $0 + "\n\n" }.joined())
    }

    @Test func `carries cost and receipt as trailers for clients that read them`() async throws {
        let reply = try await withServer { port in try await chat(port, #""stream":true"#, headers: ["TE": "trailers"])
        }
        #expect(reply.trailers["x-lattice-cost"] == "0.000081000")
        #expect(reply.trailers["x-lattice-receipt"] == "0xfeed")
    }

    @Test(arguments: [[ScriptedAnswer.Step.text("Hel"), .fail(.nodeFailed("it fell silent"))], [.text("Hel"), .end]])
    func `tells of an error in its midst and does not say done`(steps: [ScriptedAnswer.Step]) async throws {
        let reply = try await withServer(ScriptedBackend { _ in steps }) { (port: Int) async throws in
            try await chat(port, #""stream":true"#)
        }
        #expect(reply.status == 200)
        #expect(reply.delta(1)["content"] as? String == "Hel")
        let error = try #require(reply.chunks.last?["error"] as? [String: Any])
        #expect(error["code"] as? String == "node_failed")
        #expect(error["type"] as? String == "api_error")
        #expect(!reply.body.contains("[DONE]"))
    }

    @Test func `sends comments while the node thinks`() async throws {
        let backend = ScriptedBackend { _ in [.silence] }
        try await withServer(backend, configure: { $0.pingInterval = .milliseconds(20) }) { (port: Int) async throws in
            try await streaming(port) { connection in
                try await connection.read(until: #""role":"assistant""#)
                try await connection.read(until: ": ping\n\n\r\n8\r\n: ping\n\n")
            }
        }
    }

    @Test(arguments: [true, false])
    func `stops the node within 100 ms of the client's leaving`(afterText: Bool) async throws {
        let steps: [ScriptedAnswer.Step] = afterText ? [.text("first"), .silence] : [.silence]
        let backend = ScriptedBackend { _ in steps }
        try await withServer(backend) { (port: Int) async throws in
            var quickest = Duration.seconds(60)
            // The best of three: the machine may be busy with other tests.
            for round in 0..<3 {
                let left = try await streaming(port) { connection in
                    try await connection.read(until: afterText ? "first" : "assistant")
                    await connection.close()
                    return ContinuousClock.now
                }
                try await eventually { backend.answers.count > round && backend.answers[round].stopTime != nil }
                let stopped = try #require(backend.answers[round].stopTime)
                quickest = min(quickest, left.duration(to: stopped))
            }
            #expect(quickest < .milliseconds(100))
        }
    }

    @Test func `stops a node that never rests when the client leaves`() async throws {
        let backend = ScriptedBackend { _ in [.forever("word ")] }
        try await withServer(backend) { (port: Int) async throws in
            try await streaming(port) { connection in
                try await connection.read(until: "word ")
                await connection.close()
            }
            try await eventually { backend.answers.first?.stopTime != nil }
        }
    }

    @Test func `stops an answer that is collected when the client leaves`() async throws {
        let backend = ScriptedBackend { _ in [.text("a"), .silence] }
        try await withServer(backend) { (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                try await connection.send(rawChat(chatBody()))
                try await eventually { backend.answers.first?.texts == 1 }
                await connection.close()
            }
            try await eventually { backend.answers.first?.stopTime != nil }
        }
    }

    @Test func `gives up a chat that has not begun when the client leaves`() async throws {
        let backend = ScriptedBackend(startsChats: false)
        try await withServer(backend) { (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                try await connection.send(rawChat(chatBody()))
                try await eventually { backend.requests.count == 1 }
                await connection.close()
            }
            try await eventually { backend.abandonedStarts == 1 }
        }
    }

    @Test func `asks the node for no more while the client does not read`() async throws {
        let piece = String(repeating: "x", count: 64 * 1024)
        let backend = ScriptedBackend { _ in [.forever(piece)] }
        try await withServer(backend) { (port: Int) async throws in
            try await streaming(port) { connection in
                try await eventually { backend.answers.first?.texts ?? 0 > 1 }
                let answer = try #require(backend.answers.first)
                try await settled { answer.texts }
                // What the sockets of both sides hold, a few megabytes, and not what the node could write.
                let held = answer.texts
                #expect(held < 400)
                while answer.texts <= held { try await connection.readSome() }
            }
        }
    }

    @Test func `leaves a client that stopped reading`() async throws {
        let piece = String(repeating: "x", count: 64 * 1024)
        let backend = ScriptedBackend { _ in [.forever(piece)] }
        try await withServer(backend, configure: { $0.stallDeadline = .milliseconds(100) }) {
            (port: Int) async throws in
            try await streaming(port) { _ in
                try await eventually { backend.answers.first?.stopTime != nil }
            }
        }
    }

    /// Waits until a count has stood still for 200 ms.
    private func settled(_ count: () -> Int) async throws {
        var last = -1
        var since = ContinuousClock.now
        try await eventually {
            if count() != last { (last, since) = (count(), .now) }
            return since.duration(to: .now) > .milliseconds(200)
        }
    }

    private func streaming<Result>(
        _ port: Int,
        _ body: (RawConnection) async throws -> Result
    ) async throws -> Result {
        try await RawConnection.with(port) { connection in
            try await connection.send(rawChat(chatBody(#""stream":true"#)))
            return try await body(connection)
        }
    }
}

/// A chat request as bytes, on a connection that stays open.
func rawChat(_ body: String) -> String {
    """
    POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(ScriptedBackend.key)\r\n\
    Content-Length: \(body.utf8.count)\r\n\r\n\(body)
    """
}

extension Reply {
    func choice(_ index: Int) -> [String: Any] {
        guard chunks.indices.contains(index) else { return [:] }
        return (chunks[index]["choices"] as? [[String: Any]])?.first ?? [:]
    }

    func delta(_ index: Int) -> [String: Any] {
        choice(index)["delta"] as? [String: Any] ?? [:]
    }
}
