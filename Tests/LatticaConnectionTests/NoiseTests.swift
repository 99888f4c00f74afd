import Crypto
import FoundationEssentials
import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `Noise XX` {
    private func key(_ hex: String) throws -> Curve25519.KeyAgreement.PrivateKey {
        try .init(rawRepresentation: bytes(hex: hex))
    }

    @Test(arguments: NoiseVector.published.indices) func `follows the published vectors`(index: Int) throws {
        let vector = NoiseVector.published[index]
        var initiator = NoiseXX(
            role: .initiator,
            prologue: bytes(hex: vector.prologue),
            staticKey: try key(vector.initiatorStatic),
            ephemeralKey: try key(vector.initiatorEphemeral)
        )
        var responder = NoiseXX(
            role: .responder,
            prologue: bytes(hex: vector.prologue),
            staticKey: try key(vector.responderStatic),
            ephemeralKey: try key(vector.responderEphemeral)
        )
        for (index, (payload, ciphertext)) in vector.messages[..<3].enumerated() {
            let isInitiators = index % 2 == 0
            let payload = bytes(hex: payload)
            let message = try isInitiators ? initiator.write(payload: payload) : responder.write(payload: payload)
            #expect(message == bytes(hex: ciphertext))
            #expect(try (isInitiators ? responder.read(message) : initiator.read(message)) == payload)
        }
        #expect(initiator.isComplete && responder.isComplete)
        #expect(initiator.handshakeHash == responder.handshakeHash)
        if let hash = vector.handshakeHash { #expect(initiator.handshakeHash == bytes(hex: hash)) }
        var sides = [initiator.split(), responder.split()]
        for (index, (payload, ciphertext)) in vector.messages[3...].enumerated() {
            // After three messages of the handshake the turn is the responder's.
            let (writer, reader) = index % 2 == 0 ? (1, 0) : (0, 1)
            var output = ByteBuffer()
            try sides[writer].sending.seal(bytes(hex: payload), into: &output)
            #expect(Array(output.readableBytesView) == bytes(hex: ciphertext))
            #expect(try Array(sides[reader].receiving.open(bytes(hex: ciphertext))) == bytes(hex: payload))
        }
    }

    @Test func `a key of small order is refused`() throws {
        var responder = NoiseXX(role: .responder, staticKey: .init())
        _ = try responder.read([UInt8](repeating: 0, count: 32))
        #expect(throws: NoiseError.invalidKey) { try responder.write(payload: []) }
    }
}

@Suite struct `Noise handshake` {
    let alice = Keypair()
    let bob = Keypair()

    /// The messages of a whole handshake, and what came of it.
    static func run(
        _ initiator: inout NoiseHandshake,
        _ responder: inout NoiseHandshake,
        altering alter: (Int, inout ByteBuffer) -> Void = { _, _ in }
    ) throws -> (NoiseHandshake.Secured, NoiseHandshake.Secured) {
        var toResponder = try initiator.openingFlight()
        var toInitiator = ByteBuffer()
        alter(0, &toResponder)
        _ = try responder.receive(&toResponder, reply: &toInitiator)
        alter(1, &toInitiator)
        let first = try initiator.receive(&toInitiator, reply: &toResponder)
        alter(2, &toResponder)
        let second = try responder.receive(&toResponder, reply: &toInitiator)
        return (try #require(first), try #require(second))
    }

    @Test func `proves both identities, with messages as long as rust-libp2p's`() throws {
        var initiator = try NoiseHandshake(
            role: .initiator,
            keypair: alice,
            expectedPeer: PeerID(publicKey: bob.publicKey)
        )
        var responder = try NoiseHandshake(role: .responder, keypair: bob)
        var lengths: [Int] = []
        let (first, second) = try Self.run(&initiator, &responder) { lengths.append($1.readableBytes - 2) }
        #expect(first.remotePeer == PeerID(publicKey: bob.publicKey))
        #expect(second.remotePeer == PeerID(publicKey: alice.publicKey))
        #expect(lengths == [32, 200, 168])
    }

    @Test func `another peer than the one dialled is refused`() throws {
        let expected = PeerID(publicKey: alice.publicKey)
        var initiator = try NoiseHandshake(role: .initiator, keypair: alice, expectedPeer: expected)
        var responder = try NoiseHandshake(role: .responder, keypair: bob)
        let actual = PeerID(publicKey: bob.publicKey)
        #expect(throws: NoiseError.wrongPeer(expected: expected.description, actual: actual.description)) {
            _ = try Self.run(&initiator, &responder)
        }
    }

    @Test func `an identity proven for another key is refused`() throws {
        let message = try NoiseIdentity.make(for: [UInt8](repeating: 1, count: 32), signedBy: alice)
        #expect(throws: NoiseError.invalidSignature) {
            try NoiseIdentity.verify(message, of: [UInt8](repeating: 2, count: 32))
        }
    }

    @Test func `extensions in the identity message are passed over`() throws {
        let key = [UInt8](repeating: 1, count: 32)
        let message = try NoiseIdentity.make(for: key, signedBy: alice) + [0x22, 0x02, 0x12, 0x00]
        #expect(try NoiseIdentity.verify(message, of: key) == PeerID(publicKey: alice.publicKey))
    }

    @Test func `every part of an identity message is an error`() throws {
        let key = [UInt8](repeating: 1, count: 32)
        let message = try NoiseIdentity.make(for: key, signedBy: alice)
        for count in message.indices {
            #expect(throws: NoiseError.self) { try NoiseIdentity.verify(Array(message[..<count]), of: key) }
        }
    }

    @Test(arguments: 0..<100) func `a bit flipped in any message is found`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let victim = Int(seed % 3)
        var initiator = try NoiseHandshake(role: .initiator, keypair: alice)
        var responder = try NoiseHandshake(role: .responder, keypair: bob)
        #expect(throws: NoiseError.self) {
            _ = try Self.run(&initiator, &responder) { index, message in
                guard index == victim else { return }
                // Behind the length, whose damage only makes the other side wait.
                var bytes = Array(message.readableBytesView)
                let position = Int.random(in: 2..<bytes.count, using: &random)
                // The highest bit of a key means nothing in X25519, and yet is part of what is hashed.
                bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                message = ByteBuffer(bytes: bytes)
            }
        }
    }

    @Test(arguments: 0..<100) func `random bytes are an error or not enough`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for role in [NoiseXX.Role.initiator, .responder] {
            var side = try NoiseHandshake(role: role, keypair: alice)
            if role == .initiator { _ = try side.openingFlight() }
            var input = ByteBuffer(integer: UInt16.random(in: 0...300, using: &random))
            input.writeBytes(random.bytes(Int.random(in: 0...300, using: &random)))
            var reply = ByteBuffer()
            do throws(NoiseError) {
                let secured = try side.receive(&input, reply: &reply)
                #expect(secured?.remotePeer == nil)
            } catch {}
        }
    }
}

