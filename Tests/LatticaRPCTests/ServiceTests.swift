import LatticaCore
import LatticaRPC
import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

private enum Greeter {
    static let greet = RPCUnaryMethod<String, String>("Greeter/greet")
    static let count = RPCServerStreamMethod<Number, String>("Greeter/count")
    static let join = RPCClientStreamMethod<String, String>("Greeter/join")
    static let mirror = RPCStreamMethod<String, String>("Greeter/mirror")
}

private struct Number: RPCMessage, Hashable {
    var value: UInt32

    init(_ value: UInt32) { self.value = value }

    init(rpcBytes: ByteBuffer) throws {
        var bytes = rpcBytes
        guard let value = bytes.readInteger(as: UInt32.self), bytes.readableBytes == 0 else {
            throw RPCFailure(code: .invalidArgument, message: "not a number")
        }
        self.value = value
    }

    func rpcBytes() -> ByteBuffer { ByteBuffer(integer: value) }
}

private struct GreeterService: RPCService {
    var greeting = "Hello"

    func register(on server: RPCServer) {
        server.register(Greeter.greet, on: .eventLoop) { name, context in
            guard !name.isEmpty else { throw RPCFailure(code: .invalidArgument, message: "nobody to greet") }
            return "\(greeting) \(name)\(context.metadata["mark"] ?? "")"
        }
        server.register(Greeter.count) { number, _ in
            AsyncStream { continuation in
                for index in 0..<number.value { continuation.yield("\(index)") }
                continuation.finish()
            }
        }
        server.register(Greeter.join) { texts, _ in
            var joined = ""
            for try await text in texts { joined += text }
            return joined
        }
        server.register(Greeter.mirror) { texts, _ in texts }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `An RPC service` {
    private func withGreeter(_ body: (RPCClient, PeerID) async throws -> Void) async throws {
        try await withServer { client, server, peer, _ in
            server.add(GreeterService())
            try await body(client, peer)
        }
    }

    @Test func `answers one message by one`() async throws {
        try await withGreeter { client, peer in
            let reply = try await client.call(
                Greeter.greet,
                "Ada",
                on: peer,
                deadline: .seconds(10),
                metadata: ["mark": "!"]
            )
            #expect(reply == "Hello Ada!")
            await #expect(throws: RPCError.failed(code: .invalidArgument, message: "nobody to greet")) {
                try await client.call(Greeter.greet, "", on: peer, deadline: .seconds(10))
            }
        }
    }

    @Test func `answers one message by many`() async throws {
        try await withGreeter { client, peer in
            var texts: [String] = []
            for try await text in try await client.stream(Greeter.count, Number(5), on: peer, deadline: .seconds(10)) {
                texts.append(text)
            }
            #expect(texts == ["0", "1", "2", "3", "4"])
        }
    }

    @Test func `answers many messages by one`() async throws {
        try await withGreeter { client, peer in
            let texts = AsyncStream { continuation in
                for text in ["a", "b", "c"] { continuation.yield(text) }
                continuation.finish()
            }
            let joined = try await client.call(Greeter.join, texts, on: peer, deadline: .seconds(10))
            #expect(joined == "abc")
        }
    }

    @Test func `messages go both ways`() async throws {
        try await withGreeter { client, peer in
            let call = try await client.open(Greeter.mirror, on: peer, deadline: .seconds(10))
            var responses = call.responses.makeAsyncIterator()
            for number in 0..<20 {
                try await call.send("\(number)")
                #expect(try await responses.next() == "\(number)")
            }
            try await call.finish()
            #expect(try await responses.next() == nil)
        }
    }

    @Test func `what cannot be decoded is told`() async throws {
        try await withGreeter { client, peer in
            let wrong = RPCUnaryMethod<[UInt8], String>("Greeter/greet")
            await #expect(throws: RPCError.failed(code: .invalidArgument, message: "the request cannot be decoded")) {
                try await client.call(wrong, [0xff, 0xfe], on: peer, deadline: .seconds(10))
            }
            let misread = RPCUnaryMethod<String, Number>("Greeter/greet")
            do {
                _ = try await client.call(misread, "Ada", on: peer, deadline: .seconds(10))
                Issue.record("it was decoded")
            } catch {
                guard case .protocolViolation = error as? RPCError else { throw error }
            }
        }
    }

    @Test func `letting go of the messages stops the handler`() async throws {
        try await withServer { client, server, peer, _ in
            let endless = RPCServerStreamMethod<String, String>("test/Endless")
            server.register(endless) { text, _ in AsyncStream { text } }
            for try await text in try await client.stream(endless, "on and on", on: peer, deadline: nil) {
                #expect(text == "on and on")
                break
            }
            try await eventually("the end of the call") { server.callCount == 0 }
        }
    }
}
