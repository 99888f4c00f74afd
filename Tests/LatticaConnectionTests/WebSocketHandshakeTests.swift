import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `WebSocket handshake` {
    private func dialer() -> WebSocketHandshake {
        WebSocketHandshake(dialing: "localhost:4001", key: Array(0..<16))
    }

    /// What a listener answers, and whether it has opened.
    private func answer(_ request: String) throws -> (isOpen: Bool, reply: String, rest: String) {
        var listener = WebSocketHandshake()
        var (input, reply) = (ByteBuffer(string: request), ByteBuffer())
        let isOpen = try listener.receive(&input, reply: &reply)
        return (isOpen, String(buffer: reply), String(buffer: input))
    }

    private func refusal(of request: String) -> (error: WebSocketError?, reply: String) {
        var listener = WebSocketHandshake()
        var (input, reply) = (ByteBuffer(string: request), ByteBuffer())
        do throws(WebSocketError) {
            _ = try listener.receive(&input, reply: &reply)
            return (nil, String(buffer: reply))
        } catch {
            return (error, String(buffer: reply))
        }
    }

    private func receive(_ answer: String) throws(WebSocketError) -> Bool {
        var dialer = dialer()
        var (input, reply) = (ByteBuffer(string: answer), ByteBuffer())
        return try dialer.receive(&input, reply: &reply)
    }

    private let request = """
        GET / HTTP/1.1\r
        Host: localhost\r
        upgrade: WebSocket\r
        Connection: keep-alive, Upgrade\r
        Sec-WebSocket-Key:dGhlIHNhbXBsZSBub25jZQ== \r
        Origin: https://example.org\r
        Sec-WebSocket-Extensions: permessage-deflate\r
        Sec-WebSocket-Version: 13\r
        \r\n
        """

    @Test func `answers the key of RFC 6455 as published`() throws {
        let (isOpen, reply, rest) = try answer(request + "more")
        #expect(isOpen)
        #expect(reply.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(reply.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(reply.hasSuffix("\r\n\r\n"))
        #expect(!reply.lowercased().contains("extensions"))
        #expect(rest == "more")
    }

    @Test func `both sides agree, and what follows is left to the frames`() throws {
        var (dialer, listener) = (dialer(), WebSocketHandshake())
        var (flight, reply, none) = (dialer.openingFlight, ByteBuffer(), ByteBuffer())
        #expect(try listener.receive(&flight, reply: &reply))
        #expect(flight.readableBytes == 0)
        reply.writeString("frames")
        #expect(try dialer.receive(&reply, reply: &none))
        #expect(String(buffer: reply) == "frames")
        #expect(none.readableBytes == 0)
        #expect(listener.openingFlight.readableBytes == 0)
    }

    @Test func `waits for the rest, byte by byte`() throws {
        var listener = WebSocketHandshake()
        var (input, reply) = (ByteBuffer(), ByteBuffer())
        for byte in request.utf8.dropLast() {
            input.writeInteger(byte)
            #expect(try !listener.receive(&input, reply: &reply))
        }
        #expect(reply.readableBytes == 0)
        input.writeString("\n")
        #expect(try listener.receive(&input, reply: &reply))
    }

    @Test func `a path may have a query, and nothing else than libp2p's place is served`() throws {
        #expect(try answer(request.replacing("GET / ", with: "GET /?a=b ")).isOpen)
        let (error, reply) = refusal(of: request.replacing("GET / ", with: "GET /admin "))
        #expect(error == .unknownPath("/admin"))
        #expect(reply.hasPrefix("HTTP/1.1 404 "))
    }

    @Test(arguments: [
        ("GET / ", "POST / ", WebSocketError.notAnUpgrade, "400"),
        ("upgrade: WebSocket", "upgrade: h2c", .notAnUpgrade, "400"),
        ("keep-alive, Upgrade", "keep-alive", .notAnUpgrade, "400"),
        ("Sec-WebSocket-Key", "X-Key", .notAnUpgrade, "400"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhl", .notAnUpgrade, "400"),
        ("Origin: https://example.org", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", .notAnUpgrade, "400"),
        ("HTTP/1.1\r\nHost", "HTTP/1.0\r\nHost", .notAnUpgrade, "400"),
        ("Version: 13", "Version: 8", .unknownVersion, "426"),
    ])
    func `a listener refuses what is no such request, and says so`(
        part: String,
        instead: String,
        error: WebSocketError,
        status: String
    ) {
        let (thrown, reply) = refusal(of: request.replacing(part, with: instead))
        #expect(thrown == error)
        #expect(reply.hasPrefix("HTTP/1.1 \(status) "))
        #expect(reply.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n", "\u{13}/multistream/1.0.0\n\r\n\r\n", "\r\n\r\n", "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\n folded: x\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/2\r\n\r\n",
    ])
    func `a listener refuses what is not HTTP`(request: String) {
        #expect(refusal(of: request).error != nil)
        #expect(refusal(of: request).reply.isEmpty || request.hasPrefix("GET / HTTP/1.1"))
    }

    @Test func `a head without an end is not gathered for ever`() {
        let (error, _) = refusal(of: "GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 10_000))
        #expect(error == .headTooLong(limit: 8192))
    }

    @Test func `a dialer takes only the answer to its own request`() throws {
        let accept = WebSocketHandshake.accept(for: "AAECAwQFBgcICQoLDA0ODw==")
        let answer = """
            HTTP/1.1 101 Whatever\r
            Upgrade: websocket\r
            connection: upgrade\r
            Sec-WebSocket-Accept: \(accept)\r
            \r\n
            """
        #expect(try receive(answer))
        #expect(throws: WebSocketError.invalidAnswer) { try receive(answer.replacing(accept, with: "AAAA")) }
        #expect(throws: WebSocketError.invalidAnswer) {
            try receive(answer.replacing("Upgrade: websocket", with: "a: b"))
        }
        for field in ["Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: chat"] {
            let answer = answer.replacing("connection: upgrade", with: "connection: upgrade\r\n\(field)")
            #expect(throws: WebSocketError.invalidAnswer) { try receive(answer) }
        }
        #expect(throws: WebSocketError.refused(status: 404)) { try receive("HTTP/1.1 404 Not Found\r\n\r\n") }
        #expect(throws: WebSocketError.notHTTP) { try receive("SSH-2.0-OpenSSH_9.2\r\n\r\n") }
        #expect(throws: WebSocketError.notHTTP) { try receive("HTTP/1.1\r\n\r\n") }
    }

    @Test(arguments: 0..<200) func `random bytes never open it`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = Array(request.utf8)
        // A few bytes of a true request changed, or all of it nonsense.
        if seed % 2 == 0 {
            bytes = random.bytes(Int.random(in: 0..<9000, using: &random)) + Array("\r\n\r\n".utf8)
            var (input, reply) = (ByteBuffer(bytes: bytes), ByteBuffer())
            var listener = WebSocketHandshake()
            #expect((try? listener.receive(&input, reply: &reply)) != true)
        } else {
            for _ in 0..<4 {
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            var (input, reply) = (ByteBuffer(bytes: bytes), ByteBuffer())
            var listener = WebSocketHandshake()
            // Some changes do not matter, such as in the name of the host; none may trap.
            _ = try? listener.receive(&input, reply: &reply)
        }
    }
}
