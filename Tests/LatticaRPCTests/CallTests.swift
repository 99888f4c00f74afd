import LatticaCore
import LatticaRPC
import LatticeTesting
import Logging
import NIOConcurrencyHelpers
import Testing

/// Bytes of a text.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Runs a test with a client and a server that share a network in memory.
func withServer(
    window: Int = 256 << 10,
    chunk: Int = 64 << 10,
    limits: RPCLimits = RPCLimits(),
    clock: any Clock<Duration> = ContinuousClock(),
    _ body: (_ client: RPCClient, _ server: RPCServer, _ peer: PeerID, _ host: MemoryHost) async throws -> Void
) async throws {
    try await MemoryNetwork.withPair(window: window, chunk: chunk) { dialer, listener in
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = RPCServer(host: listener, limits: limits, clock: clock, logger: quiet)
        try await body(RPCClient(host: dialer, limits: limits, clock: clock), server, listener.peerID, listener)
        // Whatever a test does, no call may stay behind.
        try await eventually("the end of all calls") { server.callCount == 0 }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `RPC calls` {
    @Test(arguments: [1, 64 << 10]) func `one message is answered by one`(chunk: Int) async throws {
        try await withServer(chunk: chunk) { client, server, peer, host in
            server.register("test/Echo") { call in
                let request = try await call.receive() ?? []
                #expect(try await call.receive() == nil)
                try await call.send(request + bytes(" from \(call.method)"))
            }
            let reply = try await client.call("test/Echo", on: peer, request: bytes("hello"), deadline: .seconds(10))
            #expect(reply == bytes("hello from test/Echo"))
            let empty = try await client.call("test/Echo", on: peer, request: [], deadline: .seconds(10))
            #expect(empty == bytes(" from test/Echo"))
            // Both calls went over one stream.
            #expect(host.answeredStreamCount == 1)
        }
    }

    @Test func `the handler knows the caller, its metadata and its deadline`() async throws {
        try await withServer { client, server, peer, _ in
            server.register("test/Who") { call in
                let deadline = try #require(call.deadline)
                #expect(deadline > .zero && deadline <= .seconds(10))
                try await call.send(bytes("\(call.peer) \(call.metadata["trace"] ?? "")"))
            }
            let reply = try await client.call(
                "test/Who",
                on: peer,
                request: [],
                deadline: .seconds(10),
                metadata: ["trace": "t1"]
            )
            #expect(String(decoding: reply, as: UTF8.self).hasSuffix(" t1"))
            #expect(!reply.starts(with: bytes("\(peer)")))
        }
    }

    @Test func `many messages answer one`() async throws {
        try await withServer(window: 100) { client, server, peer, _ in
            server.register("test/Count") { call in
                let count = Int(try await call.receive()?.first ?? 0)
                for number in 0..<count { try await call.send([UInt8](repeating: UInt8(number), count: 50)) }
            }
            let call = try await client.open("test/Count", on: peer, deadline: .seconds(20))
            try await call.send([200])
            try await call.finish()
            for number in 0..<200 { #expect(try await call.receive()?.first == UInt8(number)) }
            #expect(try await call.receive() == nil)
            #expect(try await call.receive() == nil)
        }
    }

    @Test func `one message answers many`() async throws {
        try await withServer(window: 100) { client, server, peer, _ in
            server.register("test/Sum") { call in
                var sum = 0
                while let message = try await call.receive() { sum += message.count }
                try await call.send(bytes("\(sum)"))
            }
            let call = try await client.open("test/Sum", on: peer, deadline: .seconds(20))
            for length in 0..<100 { try await call.send([UInt8](repeating: 0, count: length)) }
            try await call.finish()
            try await call.finish()
            #expect(try await call.receive() == bytes("4950"))
            #expect(try await call.receive() == nil)
        }
    }

    @Test func `messages go both ways at once`() async throws {
        try await withServer(window: 64, chunk: 5) { client, server, peer, _ in
            server.register("test/Mirror") { call in
                while let message = try await call.receive() { try await call.send(message) }
            }
            let call = try await client.open("test/Mirror", on: peer, deadline: .seconds(20))
            async let sent: Void = {
                for number in 0..<300 { try await call.send(bytes("message \(number)")) }
                try await call.finish()
            }()
            for number in 0..<300 { #expect(try await call.receive() == bytes("message \(number)")) }
            #expect(try await call.receive() == nil)
            try await sent
        }
    }

    @Test func `calls run side by side`() async throws {
        try await withServer { client, server, peer, _ in
            let arrived = NIOLockedValueBox(0)
            server.register("test/Meet") { call in
                arrived.withLockedValue { $0 += 1 }
                try await eventually { arrived.withLockedValue { $0 == 50 } }
                try await call.send(try await call.receive() ?? [])
            }
            let replies = try await withThrowingTaskGroup(of: UInt8?.self) { group in
                for number in 0..<50 as Range<UInt8> {
                    group.addTask {
                        try await client.call("test/Meet", on: peer, request: [number], deadline: .seconds(20)).first
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(replies.count == 50)
        }
    }

    @Test func `a handler may be replaced`() async throws {
        try await withServer { client, server, peer, _ in
            server.register("test/Version") { try await $0.send([1]) }
            server.register("test/Version") { try await $0.send([2]) }
            let reply = try await client.call("test/Version", on: peer, request: [], deadline: .seconds(10))
            #expect(reply == [2])
        }
    }
}
