import LatticaCore
import LatticaRPC
import LatticeTesting
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import Testing

/// A handler that does nothing until it is cancelled, and counts.
private struct Endless: Sendable {
    let started = NIOLockedValueBox(0)
    let cancelled = NIOLockedValueBox(0)

    func run() async throws {
        started.withLockedValue { $0 += 1 }
        do {
            try await Task.sleep(for: .seconds(1000))
        } catch {
            cancelled.withLockedValue { $0 += 1 }
            throw error
        }
    }

    func hasStarted(_ count: Int = 1) async throws {
        try await eventually("the start of the handler") { started.withLockedValue { $0 == count } }
    }

    func isCancelled(_ count: Int = 1) async throws {
        try await eventually("the cancellation of the handler") { cancelled.withLockedValue { $0 == count } }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `The end of an RPC call` {
    @Test func `a method that does not exist is told`() async throws {
        try await withServer { client, _, peer, _ in
            await #expect(throws: RPCError.failed(code: .unimplemented, message: "no method test/None")) {
                try await client.call("test/None", on: peer, request: [1], deadline: .seconds(10))
            }
        }
    }

    @Test func `a failure reaches the caller with its code and words, after what was sent before`() async throws {
        try await withServer { client, server, peer, _ in
            server.register("test/Fail") { call in
                try await call.send([1])
                throw RPCFailure(code: .failedPrecondition, message: "not yet")
            }
            let call = try await client.open("test/Fail", on: peer, deadline: .seconds(10))
            #expect(try await call.receive() == [1])
            let failure = RPCError.failed(code: .failedPrecondition, message: "not yet")
            await #expect(throws: failure) { try await call.receive() }
            await #expect(throws: failure) { try await call.receive() }
            await #expect(throws: failure) { try await call.send([1]) }
        }
    }

    @Test func `a fault of the server is not leaked`() async throws {
        struct Secret: Error { let password = "hunter2" }
        try await withServer { client, server, peer, _ in
            server.register("test/Fault") { _ in throw Secret() }
            await #expect(throws: RPCError.failed(code: .internalError, message: "the peer has a fault")) {
                try await client.call("test/Fault", on: peer, request: [], deadline: .seconds(10))
            }
        }
    }

    @Test func `one answer too few or too many is a violation`() async throws {
        try await withServer { client, server, peer, _ in
            server.register("test/None") { _ in }
            server.register("test/Two") { call in
                try await call.send([])
                try await call.send([])
            }
            for method in ["test/None", "test/Two"] as [RPCMethod] {
                do {
                    _ = try await client.call(method, on: peer, request: [], deadline: .seconds(10))
                    Issue.record("\(method) succeeded")
                } catch {
                    guard case .protocolViolation = error as? RPCError else { Issue.record("\(error)"); continue }
                }
            }
        }
    }

