import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `Yamux limits` {
    private func listener(_ change: (inout YamuxLimits) -> Void = { _ in }) -> YamuxSession {
        var limits = YamuxLimits()
        change(&limits)
        return YamuxSession(role: .listener, limits: limits)
    }

    @Test func `more than the window is an error`() throws {
        var session = listener()
        try session.receive(frame: .init(kind: .windowUpdate, flags: .syn, stream: 1, length: 0))
        #expect(throws: YamuxError.windowExceeded(stream: 1)) {
            try session.receive(frame: .init(kind: .data, stream: 1, length: UInt32(YamuxLimits.initialWindow + 1)))
        }
    }

    @Test func `a frame longer than the limit is refused before any of it has come`() throws {
        var session = listener()
        #expect(throws: YamuxError.frameTooLong(declared: .init(UInt32.max), limit: 1024 * 1024)) {
            try session.receive(frame: .init(kind: .data, flags: .syn, stream: 1, length: .max))
        }
    }

    @Test func `a window that overflows is an error`() throws {
        var session = listener()
        try session.receive(frame: .init(kind: .windowUpdate, flags: .syn, stream: 1, length: 0))
        #expect(throws: YamuxError.windowOverflow(stream: 1)) {
            try session.receive(frame: .init(kind: .windowUpdate, stream: 1, length: .max))
        }
    }

    @Test(arguments: [0, 2, 4] as [UInt32]) func `a stream under a number that is not the peer's is an error`(
        id: UInt32
    ) {
        var session = listener()
        #expect(throws: YamuxError.invalidStreamID(id)) {
            try session.receive(frame: .init(kind: .data, flags: .syn, stream: id, length: 0))
        }
    }

    @Test func `a stream opened twice is an error`() throws {
        var session = listener()
        try session.receive(frame: .init(kind: .data, flags: .syn, stream: 1, length: 0))
        #expect(throws: YamuxError.invalidStreamID(1)) {
            try session.receive(frame: .init(kind: .data, flags: .syn, stream: 1, length: 0))
        }
    }

    @Test func `other versions and types are errors`() {
        var session = listener()
        var version = ByteBuffer(bytes: [1] + [UInt8](repeating: 0, count: 11))
        #expect(throws: YamuxError.unsupportedVersion(1)) { try session.receive(&version) }
        var type = ByteBuffer(bytes: [0, 4] + [UInt8](repeating: 0, count: 10))
        #expect(throws: YamuxError.unknownType(4)) { try session.receive(&type) }
    }

    @Test func `one stream too many is reset, and the others live`() throws {
        var session = listener { $0.streams = 3 }
        for id in [1, 3, 5, 7] as [UInt32] {
            try session.receive(frame: .init(kind: .data, flags: .syn, stream: id, length: 1), [0])
        }
        #expect(session.liveStreams == 3)
        #expect(try session.sentHeaders().filter { $0.flags.contains(.rst) }.map(\.stream) == [7])
    }

    @Test func `a peer that opens and resets does not free the place before the handler is done`() throws {
        var session = listener { $0.streams = 3 }
        for id in [1, 3, 5] as [UInt32] {
            try session.receive(frame: .init(kind: .data, flags: .syn, stream: id, length: 0))
            try session.receive(frame: .init(kind: .data, flags: .rst, stream: id, length: 0))
        }
        #expect(session.liveStreams == 3)
        session.release(1)
        #expect(session.liveStreams == 2)
    }

    @Test func `this side stops at its limits too`() throws {
        var session = listener {
            $0.streams = 3
            $0.unacknowledgedStreams = 2
        }
        let first = try session.open()
        _ = try session.open()
        #expect(throws: YamuxRefusal.tooManyUnacknowledged(limit: 2)) { try session.open() }
        try session.receive(frame: .init(kind: .windowUpdate, flags: .ack, stream: first, length: 0))
        _ = try session.open()
        #expect(throws: YamuxRefusal.tooManyStreams(limit: 3)) { try session.open() }
    }

    @Test func `the stream that fills the memory of the connection is reset`() throws {
        var session = listener { $0.unreadBytes = 100 }
        try session.receive(
            frame: .init(kind: .data, flags: .syn, stream: 1, length: 80),
            .init(repeating: 0, count: 80)
        )
        try session.receive(
            frame: .init(kind: .data, flags: .syn, stream: 3, length: 30),
            .init(repeating: 0, count: 30)
        )
        #expect(session.unreadBytes == 80)
        #expect(session.events().contains(.overflowed(3)))
        #expect(session.read(3) == .closed)
    }

    @Test func `a peer that asks for answers and reads none is given up`() throws {
        var session = listener { $0.unsentAnswers = 1200 }
        for _ in 0..<100 { try session.receive(frame: .init(kind: .ping, flags: .syn, stream: 0, length: 1)) }
        #expect(throws: YamuxError.answersNotRead(limit: 1200)) {
            try session.receive(frame: .init(kind: .ping, flags: .syn, stream: 0, length: 1))
        }
    }

    @Test(arguments: 0..<300) func `random and damaged frames are errors or do no harm`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var session = listener { $0.unreadBytes = 100_000 }
        var input = ByteBuffer()
        for _ in 0..<40 {
            YamuxHeader(
                kind: YamuxHeader.Kind(rawValue: .random(in: 0...3, using: &random)) ?? .data,
                flags: .init(rawValue: .random(in: 0...15, using: &random)),
                stream: .random(in: 0...9, using: &random),
                length: .random(in: 0...2000, using: &random)
            ).write(to: &input)
            input.writeBytes(random.bytes(.random(in: 0...60, using: &random)))
        }
        if seed.isMultiple(of: 3) { input = ByteBuffer(bytes: random.bytes(300)) }
        do throws(YamuxError) {
            while var part = input.readSlice(length: min(input.readableBytes, .random(in: 1...50, using: &random))),
                part.readableBytes > 0
            {
                let left = input
                try session.receive(&part)
                // What a session leaves is the beginning of a header, and comes again with the next bytes.
                part.writeImmutableBuffer(left)
                input = part
                while let event = session.nextEvent() {
                    if case .readable(let id) = event, Bool.random(using: &random) { _ = session.read(id) }
                    if case .opened(let id) = event, Bool.random(using: &random) { session.release(id) }
                }
                if input.readableBytes < YamuxHeader.size { break }
            }
        } catch {}
        #expect(session.unreadBytes <= 100_000)
        #expect(session.liveStreams <= 5)
    }
}

