import Foundation
import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(30))) struct `Fuzzing connections` {
    private static let protocols: [ProtocolID] = ["/noise", "/tls/1.0.0", "/yamux/1.0.0"]

    private static func flights(_ protocols: [ProtocolID]) -> [[UInt8]] {
        protocols.map { Array(buffer: MultistreamNegotiation(proposing: [$0]).openingFlight()) }
    }

    /// Cuts the input into pieces at random, as a network does.
    private static func deliver(
        _ input: [UInt8],
        _ random: inout SeededGenerator,
        _ take: (inout ByteBuffer) throws -> Void
    ) throws {
        var rest = input[...]
        var held = ByteBuffer()
        while !rest.isEmpty {
            let count = Bool.random(using: &random) ? rest.count : Int.random(in: 1...rest.count, using: &random)
            held.writeBytes(rest.prefix(count))
            rest = rest.dropFirst(count)
            try take(&held)
        }
    }

    @Test func multistreamListener() throws {
        var fuzzer = Fuzzer("multistream-listener", seeds: Self.flights(Self.protocols + ["/x"]))
        try fuzzer.run { input, random in
            var negotiation = MultistreamNegotiation(answering: Set(Self.protocols))
            var reply = ByteBuffer()
            var outcome = MultistreamNegotiation.Outcome.pending
            try Self.deliver(input, &random) { held in
                guard outcome == .pending else { return }
                outcome = try negotiation.receive(&held, reply: &reply)
            }
            // An answer is never longer than a list of all names for each few bytes asked.
            #expect(reply.readableBytes <= 64 * (input.count + 1))
            return "\(outcome)"
        }
    }

    @Test func multistreamDialer() throws {
        var answers = Self.flights(Self.protocols)
        answers.append(Array("\u{13}/multistream/1.0.0\n\u{3}na\n\u{3}na\n".utf8))
        var fuzzer = Fuzzer("multistream-dialer", seeds: answers)
        try fuzzer.run { input, random in
            var negotiation = MultistreamNegotiation(proposing: Self.protocols)
            var reply = ByteBuffer()
            var outcome = MultistreamNegotiation.Outcome.pending
            try Self.deliver(input, &random) { held in
                guard outcome == .pending else { return }
                outcome = try negotiation.receive(&held, reply: &reply)
            }
            return "\(outcome)"
        }
    }

    @Test func noiseResponder() throws {
        var dialer = try NoiseHandshake(role: .initiator, keypair: Keypair())
        var fuzzer = Fuzzer("noise-responder", seeds: [Array(buffer: try dialer.openingFlight())])
        let keypair = Keypair()
        try fuzzer.run { input, random in
            var handshake = try NoiseHandshake(role: .responder, keypair: keypair)
            var reply = ByteBuffer()
            try Self.deliver(input, &random) { held in
                let secured = try handshake.receive(&held, reply: &reply)
                #expect(secured == nil)
            }
            return "\(reply.readableBytes)"
        }
    }

    @Test func noiseInitiator() throws {
        let (keypair, other) = (Keypair(), Keypair())
        var fuzzer = Fuzzer("noise-initiator", seeds: [[0, 32] + [UInt8](repeating: 9, count: 32)])
        try fuzzer.run { input, random in
            var handshake = try NoiseHandshake(role: .initiator, keypair: keypair)
            // Now and then a true answer, so that what follows it is reached.
            var responder = try NoiseHandshake(role: .responder, keypair: other)
            var flight = try handshake.openingFlight()
            var answer = ByteBuffer()
            _ = try responder.receive(&flight, reply: &answer)
            var reply = ByteBuffer()
            let start = Bool.random(using: &random) ? Array(buffer: answer) : []
            var isSecured = false
            try Self.deliver(start + input, &random) { held in
                guard !isSecured else { return }
                isSecured = try handshake.receive(&held, reply: &reply) != nil
            }
            return "\(isSecured)"
        }
    }

    @Test func noiseTransport() throws {
        let key = [UInt8](repeating: 7, count: 32)
        func transport() -> NoiseTransport { NoiseTransport(sending: .init(key: key), receiving: .init(key: key)) }
        var sender = transport()
        var (text, sealed) = (ByteBuffer(string: "hello"), ByteBuffer())
        try sender.seal(&text, into: &sealed)
        var fuzzer = Fuzzer("noise-transport", seeds: [Array(buffer: sealed), [0, 0], [0, 16], [255, 255]])
        try fuzzer.run { input, random in
            var receiver = transport()
            var plaintext = ByteBuffer()
            try Self.deliver(input, &random) { try receiver.open(&$0, into: &plaintext) }
            #expect(plaintext.readableBytes <= input.count)
            return "\(plaintext.readableBytes)"
        }
    }

    @Test(arguments: [true, false]) func yamux(isDialer: Bool) throws {
        func header(_ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags, _ stream: UInt32, _ length: UInt32) -> [UInt8]
        {
            var buffer = ByteBuffer()
            YamuxHeader(kind: kind, flags: flags, stream: stream, length: length).write(to: &buffer)
            return Array(buffer: buffer)
        }
        let id: UInt32 = isDialer ? 2 : 1
        var fuzzer = Fuzzer(
            isDialer ? "yamux-dialer" : "yamux-listener",
            seeds: [
                header(.data, .syn, id, 3) + [1, 2, 3] + header(.data, .fin, id, 0),
                header(.windowUpdate, .syn, id, 100) + header(.windowUpdate, [], id, 1 << 30),
                header(.ping, .syn, 0, 7) + header(.ping, .ack, 0, 7) + header(.goAway, [], 0, 0),
                header(.data, .syn, id + 2, 1) + [9] + header(.data, .rst, id + 2, 0),
                header(.data, .ack, isDialer ? 1 : 2, 2) + [1, 2] + header(.windowUpdate, .ack, isDialer ? 1 : 2, 9),
            ]
        )
        try fuzzer.run { input, random in
            var limits = YamuxLimits()
            limits.streams = 8
            limits.unreadBytes = 1024
            var session = YamuxSession(role: isDialer ? .dialer : .listener, limits: limits)
            var ids: Set<UInt32> = [try session.open()]
            var events = 0
            var choices = SeededGenerator(seed: random.next())
            try Self.deliver(input, &random) { held in
                try session.receive(&held)
                while let event = session.nextEvent() {
                    events += 1
                    if case .opened(let id) = event { ids.insert(id) }
                    guard let id = ids.randomElement(using: &choices) else { continue }
                    switch Int.random(in: 0..<5, using: &choices) {
                    case 0: _ = session.read(id)
                    case 1:
                        var bytes = ByteBuffer(repeating: 1, count: 100)
                        _ = session.write(id, &bytes)
                    case 2: session.closeWrite(id)
                    case 3: session.release(id)
                    default: _ = session.takeOutput()
                    }
                }
                #expect(session.unreadBytes <= limits.unreadBytes)
                #expect(session.liveStreams <= limits.streams)
                #expect(session.unsentBytes <= limits.unsentAnswers + limits.unsentBytes + 64 * 1024)
            }
            return "\(events) \(session.liveStreams)"
        }
    }

    @Test func upgradeOfAListener() throws {
        var dialer = try ConnectionUpgrade(role: .dialer, keypair: Keypair())
        let keypair = Keypair()
        var fuzzer = Fuzzer(
            "upgrade-listener",
            seeds: [Array(buffer: try dialer.openingFlight())] + Self.flights(Self.protocols)
        )
        try fuzzer.run { input, random in
            var upgrade = try ConnectionUpgrade(role: .listener, keypair: keypair)
            var reply = ByteBuffer()
            try Self.deliver(input, &random) { held in
                let upgraded = try upgrade.receive(&held, reply: &reply)
                #expect(upgraded == nil)
            }
            return "\(reply.readableBytes)"
        }
    }

    @Test func certificate() throws {
        let now = Date()
        let certificate = try TLSCertificate(for: Keypair(), at: now)
        var fuzzer = Fuzzer("tls-certificate", seeds: [certificate.der])
        try fuzzer.run { input, _ in "\(try TLSCertificate.verify(der: input, at: now))" }
    }

    @Test func preSharedKey() throws {
        let text = "/key/swarm/psk/1.0.0/\n/base16/\n" + String(repeating: "0f", count: 32) + "\n"
        var fuzzer = Fuzzer("pre-shared-key", seeds: [Array(text.utf8)])
        try fuzzer.run { input, _ in
            _ = try PreSharedKey(text: String(decoding: input, as: UTF8.self))
            return "key"
        }
    }

    @Test(arguments: [true, false]) func webSocketFrames(isClient: Bool) throws {
        var payload = ByteBuffer(string: "hello")
        let other = WebSocketFrames(isClient: !isClient)
        let frames = other.frames(for: payload) + [other.pong(payload), other.close(code: 1000)]
        payload.clear()
        for frame in frames { payload.writeImmutableBuffer(frame) }
        var fuzzer = Fuzzer(isClient ? "websocket-client" : "websocket-server", seeds: [Array(buffer: payload)])
        try fuzzer.run { input, random in
            var frames = WebSocketFrames(isClient: isClient)
            var (events, length) = (0, 0)
            try Self.deliver(input, &random) { held in
                while let event = try frames.next(&held) {
                    events += 1
                    if case .bytes(let bytes) = event { length += bytes.readableBytes }
                }
            }
            #expect(length <= input.count)
            return "\(events)"
        }
    }

    @Test func webSocketHandshake() throws {
        let request =
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        var fuzzer = Fuzzer("websocket-handshake", seeds: [Array(request.utf8)])
        try fuzzer.run { input, random in
            var handshake = WebSocketHandshake()
            var reply = ByteBuffer()
            var isOpen = false
            try Self.deliver(input, &random) { held in
                guard !isOpen else { return }
                isOpen = try handshake.receive(&held, reply: &reply)
            }
            return "\(isOpen)"
        }
    }
}
