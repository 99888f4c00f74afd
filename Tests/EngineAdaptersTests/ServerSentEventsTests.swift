import LatticeTesting
import Testing

@testable import EngineAdapters

@Suite struct `Server-sent events` {
    private func events(_ text: String, cutAt cuts: [Int] = []) throws -> [ServerSentEvent] {
        let bytes = Array(text.utf8)
        var parser = ServerSentEvents()
        var events: [ServerSentEvent] = []
        var start = 0
        for cut in cuts + [bytes.count] {
            events += try parser.append(bytes[start..<cut])
            start = cut
        }
        if let last = try parser.finish() { events.append(last) }
        return events
    }

    private func event(_ data: String, _ name: String = "") -> ServerSentEvent {
        ServerSentEvent(name: name, data: Array(data.utf8))
    }

    @Test(arguments: ["\n", "\r", "\r\n"]) func `take lines of every ending`(end: String) throws {
        let text = ["data: one", "", ": a comment", "event: named", "data: two", "data:three", "id: 7", "", ""]
        #expect(
            try events(text.joined(separator: end)) == [event("one"), event("two\nthree", "named")]
        )
    }

    @Test func `need no space, no colon and no empty line at the end`() throws {
        #expect(try events("data:a\n\ndata\n\ndata:  b") == [event("a"), event(""), event(" b")])
    }

    @Test func `without data are none`() throws {
        #expect(try events("event: ping\n\n\n\nretry: 3\n\n: x\n\n").isEmpty)
    }

    @Test func `may begin with a byte order mark`() throws {
        #expect(try events("\u{FEFF}data: a\n\n") == [event("a")])
    }

    @Test func `carry the errors of older llama-cpp servers`() throws {
        #expect(try events("error: {\"code\":500}\n\n") == [event(#"{"code":500}"#, "error")])
    }

    @Test func `are the same however the bytes are cut`() throws {
        let text = "\u{FEFF}event: a\r\ndata: é\r\n\r\n: c\n\ndata: {\"x\":1}\rdata: 2\r\rdata: [DONE]\n\n"
        let whole = try events(text)
        #expect(whole.count == 3)
        let length = text.utf8.count
        for first in 0...length {
            for second in first...length { #expect(try events(text, cutAt: [first, second]) == whole) }
        }
        #expect(try events(text, cutAt: Array(0...length)) == whole)
    }

    @Test func `have a bounded length`() throws {
        var long = ServerSentEvents(limit: 100)
        #expect(throws: EventStreamError.lineTooLong(limit: 100)) {
            for _ in 0..<20 { _ = try long.append(Array("data: 7890".utf8)) }
        }
        var many = ServerSentEvents(limit: 100)
        #expect(throws: EventStreamError.eventTooLong(limit: 100)) {
            for _ in 0..<20 { _ = try many.append(Array("data: 7890123456\n".utf8)) }
        }
        var tiny = ServerSentEvents(limit: 100)
        for _ in 0..<1000 { #expect(try tiny.append(Array("data: 7890123456\n\n".utf8)).count == 1) }
    }

    @Test func `of random bytes do no harm`() throws {
        var generator = SeededGenerator(seed: 11)
        let alphabet = Array("data: event error\r\n\r\n\n:[DONE]{}\u{FEFF}".utf8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<120, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? UInt8.random(in: .min ... .max, using: &generator)
                    : alphabet.randomElement(using: &generator) ?? 0
            }
            var whole = ServerSentEvents(limit: 64)
            var parts = ServerSentEvents(limit: 64)
            let expected = Result { try whole.append(bytes) + [whole.finish()].compactMap(\.self) }
            let found = Result {
                var events: [ServerSentEvent] = []
                for byte in bytes { events += try parts.append([byte]) }
                return try events + [parts.finish()].compactMap(\.self)
            }
            if case .success(let expected) = expected { #expect(try found.get() == expected) }
        }
    }
}
