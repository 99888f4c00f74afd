import LatticaCore
import LatticaRPC
import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct `RPC limits` {
    @Test func `calls over the limit of a peer are refused, and taken again later`() async throws {
        var limits = RPCLimits()
        limits.maximumCallsPerPeer = 2
        try await withServer(limits: limits) { client, server, peer, _ in
            server.register("test/Hold") { call in
                try await call.send([])
                while try await call.receive() != nil {}
            }
            let calls = [
                try await client.open("test/Hold", on: peer, deadline: nil),
                try await client.open("test/Hold", on: peer, deadline: nil),
            ]
            for call in calls { #expect(try await call.receive() == []) }
            #expect(server.callCount == 2)
            let third = try await client.open("test/Hold", on: peer, deadline: nil)
            await #expect(throws: RPCError.failed(code: .resourceExhausted, message: "too many calls are under way")) {
                try await third.receive()
            }
            calls[0].cancel()
            try await eventually { server.callCount == 1 }
            let fourth = try await client.open("test/Hold", on: peer, deadline: nil)
            #expect(try await fourth.receive() == [])
            try await calls[1].finish()
            #expect(try await calls[1].receive() == nil)
        }
    }

    @Test func `calls over the limit of the server are refused`() async throws {
        var limits = RPCLimits()
        limits.maximumCalls = 0
        try await withServer(limits: limits) { client, server, peer, _ in
            server.register("test/Echo") { _ in }
            await #expect(throws: RPCError.failed(code: .resourceExhausted, message: "too many calls are under way")) {
                try await client.call("test/Echo", on: peer, request: [], deadline: .seconds(10))
            }
        }
    }

    @Test func `a message over the limit is not sent`() async throws {
        var limits = RPCLimits()
        limits.maximumMessage = 100
        try await withServer(limits: limits) { client, server, peer, _ in
            server.register("test/Echo") { call in
                await #expect(throws: RPCError.messageTooLong(limit: 100)) {
                    try await call.send([UInt8](repeating: 0, count: 101))
                }
                try await call.send(try await call.receive() ?? [])
            }
            let long = [UInt8](repeating: 1, count: 101)
            await #expect(throws: RPCError.messageTooLong(limit: 100)) {
                try await client.call("test/Echo", on: peer, request: long, deadline: .seconds(10))
            }
            let call = try await client.open("test/Echo", on: peer, deadline: .seconds(10))
            await #expect(throws: RPCError.messageTooLong(limit: 100)) { try await call.send(long) }
            try await call.send([UInt8](repeating: 1, count: 100))
            #expect(try await call.receive()?.count == 100)
            #expect(try await call.receive() == nil)
        }
    }

    @Test func `a message over the limit of the receiver ends the call`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            var small = RPCLimits()
            small.maximumMessage = 100
            let server = RPCServer(host: listener, limits: small)
            server.register("test/Drain") { call in while try await call.receive() != nil {} }
            let call = try await RPCClient(host: dialer).open("test/Drain", on: listener.peerID, deadline: .seconds(10))
            try await call.send([UInt8](repeating: 0, count: 101))
            let refusal = RPCError.failed(code: .resourceExhausted, message: "a message is longer than 100 B")
            await #expect(throws: refusal) { try await call.receive() }

            RPCServer(host: listener).register("test/Long") { call in
                try await call.send([UInt8](repeating: 0, count: 101))
            }
            let client = RPCClient(host: dialer, limits: small)
            await #expect(throws: RPCError.messageTooLong(limit: 100)) {
                try await client.call("test/Long", on: listener.peerID, request: [], deadline: .seconds(10))
            }
        }
    }

    @Test func `metadata over the limit is not sent`() async throws {
        try await withServer { client, _, peer, _ in
            await #expect(throws: RPCError.messageTooLong(limit: .kibibytes(16))) {
                try await client.open(
                    "test/Echo",
                    on: peer,
                    deadline: nil,
                    metadata: ["k": String(repeating: "v", count: 17000)]
                )
            }
        }
    }

    @Test func `sessions over the limit of a peer are reset`() async throws {
        var limits = RPCLimits()
        limits.maximumSessionsPerPeer = 1
        try await MemoryNetwork.withPair { dialer, listener in
            let server = RPCServer(host: listener, limits: limits)
            server.register("test/Echo") { call in try await call.send(try await call.receive() ?? []) }
            let client = RPCClient(host: dialer)
            let peer = listener.peerID
            #expect(try await client.call("test/Echo", on: peer, request: [1], deadline: .seconds(10)) == [1])
            let second = try await dialer.openStream(to: peer, protocols: [.latticeRPC])
            await #expect(throws: StreamError.resetByPeer) { try await second.read() }
            #expect(try await client.call("test/Echo", on: peer, request: [2], deadline: .seconds(10)) == [2])
        }
    }

    @Test func `a frame of 4 GiB is refused before it comes`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let server = RPCServer(host: listener)
            server.register("test/Drain") { call in while try await call.receive() != nil {} }
            let stream = try await dialer.openStream(to: listener.peerID, protocols: [.latticeRPC])
            try await stream.write(ByteBuffer(bytes: [0x80, 0x80, 0x80, 0x80, 0x10, 0x08, 0x01]))
            await #expect(throws: StreamError.resetByPeer) { try await stream.read() }
        }
    }

    /// The published rule: bytes from a peer never trap, and never leave a call behind.
    @Test func `a server survives any bytes`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let server = RPCServer(host: listener)
            server.register("test/Drain") { call in while try await call.receive() != nil {} }
            let header: [UInt8] = [0x10, 0x08, 0x01, 0x12, 0x0c, 0x0a, 0x0a] + bytes("test/Drain")
            var random = SeededGenerator(seed: 12)
            for round in 0..<300 {
                let stream = try await dialer.openStream(to: listener.peerID, protocols: [.latticeRPC])
                var sent = round % 2 == 0 ? header : []
                sent += random.bytes(Int.random(in: 0..<60, using: &random))
                if round % 3 == 0, !sent.isEmpty { sent[Int.random(in: sent.indices, using: &random)] ^= 0x10 }
                try? await stream.write(ByteBuffer(bytes: sent))
                try? await stream.closeWrite()
            }
            try await eventually("the end of all calls") {
                server.callCount == 0 && listener.answeredStreamCount == 0
            }
        }
    }

    @Test func `a client survives any bytes`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let round = NIOLockedValueBox<UInt64>(0)
            listener.handle(.latticeRPC) { stream in
                _ = try? await stream.read()
                let seed = round.withLockedValue { round in
                    round += 1
                    return round
                }
                var random = SeededGenerator(seed: seed)
                var sent: [UInt8] = Bool.random(using: &random) ? [0x05, 0x08, 0x01, 0x1a, 0x01, 0x07] : []
                sent += random.bytes(Int.random(in: 0..<60, using: &random))
                try? await stream.write(ByteBuffer(bytes: sent))
                try? await stream.closeWrite()
                while (try? await stream.read()) != nil {}
            }
            let client = RPCClient(host: dialer)
            for _ in 0..<300 {
                let call = try await client.open("test/Any", on: listener.peerID, deadline: .seconds(10))
                await #expect(throws: RPCError.self) { while try await call.receive() != nil {} }
            }
        }
    }
}
