import LatticaCore
import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import LatticaRPC

@Suite(.timeLimit(.minutes(1))) struct `A server for Lattica's package` {
    @Test(arguments: [1, 64 << 10]) func `answers calls that share a stream, however they interleave`(
        chunk: Int
    ) async throws {
        try await withLattica(chunk: chunk) { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(
                .request("a", "Echo.secho"),
                .data("a", "hel", isLast: false),
                .request("b", "Echo.size"),
                .data("nobody", "x", isLast: true),
                .data("b", "four", isLast: true),
                .cancel(id: "nobody"),
                .data("a", "lo", isLast: true),
                .data("a", "late", isLast: true)
            )
            var answers: [String: String] = [:]
            var closed: Set<String> = []
            while closed.count < 2, let frame = try await calls.next() {
                switch frame {
                case .data(let id, let payload, _): answers[id, default: ""] += String(buffer: payload)
                case .close(let id): closed.insert(id)
                default: Issue.record("\(frame)")
                }
            }
            #expect(answers == ["a": "hello", "b": "4"])
            try await calls.stream.closeWrite()
            #expect(try await calls.next() == nil)
        }
    }

    @Test func `tells an iterator's items apart, without the mark, and closes`() async throws {
        try await withLattica { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(
                .request("r", "Echo.count"),
                .data(id: "r", payload: hex("00000003 00000006"), isLast: true)
            )
            for index in 0..<3 as Range<UInt8> {
                let item = ByteBuffer(bytes: [0, 0, 0, index, 0, 0])
                #expect(try await calls.next() == .data(id: "r", payload: item, isLast: false))
            }
            #expect(try await calls.next() == .close(id: "r"))
        }
    }

    @Test func `answers nothing with a bare close`() async throws {
        try await withLattica { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(.request("e", "Echo.secho"), .data("e", "", isLast: true))
            // A handler that is slow to return has its empty part sent.
            var frame = try await calls.next()
            if case .data(_, let payload, _) = frame, payload.readableBytes == 0 { frame = try await calls.next() }
            #expect(frame == .close(id: "e"))
        }
    }

    @Test func `tells failures in the package's words`() async throws {
        try await withLattica { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(.request("1", "Nope.x"), .data("1", "", isLast: true))
            #expect(try await calls.next() == .error(id: "1", text: "Service Nope not found"))
            try await calls.send(.request("2", "nodot"), .data("2", "", isLast: true))
            #expect(try await calls.next() == .error(id: "2", text: "Invalid method format"))
            try await calls.send(.request("3", "Echo.nope"), .data("3", "", isLast: true))
            #expect(try await calls.next() == .error(id: "3", text: "Stream method _handle_stream_nope not found"))
            #expect(try await calls.next() == .close(id: "3"))
            try await calls.send(.request("4", "Echo.fail"), .data("4", "boom", isLast: true))
            let text = "Failed to handle stream: RuntimeError: Stream method fail failed: boom"
            #expect(try await calls.next() == .error(id: "4", text: text))
            #expect(try await calls.next() == .close(id: "4"))
        }
    }

    @Test(
        arguments: [
            ("Nope.x", "Service Nope not found"), ("a.b.c", "Invalid method format"),
            ("Echo.nope", "Method _handle_nope not found"),
            ("Echo.fail", "Handler execution failed: RuntimeError: RPC method fail failed: boom"),
        ]
    ) func `tells failures of unary calls in the package's words`(method: String, text: String) async throws {
        try await withLattica { _, _, dialer, listener in
            let request = UnaryMessage.request(
                id: "i",
                method: method,
                data: ByteBuffer(string: "boom"),
                compression: .none
            )
            let answer = try await Self.exchange(request.encode(), dialer, listener)
            #expect(answer == .error(id: "i", text: text))
        }
    }

    @Test(arguments: Compression.allCases) func `restores compressed requests, and answers uncompressed`(
        compression: Compression
    ) async throws {
        try await withLattica { _, _, dialer, listener in
            let data = try compression.compress(ByteBuffer(repeating: 1, count: 5000))
            let request = UnaryMessage.request(id: "z", method: "Echo.size", data: data, compression: compression)
            let answer = try await Self.exchange(request.encode(), dialer, listener)
            #expect(answer == .response(id: "z", data: ByteBuffer(string: "5000"), compression: .none))
            guard compression != .none else { return }
            let broken = UnaryMessage.request(
                id: "z",
                method: "Echo.size",
                data: ByteBuffer(string: "xxxx"),
                compression: compression
            )
            guard case .error("z", let text) = try await Self.exchange(broken.encode(), dialer, listener) else {
                Issue.record("no error")
                return
            }
            #expect(text.hasPrefix("Failed to decompress request data: "))
        }
    }

    @Test func `refuses a bomb in a request`() async throws {
        try await withLattica { _, _, dialer, listener in
            let data = try Compression.zstd.compress(ByteBuffer(repeating: 0, count: 5 << 20))
            let request = UnaryMessage.request(id: "z", method: "Echo.size", data: data, compression: .zstd)
            let text = "Failed to decompress request data: the data is longer than 4 MiB"
            let answer = try await Self.exchange(request.encode(), dialer, listener)
            #expect(answer == .error(id: "z", text: text))
        }
    }

    @Test func `a request that does not decode ends without an answer`() async throws {
        try await withLattica { _, _, dialer, listener in
            for bytes in [ByteBuffer(), hex("00"), hex("07"), hex("01 00 00 00")] {
                await #expect(throws: StreamError.resetByPeer) { try await Self.exchange(bytes, dialer, listener) }
            }
        }
    }

    @Test func `calls over the limit of unary ones are dropped, others are told`() async throws {
        var bounds = LatticaDialect.Bounds(RPCLimits())
        bounds.unaryCallsPerPeer = 2
        bounds.callsPerPeer = 2
        let hold: Methods.Handler = { _ in try await Task.sleep(for: .seconds(1000)) }
        try await withLattica(["Echo/hold": hold], bounds: bounds) { _, server, dialer, listener in
            let request = UnaryMessage.request(id: "i", method: "Echo.hold", data: ByteBuffer(), compression: .none)
            var streams: [any MuxedStream] = []
            for _ in 0..<2 {
                let stream = try await dialer.openStream(to: listener.peerID, protocols: [.latticaUnary])
                try await stream.write(request.encode())
                try await stream.closeWrite()
                streams.append(stream)
            }
            try await eventually { server.load.unary == 2 }
            await #expect(throws: StreamError.resetByPeer) {
                try await Self.exchange(request.encode(), dialer, listener)
            }
            let calls = try await RawCalls(dialer, listener.peerID)
            for id in ["a", "b", "c"] { try await calls.send(.request(id, "Echo.hold"), .data(id, "", isLast: true)) }
            #expect(try await calls.next() == .error(id: "c", text: "too many calls are under way"))
            #expect(try await calls.next() == .close(id: "c"))
            try await calls.send(.cancel(id: "a"))
            #expect(try await calls.next() == .close(id: "a"))
            try await calls.send(.request("d", "Nope.x"))
            #expect(try await calls.next() == .error(id: "d", text: "Service Nope not found"))
            listener.disconnect()
        }
    }

    @Test func `a slow call holds up no other`() async throws {
        let slow: Methods.Handler = { leg in
            try await Task.sleep(for: .seconds(1000))
            try await leg.send(ByteBuffer())
        }
        try await withLattica(Methods.echo.merging(["Echo/slow": slow]) { $1 }) { client, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(.request("slow", "Echo.slow"), .data("slow", "", isLast: true))
            for number in 0..<20 {
                try await calls.send(.request("\(number)", "Echo.size"), .data("\(number)", "abc", isLast: true))
                guard case .data("\(number)", _, _) = try await calls.next() else {
                    Issue.record("no answer")
                    return
                }
                #expect(try await calls.next() == .close(id: "\(number)"))
            }
            calls.stream.reset()
        }
    }

    @Test func `cancelling stops the handler, and closes`() async throws {
        let isCancelled = NIOLockedValueBox(false)
        let endless: Methods.Handler = { leg in
            defer { isCancelled.withLockedValue { $0 = true } }
            while true { try await leg.send(ByteBuffer(repeating: 0, count: 1000)) }
        }
        try await withLattica(["Echo/endless": endless], window: 10_000) { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(.request("e", "Echo.endless"), .data("e", "", isLast: true))
            _ = try await calls.next()
            try await calls.send(.cancel(id: "e"))
            while let frame = try await calls.next(), frame != .close(id: "e") {}
            #expect(isCancelled.withLockedValue { $0 })
            // The stream goes on.
            try await calls.send(.request("f", "Nope.x"))
            #expect(try await calls.next() == .error(id: "f", text: "Service Nope not found"))
        }
    }

    @Test func `the loss of the stream stops every handler`() async throws {
        let (started, ended) = (NIOLockedValueBox(0), NIOLockedValueBox(0))
        let hold: Methods.Handler = { _ in
            started.withLockedValue { $0 += 1 }
            defer { ended.withLockedValue { $0 += 1 } }
            try await Task.sleep(for: .seconds(1000))
        }
        try await withLattica(["Echo/hold": hold]) { _, server, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            for id in ["a", "b", "c"] { try await calls.send(.request(id, "Echo.hold"), .data(id, "", isLast: true)) }
            try await eventually { started.withLockedValue { $0 == 3 } }
            calls.stream.reset()
            try await eventually { ended.withLockedValue { $0 == 3 } && server.load.streams == 0 }
        }
    }

    @Test func `a caller that does not read is not read, and holds a bounded amount`() async throws {
        let sent = NIOLockedValueBox(0)
        let flood: Methods.Handler = { leg in
            for _ in 0..<10_000 {
                try await leg.send(ByteBuffer(repeating: 0, count: 1000))
                sent.withLockedValue { $0 += 1 }
            }
        }
        var bounds = LatticaDialect.Bounds(RPCLimits())
        bounds.unsentBytes = 10_000
        bounds.itemBurst = .max
        try await withLattica(["Echo/flood": flood], bounds: bounds, window: 10_000) { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(.request("f", "Echo.flood"), .data("f", "", isLast: true))
            try await eventually { sent.withLockedValue { $0 > 15 } }
            #expect(sent.withLockedValue { $0 } < 45)
            var count = 0
            while case .data? = try await calls.next() { count += 1 }
            #expect(count == 10_000)
        }
    }

    @Test func `items after the burst go out at the rate of the clock`() async throws {
        let clock = ManualClock()
        var bounds = LatticaDialect.Bounds(RPCLimits())
        bounds.itemBurst = 32
        bounds.itemsPerSecond = 100
        try await withLattica(bounds: bounds, clock: clock) { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            try await calls.send(
                .request("r", "Echo.count"),
                .data(id: "r", payload: hex("00000050 00000004"), isLast: true)
            )
            for _ in 0..<48 { _ = try await calls.next() }
            // One sleeps for the items, one watches over the first.
            try await clock.sleepers(atLeast: 2)
            clock.advance(by: .milliseconds(160))
            for _ in 0..<16 { _ = try await calls.next() }
            try await clock.sleepers(atLeast: 1)
            clock.advance(by: .milliseconds(160))
            for _ in 0..<16 { _ = try await calls.next() }
            try await clock.sleepers(atLeast: 1)
            clock.advance(by: .milliseconds(160))
            #expect(try await calls.next() == .close(id: "r"))
        }
    }

    @Test func `a frame that announces 4 GiB, or does not decode, ends the stream`() async throws {
        try await withLattica { _, server, dialer, listener in
            for bytes in ["ffffffff", "00000000", "00000003 09 01 61", "00000002 00 05"] {
                let calls = try await RawCalls(dialer, listener.peerID)
                try await calls.stream.write(hex(bytes))
                await #expect(throws: StreamError.resetByPeer) { _ = try await calls.next() }
            }
            try await eventually { server.load.streams == 0 }
        }
    }

    @Test func `an argument over the limit fails its call alone`() async throws {
        var limits = RPCLimits()
        limits.maximumMessage = 1000
        try await withLattica(limits: limits) { _, _, dialer, listener in
            let calls = try await RawCalls(dialer, listener.peerID)
            let part = ByteBuffer(repeating: 0, count: 600)
            try await calls.send(
                .request("a", "Echo.size"),
                .data(id: "a", payload: part, isLast: false),
                .data(id: "a", payload: part, isLast: true)
            )
            #expect(try await calls.next() == .error(id: "a", text: "a message is longer than 1000 B"))
            #expect(try await calls.next() == .close(id: "a"))
            try await calls.send(.request("b", "Echo.size"), .data("b", "x", isLast: true))
            guard case .data("b", _, _) = try await calls.next() else {
                Issue.record("no answer")
                return
            }
        }
    }

    @Test func `a peer cannot make the server hold more than its share`() async throws {
        var bounds = LatticaDialect.Bounds(RPCLimits())
        bounds.bufferedBytesPerPeer = 100_000
        bounds.freeBytes = 0
        try await withLattica(bounds: bounds) { _, server, dialer, listener in
            var streams: [RawCalls] = []
            for _ in 0..<10 {
                let calls = try await RawCalls(dialer, listener.peerID)
                try await calls.stream.write(hex("00100000"))
                try? await calls.stream.write(ByteBuffer(repeating: 0, count: 40_000))
                streams.append(calls)
            }
            try await eventually { server.load.streams <= 2 }
            #expect(server.load.bufferedBytes <= 100_000)
            for calls in streams { calls.stream.reset() }
        }
    }

    @Test func `survives any bytes`() async throws {
        try await withLattica { _, server, dialer, listener in
            var random = SeededGenerator(seed: 61)
            var writer = BincodeWriter()
            StreamFrame.request("a", "Echo.secho").write(to: &writer)
            StreamFrame.data("a", "hello", isLast: true).write(to: &writer)
            let whole = Array(buffer: writer.buffer)
            for round in 0..<300 {
                let isUnary = round.isMultiple(of: 2)
                let stream = try await dialer.openStream(
                    to: listener.peerID,
                    protocols: [isUnary ? .latticaUnary : .latticaStream]
                )
                var bytes = round.isMultiple(of: 3) ? random.bytes(Int.random(in: 0..<60, using: &random)) : whole
                if !bytes.isEmpty { bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8(round % 8) }
                try? await stream.write(ByteBuffer(bytes: bytes))
                try? await stream.closeWrite()
            }
            try await eventually { server.load.unary == 0 && server.load.streams == 0 }
        }
    }

    static func exchange(_ bytes: ByteBuffer, _ dialer: MemoryHost, _ listener: MemoryHost) async throws -> UnaryMessage
    {
        let stream = try await dialer.openStream(to: listener.peerID, protocols: [.latticaUnary])
        try await stream.write(bytes)
        try await stream.closeWrite()
        var answer = ByteBuffer()
        while let part = try await stream.read() { answer.appendOrTake(part) }
        return try UnaryMessage(answer)
    }
}
