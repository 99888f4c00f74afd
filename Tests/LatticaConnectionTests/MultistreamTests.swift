import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `Multistream negotiation` {
    /// Lets both sides talk until neither has anything to say.
    static func settle(
        _ dialer: inout MultistreamNegotiation,
        _ listener: inout MultistreamNegotiation
    ) throws -> (dialer: MultistreamNegotiation.Outcome, listener: MultistreamNegotiation.Outcome) {
        var toListener = dialer.openingFlight()
        var toDialer = ByteBuffer()
        var outcomes = (MultistreamNegotiation.Outcome.pending, MultistreamNegotiation.Outcome.pending)
        while toListener.readableBytes > 0 || toDialer.readableBytes > 0 {
            outcomes.1 = try listener.receive(&toListener, reply: &toDialer)
            outcomes.0 = try dialer.receive(&toDialer, reply: &toListener)
        }
        return outcomes
    }

    @Test func `the first flight of a dialer is the one that rust-libp2p sends`() {
        let flight = MultistreamNegotiation(proposing: ["/noise"]).openingFlight()
        #expect(Array(flight.readableBytesView) == [0x13] + Array("/multistream/1.0.0\n\u{07}/noise\n".utf8))
    }

    @Test func `both sides agree on what the dialer prefers among what the listener knows`() throws {
        var dialer = MultistreamNegotiation(proposing: ["/a/2", "/a/1", "/b/1"])
        var listener = MultistreamNegotiation(answering: ["/a/1", "/b/1"])
        let outcomes = try Self.settle(&dialer, &listener)
        #expect(outcomes.dialer == .agreed("/a/1"))
        #expect(outcomes.listener == .agreed("/a/1"))
    }

    @Test func `a dialer is refused when nothing is known, and the listener goes on listening`() throws {
        var dialer = MultistreamNegotiation(proposing: ["/a/2", "/a/1"])
        var listener = MultistreamNegotiation(answering: ["/c"])
        let outcomes = try Self.settle(&dialer, &listener)
        #expect(outcomes.dialer == .refused)
        #expect(outcomes.listener == .pending)
    }

    @Test func `bytes behind the proposal are left for the protocol`() throws {
        var listener = MultistreamNegotiation(answering: ["/noise"])
        var input = MultistreamNegotiation(proposing: ["/noise"]).openingFlight()
        input.writeString("early data")
        var reply = ByteBuffer()
        #expect(try listener.receive(&input, reply: &reply) == .agreed("/noise"))
        #expect(input == ByteBuffer(string: "early data"))
    }

    @Test func `the list of protocols is one message of messages`() throws {
        var listener = MultistreamNegotiation(answering: ["/b", "/a"])
        var input = ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}ls\n")
        var reply = ByteBuffer()
        #expect(try listener.receive(&input, reply: &reply) == .pending)
        #expect(reply == ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{09}\u{03}/a\n\u{03}/b\n\n"))
    }

    @Test func `nothing is decided by a part of a message`() throws {
        let whole = Array(MultistreamNegotiation(proposing: ["/noise"]).openingFlight().readableBytesView)
        for count in 0..<whole.count {
            var listener = MultistreamNegotiation(answering: ["/noise"])
            var input = ByteBuffer(bytes: whole[..<count])
            var reply = ByteBuffer()
            #expect(try listener.receive(&input, reply: &reply) == .pending)
            input.writeBytes(whole[count...])
            #expect(try listener.receive(&input, reply: &reply) == .agreed("/noise"))
        }
    }

    private static let header = Array("\u{13}/multistream/1.0.0\n".utf8)

    private static let nonsense: [([UInt8], MultistreamError)] = [
        (header + [0x80, 0x09, 0x61, 0x61], .messageTooLong(limit: 1024)),
        (header + [0xff, 0xff, 0xff, 0xff, 0x0f], .messageTooLong(limit: 1024)),
        (header + [0x80, 0x80, 0x80], .messageTooLong(limit: 1024)),
        (header + [0x00], .malformed),
        (header + [0x02, 0xff, 0x0a], .malformed),
        (header + [0x02, 0x61, 0x61], .malformed),
        ([0x03, 0x68, 0x69, 0x0a], .notMultistream),
        // The beginning of something long, whose rest may never come.
        ([0x13, 0x2f, 0x6e], .notMultistream),
        ([0x80], .notMultistream),
        ("GET / HTTP/1.1\r\n\r\n".utf8 + [UInt8](repeating: 10, count: 80), .notMultistream),
    ]

    @Test(arguments: nonsense) func `what is not multistream-select is told apart`(
        bytes: [UInt8],
        error: MultistreamError
    ) {
        var listener = MultistreamNegotiation(answering: ["/noise"])
        var input = ByteBuffer(bytes: bytes)
        var reply = ByteBuffer()
        #expect(throws: error) { try listener.receive(&input, reply: &reply) }
    }

    @Test func `a dialer that guesses without end is stopped`() {
        var listener = MultistreamNegotiation(answering: [])
        var input = ByteBuffer(string: "\u{13}/multistream/1.0.0\n")
        for _ in 0...MultistreamNegotiation.mostProposals { input.writeString("\u{03}/x\n") }
        var reply = ByteBuffer()
        #expect(throws: MultistreamError.tooManyProposals) { try listener.receive(&input, reply: &reply) }
        #expect(reply.readableBytes < 200)
    }

    @Test func `a listener that echoes something else is found out`() {
        var dialer = MultistreamNegotiation(proposing: ["/a"])
        var input = ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}/b\n")
        var reply = ByteBuffer()
        #expect(throws: MultistreamError.unexpectedAnswer) { try dialer.receive(&input, reply: &reply) }
    }

    @Test(arguments: 0..<200) func `random and damaged bytes end in an outcome or a typed error`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = random.bytes(Int.random(in: 0...80, using: &random))
        if seed.isMultiple(of: 2) {
            bytes = Array(MultistreamNegotiation(proposing: ["/noise"]).openingFlight().readableBytesView)
            bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        for var side in [
            MultistreamNegotiation(answering: ["/noise"]), MultistreamNegotiation(proposing: ["/noise", "/tls"]),
        ] {
            var input = ByteBuffer(bytes: bytes)
            var reply = ByteBuffer()
            do throws(MultistreamError) {
                _ = try side.receive(&input, reply: &reply)
            } catch {}
            #expect(reply.readableBytes <= bytes.count + 64)
        }
    }
}
