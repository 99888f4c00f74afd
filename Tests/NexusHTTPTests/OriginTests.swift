import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Requests from browsers` {
    @Test(arguments: ["http://evil.example", "https://127.0.0.1.evil.example", "null", "http://127.0.0.1:1"])
    func `of other sites are refused`(origin: String) async throws {
        let reply = try await withServer { (port: Int) async throws in
            try await call(port, "GET", "/v1/models", headers: ["Origin": origin])
        }
        #expect(reply.status == 403)
        #expect(reply.error["type"] as? String == "permission_error")
        #expect(reply.headers["access-control-allow-origin"] == nil)
    }

    @Test func `of the server's own page and of allowed sites are answered`() async throws {
        try await withServer(configure: { $0.allowedOrigins = ["https://app.example"] }) { (port: Int) async throws in
            for origin in ["http://127.0.0.1:\(port)", "HTTPS://app.example"] {
                #expect(try await call(port, "GET", "/v1/models", headers: ["Origin": origin]).status == 200)
            }
        }
    }

    @Test func `by a name that was rebound to loopback are refused`() async throws {
        try await withServer(configure: { $0.allowedHosts = ["nexus.internal"] }) { (port: Int) async throws in
            #expect(try await call(port, "GET", "/", headers: ["Host": "evil.example:\(port)"]).status == 403)
            for host in ["localhost", "localhost:\(port)", "[::1]:\(port)", "127.1.2.3", "NEXUS.internal:1"] {
                #expect(try await call(port, "GET", "/", headers: ["Host": host]).status == 200, "\(host)")
            }
        }
    }
}
