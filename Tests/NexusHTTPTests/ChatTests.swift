import Foundation
import Nexus
import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Chat answered whole` {
    @Test func `is one completion with usage, account and headers`() async throws {
        let reply = try await withServer { port in try await chat(port, headers: ["x-request-id": "mine-1"]) }
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"] == "application/json; charset=utf-8")
        #expect(reply.headers["x-request-id"] == "mine-1")
        #expect(reply.headers["openai-processing-ms"].flatMap { Int($0) } != nil)
        #expect(reply.headers["x-lattice-node"] == "1 na?ve")
        #expect(reply.headers["x-lattice-cost"] == "0.000081000")
        #expect(reply.headers["x-lattice-receipt"] == "0xfeed")
        #expect(reply.json["id"] as? String == "chatcmpl-mine-1")
        #expect(reply.json["object"] as? String == "chat.completion")
        #expect(reply.json["model"] as? String == "lattice-tiny")
        let choice = try #require((reply.json["choices"] as? [[String: Any]])?.first)
        #expect((choice["message"] as? [String: Any])?["content"] as? String == [ScriptedAnswer.Step].helloText)
        #expect(choice["finish_reason"] as? String == "stop")
        #expect(
            reply.json["usage"] as? [String: Int] == ["prompt_tokens": 15, "completion_tokens": 3, "total_tokens": 18]
        )
        let lattice = try #require(reply.json["lattice"] as? [String: Any])
        #expect(lattice["cost"] as? String == "0.000081000")
        #expect((lattice["node"] as? [String: Any])?["peer"] as? String == "12D3KooWSample")
    }

    @Test func `answers without v1 as well`() async throws {
        let reply = try await withServer { (port: Int) async throws in
            try await call(port, "POST", "/chat/completions", body: chatBody())
        }
        #expect(reply.status == 200)
    }

    @Test func `passes every field on`() async throws {
        let backend = ScriptedBackend()
        let fields = """
            "temperature":0.5,"top_p":0.9,"top_k":40,"max_tokens":7,"max_completion_tokens":9,"seed":-1,"stop":["a","b"],"n":1
            """
        _ = try await withServer(backend) { port in try await chat(port, fields) }
        let request = try #require(backend.requests.first)
        #expect(request.sampling == Sampling(temperature: 0.5, topP: 0.9, topK: 40, seed: .max))
        #expect(request.maxTokens == 9)
        #expect(request.stop == ["a", "b"])
    }

    @Test func `lists ignored fields in a header`() async throws {
        let reply = try await withServer { (port: Int) async throws in
            try await chat(
                port,
                #""user":"u","tools":[],"logit_bias":{"1":2},"bad\r\nname":1,"parallel_tool_calls":false,"store":false"#
            )
        }
        #expect(reply.status == 200)
        #expect(reply.headers["x-lattice-ignored-fields"] == "parallel_tool_calls, store, user")
    }

    @Test func `keeps the connection for the next request`() async throws {
        let text = try await withServer { (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                for round in 1...3 {
                    let body = chatBody()
                    let close = round == 3 ? "Connection: close\r\n" : ""
                    try await connection.send(
                        """
                        POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(ScriptedBackend.key)\r\n\
                        x-request-id: round-\(round)\r\n\(close)Content-Length: \(body.utf8.count)\r\n\r\n\(body)
                        """
                    )
                    try await connection.read(until: "chatcmpl-round-\(round)")
                }
                return try await connection.readToEnd()
            }
        }
        #expect(text.components(separatedBy: "HTTP/1.1 200 OK").count == 4)
    }

    @Test func `draws a request id where the client's is unfit`() async throws {
        let reply = try await withServer { port in try await chat(port, headers: ["x-request-id": "a b\tc"]) }
        let id = try #require(reply.headers["x-request-id"])
        #expect(id.count > 16 && id.allSatisfy { $0.isLetter || $0.isNumber })
    }

    @Test func `refuses to collect an answer beyond its limit and stops it`() async throws {
        let backend = ScriptedBackend { _ in [.forever("0123456789")] }
        let reply = try await withServer(backend, configure: { $0.answerLimit = 1_000 }) { port in try await chat(port)
        }
        #expect(reply.status == 500)
        #expect(reply.error["code"] as? String == "answer_too_long")
        #expect(backend.answers.first?.stopTime != nil)
    }

    @Test func `serves many at once and refuses beyond the limit`() async throws {
        let backend = ScriptedBackend { request in
            request.messages[0].content == "Hi" ? .hello : [.text("x"), .silence]
        }
        try await withServer(backend, configure: { $0.maximumChats = 4 }) { (port: Int) async throws in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<40 { group.addTask { try await chat(port).status } }
                let statuses = try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
                #expect(Set(statuses.keys).isSubset(of: [200, 429]))
                #expect(statuses[200, default: 0] >= 4)
            }
            // Places are given back: four more fit, one after the other.
            for _ in 0..<4 { #expect(try await chat(port).status == 200) }
            let reply = try await call(port, "GET", "/metrics")
            #expect(reply.body.contains("lattice_chat_in_flight 0\n"))
        }
    }
}
