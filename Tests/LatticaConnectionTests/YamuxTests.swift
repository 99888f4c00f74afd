import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

/// Two sessions and the bytes between them.
struct YamuxPair {
    var dialer: YamuxSession
    var listener: YamuxSession

    init(limits: YamuxLimits = .init()) {
        dialer = YamuxSession(role: .dialer, limits: limits)
        listener = YamuxSession(role: .listener, limits: limits)
    }

    /// Carries everything both ways until there is nothing left.
    mutating func exchange() throws {
        while true {
            let (forward, back) = (dialer.takeOutput(), listener.takeOutput())
            if var forward { try listener.receive(&forward) }
            if var back { try dialer.receive(&back) }
            if forward == nil, back == nil { return }
        }
    }

    /// A stream that both sides know.
    mutating func open() throws -> UInt32 {
        let id = try dialer.open()
        var hello = ByteBuffer(string: "hello")
        #expect(dialer.write(id, &hello) == .done)
        try exchange()
        #expect(listener.events() == [.opened(id), .readable(id)])
        #expect(listener.read(id) == .bytes(ByteBuffer(string: "hello")))
        return id
    }
}

extension YamuxSession {
    mutating func events() -> [Event] {
        var all: [Event] = []
        while let event = nextEvent() { all.append(event) }
        return all
    }

    mutating func receive(frame header: YamuxHeader, _ body: [UInt8] = []) throws {
        var input = ByteBuffer()
        header.write(to: &input)
        input.writeBytes(body)
        try receive(&input)
    }

    mutating func sentHeaders() throws -> [YamuxHeader] {
        var all: [YamuxHeader] = []
        guard var output = takeOutput() else { return [] }
        while let header = try YamuxHeader(reading: &output) {
            all.append(header)
            if header.kind == .data { output.moveReaderIndex(forwardBy: Int(header.length)) }
        }
        return all
    }
}

@Suite struct `Yamux session` {
    var pair = YamuxPair()

    @Test mutating func `opens a stream with the first data and accepts it with the first answer`() throws {
        let id = try pair.dialer.open()
        #expect(id == 1)
        #expect(pair.dialer.takeOutput() == nil)
        var bytes = ByteBuffer(string: "hi")
        #expect(pair.dialer.write(id, &bytes) == .done)
        var output = pair.dialer.takeOutput() ?? ByteBuffer()
        #expect(output == ByteBuffer(bytes: [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0x68, 0x69]))
        try pair.listener.receive(&output)
        var answer = ByteBuffer(string: "ho")
        #expect(pair.listener.write(id, &answer) == .done)
        #expect(try pair.listener.sentHeaders() == [.init(kind: .data, flags: .ack, stream: 1, length: 2)])
    }

    @Test mutating func `accepts a stream even when there is nothing to say`() throws {
        try pair.listener.receive(frame: .init(kind: .windowUpdate, flags: .syn, stream: 1, length: 0))
        #expect(pair.listener.events() == [.opened(1)])
        #expect(try pair.listener.sentHeaders() == [.init(kind: .windowUpdate, flags: .ack, stream: 1, length: 0)])
        #expect(try pair.listener.sentHeaders() == [])
    }

    @Test mutating func `the two sides give numbers of their own`() throws {
        #expect(try [pair.dialer.open(), pair.dialer.open()] == [1, 3])
        #expect(try [pair.listener.open(), pair.listener.open()] == [2, 4])
    }

    @Test mutating func `a writer stops at the window, and goes on once half of it has been read`() throws {
        let id = try pair.open()
        var sent = ByteBuffer(repeating: 7, count: 600_000)
        var received = 0
        var refills = 0
        while sent.readableBytes > 0 || received < 600_000 {
            // The output is smaller than the window, so it takes a few turns to fill it.
            while pair.dialer.write(id, &sent) == .outputFull { try pair.exchange() }
            try pair.exchange()
            #expect(pair.listener.unreadBytes <= YamuxLimits.initialWindow)
            guard case .bytes(let part) = pair.listener.read(id) else { break }
            received += part.readableBytes
            refills += try pair.listener.sentHeadersKeepingOutput(to: &pair.dialer)
        }
        #expect(received == 600_000)
        #expect(refills > 0)
    }

