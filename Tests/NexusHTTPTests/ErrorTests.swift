import Foundation
import Ledger
import Nexus
import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Errors of the API` {
    struct Case: Sendable {
        var error: NexusError
        var status: Int
        var code: String?
        var param: String?
        var text: String
    }

    static let cases = [
        Case(error: .invalidKey, status: 401, code: "invalid_api_key", text: "key"),
        Case(
            error: .modelNotFound("x", known: ["a/b:c"]),
            status: 404,
            code: "model_not_found",
            param: "model",
            text: "a/b:c"
        ),
        Case(
            error: .insufficientCredits(needed: Nano(2), headroom: Nano(1)),
            status: 402,
            code: "insufficient_credits",
            text: "0.000000002 LAI"
        ),
        Case(
            error: .contextLengthExceeded(limit: 2_048, prompt: 6_001),
            status: 400,
            code: "context_length_exceeded",
            param: "messages",
            text: "6001"
        ),
        Case(
            error: .invalidRequest(field: "top_p", problem: "too small"),
            status: 400,
            param: "top_p",
            text: "too small"
        ),
        Case(
            error: .noNodeAvailable(model: "m", reasons: ["node 1: busy"]),
            status: 503,
            code: "no_node_available",
            text: "node 1: busy"
        ),
        Case(error: .nodeFailed("it fell silent"), status: 502, code: "node_failed", text: "it fell silent"),
        Case(error: .internalFault("secret path"), status: 500, code: "internal_error", text: "request id"),
    ]

    @Test(arguments: cases) func `carry status, code and field for every refusal`(example: Case) async throws {
        let reply = try await withServer(ScriptedBackend(refusal: example.error)) { port in try await chat(port) }
        #expect(reply.status == example.status)
        #expect(reply.headers["content-type"] == "application/json; charset=utf-8")
        #expect(Set(reply.json.keys) == ["error"])
        #expect(Set(reply.error.keys) == ["message", "type", "param", "code"])
        #expect(reply.error["code"] as? String == example.code)
        #expect(reply.error["param"] as? String == example.param)
        #expect(reply.error["type"] is String)
        let message = try #require(reply.error["message"] as? String)
        #expect(message.contains(example.text))
        #expect(!message.contains("secret"))
        #expect((reply.headers["retry-after"] != nil) == (example.status == 503))
    }

    @Test func `of a node that fails before its end answer 502 where nothing was streamed`() async throws {
        let backend = ScriptedBackend { _ in [.text("a"), .fail(.nodeFailed("it fell silent"))] }
        let reply = try await withServer(backend) { port in try await chat(port) }
        #expect(reply.status == 502)
        #expect(backend.answers.first?.stopTime != nil)
    }

    @Test(arguments: ["/v1/models", "/v1/models/lattice-tiny", "/v1/nodes", "/v1/account", "/v1/ledger/entries"])
    func `ask for a key`(path: String) async throws {
        try await withServer { (port: Int) async throws in
            let missing = try await call(port, "GET", path, key: nil)
            #expect(missing.status == 401)
            #expect(missing.error["code"] as? String == "invalid_api_key")
            #expect(missing.headers["www-authenticate"] == "Bearer")
            #expect(try await call(port, "GET", path, key: "wrong").status == 401)
            #expect(
                try await call(port, "GET", path, key: nil, headers: ["X-API-Key": ScriptedBackend.key]).status == 200
            )
        }
    }

    @Test func `ask for a key before a chat's body is read`() async throws {
        let backend = ScriptedBackend()
        let reply = try await withServer(backend) { (port: Int) async throws in
            try await call(port, "POST", "/v1/chat/completions", key: nil, body: chatBody())
        }
        #expect(reply.status == 401)
        #expect(backend.requests.isEmpty)
    }

    @Test func `have one shape for unknown routes and wrong methods`() async throws {
        try await withServer { (port: Int) async throws in
            let unknown = try await call(port, "GET", "/v1/nothing\"here")
            #expect(unknown.status == 404)
            #expect(unknown.error["code"] as? String == "unknown_url")
            let method = try await call(port, "GET", "/v1/chat/completions")
            #expect(method.status == 405)
            #expect(method.headers["allow"] == "POST")
            #expect(method.error["code"] as? String == "method_not_allowed")
            #expect(try await call(port, "OPTIONS", "/v1/models").status == 405)
            #expect(try await call(port, "DELETE", "/").headers["allow"] == "GET, HEAD")
        }
    }

    @Test func `of a request are answered without the prompt in any log`() async throws {
        let reply = try await withServer { (port: Int) async throws in
            try await call(
                port,
                "POST",
                "/v1/chat/completions",
                body: #"{"model":"m","messages":[{"role":"user","content":7}]}"#
            )
        }
        #expect(reply.status == 400)
        #expect(reply.error["param"] as? String == "messages[0].content")
    }
}
