import Foundation
import LatticeTesting
import Nexus
import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Limits of the server` {
    @Test func `refuse a body of 50 MB by its declared length, at once`() async throws {
        let text = try await withServer { (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                try await connection.send(rawHead("Content-Length: 50000000"))
                return try await connection.readToEnd()
            }
        }
        let reply = try #require(Reply(text))
        #expect(reply.status == 413)
        #expect(reply.error["code"] as? String == "request_too_large")
        #expect(reply.headers["connection"] == "close")
    }

    @Test func `refuse a body of 100 MB in chunks without reading it all`() async throws {
        let backend = ScriptedBackend()
        let sent = try await withServer(backend, configure: { $0.bodyLimit = 1_000_000 }) { (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                try await connection.send(rawHead("Transfer-Encoding: chunked"))
                let chunk = "10000\r\n" + String(repeating: " ", count: 65_536) + "\r\n"
                var sent = 0
                do {
                    while sent < 100_000_000 {
                        try await connection.send(chunk)
                        sent += 65_536
                    }
                } catch {
                    // The server closed.
                }
                let reply = try #require(Reply(try await connection.readToEnd()))
                #expect(reply.status == 413)
                return sent
            }
        }
        // Twice the limit, and the tens of megabytes that the system's socket buffers may hold.
        #expect(sent < 45_000_000)
        #expect(backend.requests.isEmpty)
    }

    @Test func `let a client that waits for leave send its body, and one that sends too much go`() async throws {
        try await withServer { (port: Int) async throws in
            let body = chatBody()
            let text = try await RawConnection.with(port) { connection in
                try await connection.send(
                    rawHead("Expect: 100-continue\r\nConnection: close\r\nContent-Length: \(body.utf8.count)")
                )
                try await connection.read(until: "100 Continue\r\n\r\n")
                try await connection.send(body)
                return try await connection.readToEnd()
            }
            #expect(Reply(text)?.status == 200)
            let refused = try await RawConnection.with(port) { connection in
                try await connection.send(rawHead("Expect: 100-continue\r\nContent-Length: 50000000"))
                return try await connection.readToEnd()
            }
            #expect(!refused.contains("100 Continue"))
            #expect(Reply(refused)?.status == 413)
        }
    }

    @Test func `close a connection whose head comes too slowly`() async throws {
        let text = try await withServer(configure: { $0.headDeadline = .milliseconds(50) }) {
            (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                // On a busy machine the deadline may have passed already.
                try? await connection.send("GET /health HTTP/1.1\r\nHost: local")
                return try await connection.readToEnd()
            }
        }
        #expect(text == "")
    }

    @Test func `close a connection whose body comes too slowly`() async throws {
        let backend = ScriptedBackend()
        try await withServer(backend, configure: { $0.bodyDeadline = .milliseconds(50) }) { (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                try? await connection.send(rawHead("Content-Length: 100") + #"{"model""#)
                _ = try await connection.readToEnd()
            }
        }
        #expect(backend.requests.isEmpty)
    }

    @Test func `refuse a head beyond 32 KB`() async throws {
        let text = try await withServer { (port: Int) async throws in
            try await RawConnection.with(port) { connection in
                try? await connection.send("GET / HTTP/1.1\r\nX: \(String(repeating: "y", count: 200_000))\r\n\r\n")
                return try await connection.readToEnd()
            }
        }
        #expect(!text.contains("200 OK"))
    }

    @Test func `survive bytes that are not HTTP`() async throws {
        var generator = SeededGenerator(seed: 11)
        var noises = (0..<40).map { _ in (0..<200).map { _ in UInt8.random(in: 0...(.max), using: &generator) } }
        let valid = [UInt8](rawChat(chatBody()).utf8)
        noises += stride(from: 1, to: valid.count, by: 7).map { Array(valid.prefix($0)) }
        let targets = [
            "*", "//", "http://", "http://x:99999999999/?#", "?", "%zz", "/%", "/v1/models/%ff", "x://y", "/\u{7F}",
        ]
        noises += targets.map { [UInt8]("GET \($0) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8) }
        let inputs = noises
        try await withServer { (port: Int) async throws in
            for bytes in inputs {
                try await RawConnection.with(port) { connection in
                    try? await connection.send(bytes)
                    await connection.close()
                }
            }
            for target in targets {
                try await RawConnection.with(port) { connection in
                    try await connection.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    let status = Reply(try await connection.readToEnd())?.status ?? 400
                    #expect((200..<500).contains(status), "\(target)")
                }
            }
            #expect(try await call(port, "GET", "/health").status == 200)
        }
    }

    @Test(arguments: ["0.0.0.0", "192.168.1.5", "::", "example.org", "127.0.0.1.example.org"])
    func `keep the server off public addresses unless allowed`(host: String) throws {
        #expect(throws: HTTPServerError.publicAddress(host: host)) {
            try NexusHTTPServer(
                backend: ScriptedBackend(),
                configuration: HTTPConfiguration(host: host),
                logger: .silent
            )
        }
        var configuration = HTTPConfiguration(host: host)
        configuration.allowsPublicAddress = true
        _ = try NexusHTTPServer(backend: ScriptedBackend(), configuration: configuration, logger: .silent)
        #expect(HTTPServerError.publicAddress(host: host).description.contains("127.0.0.1"))
    }

    @Test func `name the port that is in use`() async throws {
        try await withServer { (port: Int) async throws in
            let second = try NexusHTTPServer(
                backend: ScriptedBackend(),
                configuration: HTTPConfiguration(port: port),
                logger: .silent
            )
            let error = await #expect(throws: HTTPServerError.self) { try await second.run() }
            #expect(error == .portInUse(host: "127.0.0.1", port: port))
            #expect(error?.description.contains("--port") == true)
        }
    }

    @Test func `name a host that is not this machine`() async throws {
        var configuration = HTTPConfiguration(host: "203.0.113.1", port: 0)
        configuration.allowsPublicAddress = true
        let server = try NexusHTTPServer(backend: ScriptedBackend(), configuration: configuration, logger: .silent)
        let error = await #expect(throws: HTTPServerError.self) { try await server.run() }
        guard case .cannotListen(let host, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(host == "203.0.113.1")
    }

    private func rawHead(_ fields: String) -> String {
        """
        POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(ScriptedBackend.key)\r\n\(fields)\r\n\r\n
        """.trimmingCharacters(in: ["\n"]) + "\n"
    }
}