    @Test mutating func `each direction closes on its own`() throws {
        let id = try pair.open()
        pair.dialer.closeWrite(id)
        try pair.exchange()
        #expect(pair.listener.read(id) == .end)
        var late = ByteBuffer(string: "late")
        #expect(pair.dialer.write(id, &late) == .closed)
        var answer = ByteBuffer(string: "still here")
        #expect(pair.listener.write(id, &answer) == .done)
        pair.listener.closeWrite(id)
        try pair.exchange()
        #expect(pair.dialer.read(id) == .bytes(ByteBuffer(string: "still here")))
        #expect(pair.dialer.read(id) == .end)
        #expect(pair.dialer.liveStreams == 0)
    }

    @Test mutating func `what came before a reset can still be read`() throws {
        let id = try pair.open()
        var last = ByteBuffer(string: "last words")
        #expect(pair.dialer.write(id, &last) == .done)
        pair.dialer.release(id)
        try pair.exchange()
        #expect(pair.listener.events() == [.readable(id), .reset(id)])
        #expect(pair.listener.read(id) == .bytes(ByteBuffer(string: "last words")))
        #expect(pair.listener.read(id) == .reset)
        var answer = ByteBuffer(string: "what?")
        #expect(pair.listener.write(id, &answer) == .reset)
    }

    @Test mutating func `a reset behind the end does not spoil what was sent`() throws {
        let id = try pair.open()
        var last = ByteBuffer(string: "identify")
        #expect(pair.dialer.write(id, &last) == .done)
        pair.dialer.closeWrite(id)
        pair.dialer.release(id)
        try pair.exchange()
        #expect(pair.listener.read(id) == .bytes(ByteBuffer(string: "identify")))
        #expect(pair.listener.read(id) == .end)
    }

    @Test mutating func `a stream that was never spoken of ends without a word`() throws {
        let id = try pair.dialer.open()
        pair.dialer.release(id)
        #expect(pair.dialer.takeOutput() == nil)
        #expect(pair.dialer.liveStreams == 0)
        #expect(pair.dialer.unacknowledgedStreams == 0)
    }

    @Test mutating func `frames for a stream that has been let go are passed over`() throws {
        let id = try pair.open()
        pair.listener.release(id)
        _ = pair.listener.takeOutput()
        try pair.listener.receive(frame: .init(kind: .data, stream: id, length: 3), [1, 2, 3])
        try pair.listener.receive(frame: .init(kind: .windowUpdate, stream: id, length: 3))
        #expect(pair.listener.events() == [])
        #expect(pair.listener.unreadBytes == 0)
    }

    @Test mutating func `a ping is answered, and its answer is told`() throws {
        pair.dialer.ping(0xdead_beef)
        try pair.exchange()
        #expect(pair.dialer.events() == [.pong(0xdead_beef)])
        // An answer that nobody asked for is passed over.
        try pair.dialer.receive(frame: .init(kind: .ping, flags: .ack, stream: 0, length: 1))
        #expect(pair.dialer.events() == [])
    }

    @Test mutating func `after a go-away no stream is opened, and those open go on`() throws {
        let id = try pair.open()
        pair.listener.goAway(.normal)
        try pair.exchange()
        #expect(pair.dialer.events() == [.goneAway(code: 0)])
        #expect(throws: YamuxRefusal.goingAway) { try pair.dialer.open() }
        var more = ByteBuffer(string: "more")
        #expect(pair.dialer.write(id, &more) == .done)
        try pair.exchange()
        #expect(pair.listener.read(id) == .bytes(ByteBuffer(string: "more")))
    }
}

extension YamuxSession {
    /// Delivers the output and counts the frames in it.
    mutating func sentHeadersKeepingOutput(to other: inout YamuxSession) throws -> Int {
        guard var output = takeOutput() else { return 0 }
        let count = output.readableBytes / YamuxHeader.size
        try other.receive(&output)
        return count
    }
}
