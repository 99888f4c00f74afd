import LatticaCore
import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import LatticaRPC

@Suite(.timeLimit(.minutes(1))) struct `A client of Lattica's package` {
    @Test(arguments: Compression.allCases) func `sends a unary call, compressed when asked and long enough`(
        compression: Compression
    ) async throws {
        try await withLattica { client, _, _, listener in
            for length in [0, 5, 255, 5000, 300_000] {
                let request = ByteBuffer(repeating: 3, count: length)
                let reply = try await client.unary(
                    "Echo/echo",
                    on: listener.peerID,
                    request: request,
                    deadline: .seconds(10),
                    compression: compression
                )
                #expect(reply == request)
            }
        }
    }

    @Test(arguments: [1, 64 << 10]) func `takes the parts of a stream call as one message`(chunk: Int) async throws {
        try await withLattica(chunk: chunk) { client, _, _, listener in
            let call = try await client.open("Echo/secho", on: listener.peerID, form: .stream, deadline: .seconds(20))
            try await call.send(ByteBuffer(string: "hel"))
            try await call.send(ByteBuffer(string: "lo"))
            try await call.finish()
            try await call.finish()
            await #expect(throws: RPCError.ended) { try await call.send(ByteBuffer()) }
            #expect(try await call.receive() == ByteBuffer(string: "hello"))
            #expect(try await call.receive() == nil)
            #expect(try await call.receive() == nil)
            let empty = try await client.open("Echo/secho", on: listener.peerID, form: .stream, deadline: nil)
            try await empty.finish()
            #expect(try await empty.receive() == ByteBuffer())
            #expect(try await empty.receive() == nil)
        }
    }

    @Test func `takes the items of an iterator one by one`() async throws {
        try await withLattica(window: 1000) { client, _, _, listener in
            let call = try await Self.count(300, size: 40, client, listener)
            for index in 0..<300 as Range<UInt32> {
                #expect(try await call.receive()?.getInteger(at: 0, as: UInt32.self) == index)
            }
            #expect(try await call.receive() == nil)
        }
    }

    @Test func `uses a stream again, one call at a time`() async throws {
        try await withLattica { client, server, dialer, listener in
            for _ in 0..<20 {
                let call = try await Self.count(3, size: 4, client, listener)
                while try await call.receive() != nil {}
            }
            #expect(dialer.openedStreamCount == 1)
            await #expect(throws: RPCError.self) {
                let call = try await client.open("Nope/x", on: listener.peerID, form: .stream, deadline: nil)
                try await call.finish()
                _ = try await call.receive()
            }
            let call = try await Self.count(3, size: 4, client, listener)
            while try await call.receive() != nil {}
            #expect(dialer.openedStreamCount == 1)
            #expect(server.load.streams == 1)
        }
    }

    @Test func `a slow reader holds back its own sender, and nobody else`() async throws {
        let sent = NIOLockedValueBox(0)
        let flood: Methods.Handler = { leg in
            for _ in 0..<1000 {
                try await leg.send(ByteBuffer(repeating: 0, count: 100))
                sent.withLockedValue { $0 += 1 }
            }
        }
        var bounds = LatticaDialect.Bounds(RPCLimits())
        bounds.unsentBytes = 1000
        bounds.itemBurst = .max
        try await withLattica(Methods.echo.merging(["Echo/flood": flood]) { $1 }, bounds: bounds, window: 1000) {
            client,
            _,
            _,
            listener in
            let call = try await client.open("Echo/flood", on: listener.peerID, form: .iterator, deadline: nil)
            try await call.finish()
            #expect(try await call.receive()?.readableBytes == 100)
            for _ in 0..<20 {
                let other = try await Self.count(3, size: 4, client, listener)
                while try await other.receive() != nil {}
            }
            #expect(sent.withLockedValue { $0 } < 60)
            var count = 1
            while try await call.receive() != nil { count += 1 }
            #expect(count == 1000)
        }
    }

    @Test func `a thousand iterators at once finish`() async throws {
        try await withLattica { client, _, dialer, listener in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<1000 {
                    group.addTask {
                        let call = try await Self.count(10, size: 8, client, listener)
                        var count = 0
                        while try await call.receive() != nil { count += 1 }
                        return count
                    }
                }
                for try await count in group { #expect(count == 10) }
            }
            #expect(dialer.openedStreamCount <= LatticaDialect.Bounds(RPCLimits()).openedStreamsPerPeer)
        }
    }

    /// The package hands accepted streams over one at a time and drops the others.
    @Test func `replaces a stream that the peer has dropped unread`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let opened = NIOLockedValueBox(0)
            listener.handle(.latticaStream) { stream in
                let number = opened.withLockedValue { opened in
                    opened += 1
                    return opened
                }
                guard number > 3 else { return stream.reset() }
                var reader = StreamFrameReader()
                while let bytes = try? await stream.read() {
                    reader.append(bytes)
                    while let frame = try? reader.next() {
                        guard case .data(let id, let payload, true) = frame else { continue }
                        var writer = BincodeWriter()
                        StreamFrame.data(id, "\(payload.readableBytes)", isLast: true).write(to: &writer)
                        StreamFrame.close(id: id).write(to: &writer)
                        try? await stream.write(writer.buffer)
                    }
                }
            }
            let client = LatticaDialect.Client(host: dialer)
            let call = try await client.open("Echo/size", on: listener.peerID, form: .stream, deadline: .seconds(20))
            try await call.send(ByteBuffer(string: "four"))
            try await call.finish()
            #expect(try await call.receive() == ByteBuffer(string: "4"))
            #expect(opened.withLockedValue { $0 } == 4)
        }
    }

    @Test func `gives up on a peer that drops every stream`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let opened = NIOLockedValueBox(0)
            listener.handle(.latticaStream) { stream in
                opened.withLockedValue { $0 += 1 }
                stream.reset()
            }
            let client = LatticaDialect.Client(host: dialer)
            let call = try await client.open("Echo/size", on: listener.peerID, form: .stream, deadline: .seconds(30))
            await #expect(throws: RPCError.unavailable("the peer reset the stream")) {
                try await call.finish()
                _ = try await call.receive()
            }
            #expect(opened.withLockedValue { $0 } == 7)
        }
    }

    @Test func `tells what the peer says of a failure`() async throws {
        try await withLattica { client, _, _, listener in
            let failed = RPCError.failed(
                code: .unknown,
                message: "Handler execution failed: RuntimeError: RPC method fail failed: boom"
            )
            let boom = ByteBuffer(string: "boom")
            await #expect(throws: failed) {
                try await client.unary("Echo/fail", on: listener.peerID, request: boom, deadline: .seconds(10))
            }
            await #expect(throws: RPCError.failed(code: .unimplemented, message: "Service Nope not found")) {
                try await client.unary("Nope/x", on: listener.peerID, request: boom, deadline: .seconds(10))
            }
            let call = try await client.open("Echo/nope", on: listener.peerID, form: .iterator, deadline: .seconds(10))
            try await call.finish()
            let text = "Stream method _handle_stream_nope not found"
            await #expect(throws: RPCError.failed(code: .unimplemented, message: text)) { try await call.receive() }
            await #expect(throws: RPCError.self) {
                try await client.unary("a.b/c", on: listener.peerID, request: boom, deadline: .seconds(10))
            }
        }
    }

    @Test func `gives up at the deadline, and stops the handler of a stream call`() async throws {
        let (started, ended) = (NIOLockedValueBox(0), NIOLockedValueBox(0))
        let hold: Methods.Handler = { _ in
            started.withLockedValue { $0 += 1 }
            defer { ended.withLockedValue { $0 += 1 } }
            try await Task.sleep(for: .seconds(1000))
        }
        try await MemoryNetwork.withPair { dialer, listener in
            let clock = ManualClock()
            let server = LatticaDialect.Server(host: listener, methods: Methods(handlers: ["Echo/hold": hold]))
            let client = LatticaDialect.Client(host: dialer, clock: clock)
            let call = try await client.open("Echo/hold", on: listener.peerID, form: .stream, deadline: .seconds(5))
            try await call.finish()
            try await eventually { started.withLockedValue { $0 == 1 } }
            clock.advance(by: .seconds(5))
            await #expect(throws: RPCError.deadlineExceeded) { try await call.receive() }
            try await eventually { ended.withLockedValue { $0 == 1 } }

            let unary = Task {
                try await client.unary("Echo/hold", on: listener.peerID, request: ByteBuffer(), deadline: .seconds(5))
            }
            try await eventually { started.withLockedValue { $0 == 2 } }
            clock.advance(by: .seconds(5))
            await #expect(throws: RPCError.deadlineExceeded) { try await unary.value }
            listener.disconnect()
            try await eventually { server.load.unary == 0 }
        }
    }

    @Test func `a call let go of is cancelled`() async throws {
        let (started, ended) = (NIOLockedValueBox(0), NIOLockedValueBox(0))
        let hold: Methods.Handler = { _ in
            started.withLockedValue { $0 += 1 }
            defer { ended.withLockedValue { $0 += 1 } }
            try await Task.sleep(for: .seconds(1000))
        }
        try await withLattica(["Echo/hold": hold]) { client, _, _, listener in
            do {
                let call = try await client.open("Echo/hold", on: listener.peerID, form: .stream, deadline: nil)
                try await call.finish()
                try await eventually { started.withLockedValue { $0 == 1 } }
            }
            try await eventually { ended.withLockedValue { $0 == 1 } }
            let call = try await client.open("Echo/hold", on: listener.peerID, form: .stream, deadline: nil)
            try await call.finish()
            let wait = Task { try await call.receive() }
            try await eventually { started.withLockedValue { $0 == 2 } }
            wait.cancel()
            await #expect(throws: RPCError.cancelled) { try await wait.value }
            #expect(ended.withLockedValue { $0 } == 1)
            call.cancel()
            await #expect(throws: RPCError.cancelled) { try await call.receive() }
            try await eventually { ended.withLockedValue { $0 == 2 } }
        }
    }

    @Test func `the loss of the connection ends every call, and the next one finds another stream`() async throws {
        let started = NIOLockedValueBox(0)
        let hold: Methods.Handler = { _ in
            started.withLockedValue { $0 += 1 }
            try await Task.sleep(for: .seconds(1000))
        }
        try await withLattica(Methods.echo.merging(["Echo/hold": hold]) { $1 }) { client, _, _, listener in
            let idle = try await Self.count(1, size: 4, client, listener)
            while try await idle.receive() != nil {}
            let call = try await client.open("Echo/hold", on: listener.peerID, form: .stream, deadline: nil)
            try await call.finish()
            try await eventually { started.withLockedValue { $0 == 1 } }
            listener.disconnect()
            await #expect(throws: RPCError.self) { try await call.receive() }
            let next = try await Self.count(2, size: 4, client, listener)
            #expect(try await next.receive() != nil)
        }
    }

    @Test func `a message over the limit is not sent, nor taken`() async throws {
        var limits = RPCLimits()
        limits.maximumMessage = 100
        try await withLattica(limits: limits) { client, _, dialer, listener in
            let long = ByteBuffer(repeating: 0, count: 101)
            let tooLong = RPCError.messageTooLong(limit: 100)
            await #expect(throws: tooLong) {
                try await client.unary("Echo/echo", on: listener.peerID, request: long, deadline: .seconds(10))
            }
            let call = try await client.open("Echo/echo", on: listener.peerID, form: .stream, deadline: nil)
            await #expect(throws: tooLong) { try await call.send(long) }
            #expect(dialer.openedStreamCount == 0)
            let item = try await Self.count(1, size: 101, client, listener)
            await #expect(throws: tooLong) { try await item.receive() }
        }
    }

    @Test func `survives any bytes`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let round = NIOLockedValueBox<UInt64>(0)
            let answer: @Sendable (any MuxedStream) async -> Void = { stream in
                _ = try? await stream.read()
                let seed = round.withLockedValue { round in
                    round += 1
                    return round
                }
                var random = SeededGenerator(seed: seed)
                var writer = BincodeWriter()
                StreamFrame.data("1", "x", isLast: false).write(to: &writer)
                var bytes = writer.buffer
                bytes.writeBytes(random.bytes(Int.random(in: 0..<60, using: &random)))
                try? await stream.write(bytes)
                try? await stream.closeWrite()
                while (try? await stream.read()) != nil {}
            }
            listener.handle(.latticaUnary, with: answer)
            listener.handle(.latticaStream, with: answer)
            for number in 0..<200 {
                let client = LatticaDialect.Client(host: dialer)
                await #expect(throws: RPCError.self) {
                    guard number.isMultiple(of: 2) else {
                        _ = try await client.unary(
                            "a/b",
                            on: listener.peerID,
                            request: ByteBuffer(),
                            deadline: .seconds(10)
                        )
                        return
                    }
                    let call = try await client.open(
                        "a/b",
                        on: listener.peerID,
                        form: .iterator,
                        deadline: .seconds(10)
                    )
                    try await call.finish()
                    while try await call.receive() != nil {}
                }
            }
        }
    }

    private static func count(
        _ count: UInt32,
        size: UInt32,
        _ client: LatticaDialect.Client,
        _ listener: MemoryHost
    ) async throws -> any RPCClientLeg {
        let call = try await client.open("Echo/count", on: listener.peerID, form: .iterator, deadline: .seconds(30))
        var request = ByteBuffer(integer: count)
        request.writeInteger(size)
        try await call.send(request)
        try await call.finish()
        return call
    }
}
