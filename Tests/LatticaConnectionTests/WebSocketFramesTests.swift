import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `WebSocket frames` {
    private typealias Event = WebSocketFrames.Event

    /// All events that some bytes give.
    private func events(_ bytes: [UInt8], isClient: Bool = false) throws(WebSocketError) -> [Event] {
        var frames = WebSocketFrames(isClient: isClient)
        var input = ByteBuffer(bytes: bytes)
        var events: [Event] = []
        while let event = try frames.next(&input) { events.append(event) }
        return events
    }

    private func error(_ bytes: [UInt8], isClient: Bool = false) -> WebSocketError? {
        do throws(WebSocketError) {
            _ = try events(bytes, isClient: isClient)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 200_000], [true, false])
    func `bytes come out as they went in`(count: Int, isClient: Bool) throws {
        var random = SeededGenerator(seed: UInt64(count))
        let bytes = random.bytes(count)
        let sender = WebSocketFrames(isClient: isClient)
        var receiver = WebSocketFrames(isClient: !isClient)
        var (input, output) = (ByteBuffer(), ByteBuffer())
        let sent = sender.frames(for: ByteBuffer(bytes: bytes))
        #expect(sent.allSatisfy { $0.readableBytes <= WebSocketFrames.longestSent + 14 })
        var rest = sent.reduce(into: [UInt8]()) { $0 += $1.readableBytesView }[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 1...40_000, using: &random))
            rest = rest.dropFirst(part.count)
            input.writeBytes(part)
            while case .bytes(let bytes)? = try receiver.next(&input) { output.writeImmutableBuffer(bytes) }
        }
        #expect(Array(output.readableBytesView) == bytes)
    }

    @Test func `a client masks, with another mask each time`() {
        let sender = WebSocketFrames(isClient: true)
        let payload = ByteBuffer(repeating: 7, count: 64)
        let frames = (0..<4).flatMap { _ in sender.frames(for: payload) }
        #expect(Set(frames.map { Array($0.readableBytesView) }).count == 4)
        #expect(frames.allSatisfy { $0.getInteger(at: $0.readerIndex + 1, as: UInt8.self) == 0x80 | 64 })
        #expect(payload == ByteBuffer(repeating: 7, count: 64))
    }

    @Test func `a masked frame as in RFC 6455`() throws {
        let hello: [UInt8] = [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        #expect(try events(hello) == [.bytes(ByteBuffer(string: "Hello"))])
    }

    @Test func `what comes byte by byte is passed on byte by byte`() throws {
        let frame = WebSocketFrames(isClient: true).frames(for: ByteBuffer(string: "Hello, world"))[0]
        var frames = WebSocketFrames(isClient: false)
        var input = ByteBuffer()
        var output = ""
        for byte in frame.readableBytesView {
            input.writeInteger(byte)
            guard case .bytes(let bytes)? = try frames.next(&input) else { continue }
            output += String(buffer: bytes)
            #expect(bytes.readableBytes == 1)
        }
        #expect(output == "Hello, world")
    }

    @Test func `a message may come in several frames, with a ping between`() throws {
        let bytes: [UInt8] = [0x02, 1, 65, 0x89, 2, 1, 2, 0x00, 1, 66, 0x80, 1, 67, 0x82, 1, 68]
        #expect(
            try events(bytes, isClient: true) == [
                .bytes(ByteBuffer(string: "A")), .ping(ByteBuffer(bytes: [1, 2])), .bytes(ByteBuffer(string: "B")),
                .bytes(ByteBuffer(string: "C")), .bytes(ByteBuffer(string: "D")),
            ]
        )
    }

    @Test func `control frames are told`() throws {
        #expect(try events([0x8a, 0], isClient: true) == [.pong])
        #expect(try events([0x88, 0], isClient: true) == [.close(code: nil)])
        #expect(try events([0x88, 4, 3, 0xe9, 66, 67], isClient: true) == [.close(code: 1001)])
        let server = WebSocketFrames(isClient: false)
        #expect(Array(server.close(code: 1000).readableBytesView) == [0x88, 2, 3, 0xe8])
        #expect(Array(server.pong(ByteBuffer(bytes: [9])).readableBytesView) == [0x8a, 1, 9])
    }

    @Test(
        arguments: [
            ([0xc2, 1, 0], .malformedFrame),  // a reserved bit
            ([0x83, 1, 0], .malformedFrame),  // an unknown kind
            ([0x81, 1, 65], .text),
            ([0x80, 1, 0], .malformedFrame),  // continues nothing
            ([0x02, 1, 0, 0x82, 1, 0], .malformedFrame),  // begins before the end
            ([0x09, 0], .malformedFrame),  // half a ping
            ([0x89, 126, 0, 126], .malformedFrame),  // a long ping
            ([0x88, 1, 3], .malformedFrame),  // half a code
            ([0x82, 0x81, 0, 0, 0, 0, 0], .malformedFrame),  // a server masks
            ([0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1], .frameTooLong(declared: 1_048_577, limit: 1_048_576)),
            ([0x82, 127] + [UInt8](repeating: 0xff, count: 8), .frameTooLong(declared: .max, limit: 1_048_576)),
        ] as [([UInt8], WebSocketError)]
    )
    func `what breaks the rules is refused`(bytes: [UInt8], expected: WebSocketError) {
        #expect(error(bytes, isClient: true) == expected)
    }

    @Test func `a client that does not mask is refused`() {
        #expect(error([0x82, 1, 0]) == .malformedFrame)
    }

    @Test func `every prefix of a frame waits`() throws {
        let frame = WebSocketFrames(isClient: true).frames(for: ByteBuffer(repeating: 1, count: 70_000))[0]
        for count in 0..<14 { #expect(try events(Array(frame.readableBytesView.prefix(count))).isEmpty) }
    }

    @Test(arguments: 0..<300) func `random bytes are refused or make some sense`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = WebSocketFrames(isClient: true).frames(for: ByteBuffer(bytes: random.bytes(100)))
            .flatMap { Array($0.readableBytesView) }
        for _ in 0..<3 { bytes[Int.random(in: 0..<10, using: &random)] = UInt8.random(in: 0...255, using: &random) }
        bytes += random.bytes(Int.random(in: 0..<2000, using: &random))
        for isClient in [true, false] {
            let output = (try? events(bytes, isClient: isClient)) ?? []
            let count = output.reduce(0) { if case .bytes(let bytes) = $1 { $0 + bytes.readableBytes } else { $0 } }
            #expect(count <= bytes.count)
        }
    }
}