@Suite struct `Yamux delivery` {
    /// Both sides open streams, write, read, close and carry parts of what they say, in an order that only chance decides.
    @Test(arguments: 0..<24) func `every interleaving delivers the same bytes within the windows`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var limits = YamuxLimits()
        limits.unsentBytes = 40_000
        var sessions = [YamuxSession(role: .dialer, limits: limits), YamuxSession(role: .listener, limits: limits)]
        var wires = [ByteBuffer(), ByteBuffer()]
        /// By direction (who writes) and stream.
        var toSend: [[UInt32: ByteBuffer]] = [[:], [:]]
        var expected: [[UInt32: [UInt8]]] = [[:], [:]]
        var received: [[UInt32: [UInt8]]] = [[:], [:]]
        var ended: [Set<UInt32>] = [[], []]
        var known: [Set<UInt32>] = [[], []]

        func give(_ id: UInt32, to side: Int) {
            guard known[side].insert(id).inserted else { return }
            let bytes = random.bytes(.random(in: 0...3, using: &random))
            let sent = bytes.flatMap { [UInt8](repeating: $0, count: Int.random(in: 0...150_000, using: &random)) }
            toSend[side][id] = ByteBuffer(bytes: sent)
            expected[side][id] = sent
        }

        for step in 0..<100_000 {
            let side = Int.random(in: 0...1, using: &random)
            if step < 12 {
                let id = try sessions[side].open()
                give(id, to: side)
            }
            // Write a part of what is to be written on any stream, and close behind the last.
            if let id = toSend[side].keys.sorted().randomElement(using: &random), var rest = toSend[side][id] {
                var part =
                    rest.readSlice(length: min(rest.readableBytes, .random(in: 0...90_000, using: &random)))
                    ?? ByteBuffer()
                switch sessions[side].write(id, &part) {
                case .done, .windowFull, .outputFull: part.writeBuffer(&rest)
                case .reset, .closed: Issue.record("a stream ended early, seed \(seed)")
                }
                toSend[side][id] = part
                if part.readableBytes == 0 {
                    sessions[side].closeWrite(id)
                    toSend[side][id] = nil
                }
            }
            // Carry a part of what was said.
            if var output = sessions[side].takeOutput() { wires[side].writeBuffer(&output) }
            if var part = wires[side].readSlice(
                length: min(wires[side].readableBytes, .random(in: 0...70_000, using: &random))
            ) {
                try sessions[1 - side].receive(&part)
                // The beginning of a header that was not taken goes back in front.
                part.writeBuffer(&wires[side])
                wires[side] = part
            }
            while let event = sessions[1 - side].nextEvent() {
                if case .opened(let id) = event { give(id, to: 1 - side) }
            }
            if let id = known[side].sorted().randomElement(using: &random) {
                switch sessions[side].read(id) {
                case .bytes(let bytes): received[side][id, default: []] += Array(bytes.readableBytesView)
                case .end: ended[side].insert(id)
                case .waiting: break
                case .reset, .closed: Issue.record("a stream ended early, seed \(seed)")
                }
            }
            #expect(sessions[side].unreadBytes <= known[side].count * YamuxLimits.initialWindow)
            if step > 12, ended[0].count == 12, ended[1].count == 12 { break }
        }
        #expect(ended[0].count == 12 && ended[1].count == 12, "seed \(seed)")
        for side in 0...1 {
            for (id, bytes) in expected[side] {
                #expect(received[1 - side][id, default: []] == bytes, "seed \(seed), stream \(id)")
            }
        }
    }
}