@Suite struct `Noise transport` {
    var (alice, bob): (NoiseTransport, NoiseTransport)

    init() throws {
        var initiator = try NoiseHandshake(role: .initiator, keypair: Keypair())
        var responder = try NoiseHandshake(role: .responder, keypair: Keypair())
        let (first, second) = try `Noise handshake`.run(&initiator, &responder)
        (alice, bob) = (first.transport, second.transport)
    }

    @Test(arguments: [0, 1, 65519, 65520, 200_000]) mutating func `carries any amount in messages of bounded length`(
        count: Int
    ) throws {
        var random = SeededGenerator(seed: 1)
        let sent = ByteBuffer(bytes: random.bytes(count))
        var rest = sent
        var wire = ByteBuffer()
        try alice.seal(&rest, into: &wire)
        #expect(wire.readableBytes == count + (count + 65518) / 65519 * 18)
        var received = ByteBuffer()
        // In two parts, cut anywhere.
        var part = wire.readSlice(length: wire.readableBytes / 3) ?? ByteBuffer()
        try bob.open(&part, into: &received)
        part.writeBuffer(&wire)
        try bob.open(&part, into: &received)
        #expect(received == sent)
        #expect(part.readableBytes == 0)
    }

    @Test(arguments: 0..<20) mutating func `takes messages however they are cut`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var sent = ByteBuffer()
        var wire = ByteBuffer()
        for _ in 0..<8 {
            let bytes = random.bytes(.random(in: 1...40, using: &random))
            var message = ByteBuffer(bytes: seed % 2 == 0 ? bytes : Array(repeating: bytes, count: 3000).flatMap { $0 })
            sent.writeImmutableBuffer(message)
            try alice.seal(&message, into: &wire)
        }
        let longest = seed % 2 == 0 ? 5 : 150_000
        var received = ByteBuffer()
        while wire.readableBytes > 0 {
            let count = min(wire.readableBytes, .random(in: 1...longest, using: &random))
            try bob.receive(wire.readSlice(length: count) ?? ByteBuffer(), into: &received)
        }
        #expect(received == sent)
    }

    @Test(arguments: 0..<50) mutating func `altered, repeated and invented messages are found`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var plaintext = ByteBuffer(string: "hello")
        var wire = ByteBuffer()
        try alice.seal(&plaintext, into: &wire)
        var bytes = Array(wire.readableBytesView)
        switch seed % 3 {
        case 0: bytes[Int.random(in: 2..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes += bytes
        default: bytes = [0, 40] + random.bytes(40)
        }
        var input = ByteBuffer(bytes: bytes)
        var output = ByteBuffer()
        #expect(throws: NoiseError.notAuthentic) { try bob.open(&input, into: &output) }
    }

    @Test mutating func `a message too short for its tag is an error`() {
        var input = ByteBuffer(bytes: [0, 3, 1, 2, 3])
        var output = ByteBuffer()
        #expect(throws: NoiseError.truncated) { try bob.open(&input, into: &output) }
    }
}