    @Test func `a peer that is not there is unavailable`() async throws {
        try await withServer { client, _, _, _ in
            let stranger = Keypair().peerID
            await #expect(throws: RPCError.unavailable("no address of \(stranger) is known; name one with --join")) {
                try await client.call("test/Echo", on: stranger, request: [], deadline: .seconds(10))
            }
        }
    }

    @Test func `cancelling the caller's task stops the handler`() async throws {
        try await withServer { client, server, peer, _ in
            let endless = Endless()
            server.register("test/Endless") { _ in try await endless.run() }
            let task = Task { try await client.call("test/Endless", on: peer, request: [], deadline: .seconds(100)) }
            try await endless.hasStarted()
            task.cancel()
            await #expect(throws: RPCError.cancelled) { try await task.value }
            try await endless.isCancelled()
        }
    }

    @Test func `cancelling a call stops a handler that neither reads nor writes`() async throws {
        try await withServer { client, server, peer, _ in
            let endless = Endless()
            server.register("test/Endless") { _ in try await endless.run() }
            let call = try await client.open("test/Endless", on: peer, deadline: nil)
            for _ in 0..<10 { try await call.send([0]) }
            try await call.finish()
            try await endless.hasStarted()
            call.cancel()
            try await endless.isCancelled()
            await #expect(throws: RPCError.cancelled) { try await call.receive() }
            await #expect(throws: RPCError.cancelled) { try await call.send([]) }
            call.cancel()
        }
    }

    @Test func `a call let go of is cancelled`() async throws {
        try await withServer { client, server, peer, _ in
            let endless = Endless()
            server.register("test/Endless") { _ in try await endless.run() }
            do {
                let call = try await client.open("test/Endless", on: peer, deadline: .seconds(1000))
                try await call.send([1])
                try await endless.hasStarted()
            }
            try await endless.isCancelled()
        }
    }

    @Test func `a cancelled wait leaves the call as it is`() async throws {
        try await withServer { client, server, peer, _ in
            server.register("test/Echo") { call in
                while let message = try await call.receive() { try await call.send(message) }
            }
            let call = try await client.open("test/Echo", on: peer, deadline: .seconds(20))
            let wait = Task { try await call.receive() }
            wait.cancel()
            await #expect(throws: RPCError.cancelled) { try await wait.value }
            try await call.send([5])
            #expect(try await call.receive() == [5])
            try await call.finish()
            await #expect(throws: RPCError.ended) { try await call.send([6]) }
            #expect(try await call.receive() == nil)
            await #expect(throws: RPCError.ended) { try await call.send([6]) }
        }
    }

    @Test func `the deadline ends the call on both sides`() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { client, server, peer, _ in
            let endless = Endless()
            server.register("test/Endless") { _ in try await endless.run() }
            let call = Task { try await client.call("test/Endless", on: peer, request: [], deadline: .seconds(5)) }
            try await endless.hasStarted()
            // The caller's timer and the server's; the one for the header is gone by now.
            try await clock.sleepers(atLeast: 2)
            clock.advance(by: .seconds(5))
            await #expect(throws: RPCError.deadlineExceeded) { try await call.value }
            try await endless.isCancelled()
        }
    }

    @Test func `the server keeps the deadline of a caller who does not`() async throws {
        let clock = ManualClock()
        try await MemoryNetwork.withPair { dialer, listener in
            let server = RPCServer(host: listener, clock: clock)
            let endless = Endless()
            server.register("test/Endless") { _ in try await endless.run() }
            // The clock of this client stands still.
            let client = RPCClient(host: dialer, clock: ManualClock())
            let call = try await client.open("test/Endless", on: listener.peerID, deadline: .seconds(5))
            try await endless.hasStarted()
            try await eventually("the end of the call") {
                clock.advance(by: .seconds(1))
                return endless.cancelled.withLockedValue { $0 == 1 }
            }
            await #expect(throws: RPCError.failed(code: .deadlineExceeded, message: "the deadline passed")) {
                try await call.receive()
            }
        }
    }

    @Test func `the deadline covers dialling`() async throws {
        struct SlowHost: Host {
            let peerID = Keypair().peerID
            func openStream(to: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream {
                do { try await Task.sleep(for: .seconds(1000)) } catch { throw .timedOut }
                throw .stopped
            }
            func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void) {}
        }
        let clock = ManualClock()
        let client = RPCClient(host: SlowHost(), clock: clock)
        let call = Task {
            try await client.call("test/Echo", on: Keypair().peerID, request: [], deadline: .seconds(5))
        }
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(5))
        await #expect(throws: RPCError.deadlineExceeded) { try await call.value }
        let cancelled = Task { try await client.open("test/Echo", on: Keypair().peerID, deadline: nil) }
        cancelled.cancel()
        await #expect(throws: RPCError.cancelled) { try await cancelled.value }
    }

    @Test func `the loss of the connection ends both sides`() async throws {
        try await withServer { client, server, peer, host in
            let endless = Endless()
            server.register("test/Endless") { _ in try await endless.run() }
            let call = try await client.open("test/Endless", on: peer, deadline: nil)
            try await endless.hasStarted()
            host.disconnect()
            await #expect(throws: RPCError.unavailable("the connection was lost: unplugged")) {
                try await call.receive()
            }
            try await endless.isCancelled()
        }
    }

    @Test func `a handler that answers early ends a caller who still sends`() async throws {
        try await withServer(window: 100) { client, server, peer, _ in
            server.register("test/Enough") { _ in throw RPCFailure(code: .outOfRange, message: "enough") }
            let call = try await client.open("test/Enough", on: peer, deadline: .seconds(20))
            let sender = Task {
                while true { try await call.send([UInt8](repeating: 0, count: 60)) }
            }
            await #expect(throws: RPCError.failed(code: .outOfRange, message: "enough")) {
                while try await call.receive() != nil {}
            }
            await #expect(throws: RPCError.self) { try await sender.value }
        }
    }

    @Test func `a handler that throws runs once`() async throws {
        try await withServer { client, server, peer, _ in
            let runs = NIOLockedValueBox(0)
            server.register("test/Fail") { _ in
                runs.withLockedValue { $0 += 1 }
                throw RPCFailure(code: .unavailable, message: "try later")
            }
            await #expect(throws: RPCError.failed(code: .unavailable, message: "try later")) {
                try await client.call("test/Fail", on: peer, request: [1], deadline: .seconds(10))
            }
            #expect(runs.withLockedValue { $0 } == 1)
        }
    }

    @Test func `a call whose session is lost is not made again`() async throws {
        try await withServer { client, server, peer, host in
            let runs = NIOLockedValueBox(0)
            server.register("test/Once") { call in
                runs.withLockedValue { $0 += 1 }
                host.disconnect()
                try await Task.sleep(for: .seconds(1000))
            }
            await #expect(throws: RPCError.unavailable("the connection was lost: unplugged")) {
                try await client.call("test/Once", on: peer, request: [1], deadline: .seconds(10))
            }
            #expect(runs.withLockedValue { $0 } == 1)
            // The next call finds a session of its own.
            server.register("test/Echo") { call in try await call.send(try await call.receive() ?? []) }
            let reply = try await client.call("test/Echo", on: peer, request: [7], deadline: .seconds(10))
            #expect(reply == [7])
        }
    }

    @Test func `cancelling after the server died returns at once and harms nothing`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let server = RPCServer(host: listener)
            let endless = Endless()
            server.register("test/Endless") { _ in try await endless.run() }
            let client = RPCClient(host: dialer)
            let call = try await client.open("test/Endless", on: listener.peerID, deadline: nil)
            let unary = Task {
                try await client.call("test/Endless", on: listener.peerID, request: [], deadline: .seconds(100))
            }
            try await endless.hasStarted(2)
            await listener.stop()
            unary.cancel()
            call.cancel()
            call.cancel()
            await #expect(throws: RPCError.self) { try await unary.value }
            await #expect(throws: RPCError.self) { try await call.receive() }
            await #expect(throws: RPCError.self) { try await call.send([1]) }
            await #expect(throws: RPCError.self) {
                try await client.call("test/Endless", on: listener.peerID, request: [], deadline: .seconds(10))
            }
            #expect(server.callCount == 0)
        }
    }

    @Test func `a session that is not used is closed, and opened again on demand`() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { client, server, peer, host in
            server.register("test/Echo") { call in try await call.send(try await call.receive() ?? []) }
            #expect(try await client.call("test/Echo", on: peer, request: [1], deadline: .seconds(5)) == [1])
            #expect(host.answeredStreamCount == 1)
            try await eventually("the end of the session") {
                clock.advance(by: .seconds(10))
                return host.answeredStreamCount == 0
            }
            #expect(try await client.call("test/Echo", on: peer, request: [2], deadline: .seconds(5)) == [2])
        }
    }

    @Test func `sessions end with their client`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let server = RPCServer(host: listener)
            server.register("test/Echo") { call in try await call.send(try await call.receive() ?? []) }
            do {
                let client = RPCClient(host: dialer)
                let peer = listener.peerID
                #expect(try await client.call("test/Echo", on: peer, request: [1], deadline: .seconds(5)) == [1])
            }
            try await eventually("the end of the session") { listener.answeredStreamCount == 0 }
        }
    }
}
