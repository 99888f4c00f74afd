import LatticaCore
import LatticaProtocols
import LatticeTesting
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Identify` {
    static let keypair = Keypair()

    static var message: IdentifyMessage {
        get throws {
            IdentifyMessage(
                publicKey: keypair.publicKey,
                listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/1"), try Multiaddr("/ip6/::1/tcp/2")],
                protocols: [.identify, .ping],
                observedAddress: try Multiaddr("/ip4/127.0.0.1/tcp/52519"),
                protocolVersion: "/lattica/1.0.0",
                agentVersion: "lattice/1"
            )
        }
    }

    @Test func `a message reads as it was written`() throws {
        #expect(try IdentifyMessage(protobuf: Self.message.protobuf) == Self.message)
    }

    @Test func `a message has the fields of the specification`() throws {
        var reader = ProtobufReader(try Self.message.protobuf)
        var fields: [Int: [[UInt8]]] = [:]
        while let field = try reader.next() { fields[field.number, default: []].append(try field.bytes()) }
        #expect(fields[1] == [Self.keypair.publicKey.protobuf])
        #expect(fields[2]?.first == [0x04, 127, 0, 0, 1, 0x06, 0, 1])
        #expect(fields[3] == [Array("/ipfs/id/1.0.0".utf8), Array("/ipfs/ping/1.0.0".utf8)])
        #expect(fields[4] == [[0x04, 127, 0, 0, 1, 0x06, 0xcd, 0x27]])
        #expect(fields[5] == [Array("/lattica/1.0.0".utf8)])
        #expect(fields[6] == [Array("lattice/1".utf8)])
    }

    @Test func `a message with many addresses tells the first that fit`() throws {
        var message = try Self.message
        message.listenAddresses = (1...1000).map { Multiaddr([.ip4(IPv4Address(bits: 1)), .tcp(UInt16($0))]) }
        let bytes = message.protobuf
        #expect((4060...4094).contains(bytes.count))
        let heard = try IdentifyMessage(protobuf: bytes)
        #expect(heard.listenAddresses == Array(message.listenAddresses.prefix(heard.listenAddresses.count)))
        #expect(heard.protocols == message.protocols)
    }

    @Test func `addresses that are not understood are left out`() throws {
        var writer = ProtobufWriter()
        writer.bytes([0xff, 0x7f, 0x01], field: 2)
        writer.bytes(try Multiaddr("/memory/1").bytes, field: 2)
        writer.bytes([UInt8](), field: 4)
        let message = try IdentifyMessage(protobuf: writer.bytes)
        #expect(message.listenAddresses == [try Multiaddr("/memory/1")])
        #expect(message.observedAddress == nil)
    }

    @Test func `any bytes are a message or refused`() throws {
        var random = SeededGenerator(seed: 10)
        let valid = try Self.message.protobuf
        for length in valid.indices { _ = try? IdentifyMessage(protobuf: valid.prefix(length)) }
        for _ in 0..<1000 {
            var bytes = valid
            bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8(truncatingIfNeeded: random.next())
            if let message = try? IdentifyMessage(protobuf: bytes) {
                #expect(try IdentifyMessage(protobuf: message.protobuf) == message)
            }
            _ = try? IdentifyMessage(protobuf: random.bytes(Int.random(in: 0..<50, using: &random)))
        }
        #expect(throws: IdentifyError.tooLong(limit: .kibibytes(4))) {
            try IdentifyMessage(protobuf: [UInt8](repeating: 0, count: 4097))
        }
    }

    @Test func `a peer says who it is`() async throws {
        try await MemoryNetwork.withPair(chunk: 1) { dialer, listener in
            _ = IdentifyService(host: listener, local: { IdentifyMessage(agentVersion: "listener") })
            let service = IdentifyService(host: dialer, local: { IdentifyMessage() })
            let message = try await service.identify(listener.peerID)
            #expect(message.agentVersion == "listener")
            #expect(message.observedAddress?.peerID == dialer.peerID)
            try await eventually { listener.answeredStreamCount == 0 }
        }
    }

    @Test func `a push arrives and leaves the rest as it was`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let heard = NIOLockedValueBox<(PeerID, IdentifyMessage)?>(nil)
            _ = IdentifyService(host: listener, local: { IdentifyMessage() }) { peer, message in
                heard.withLockedValue { $0 = (peer, message) }
            }
            let service = IdentifyService(host: dialer, local: { IdentifyMessage(agentVersion: "pushed") })
            try await service.push(to: listener.peerID)
            try await eventually { heard.withLockedValue { $0 != nil } }
            let (peer, push) = try #require(heard.withLockedValue { $0 })
            #expect(peer == dialer.peerID)
            let updated = try Self.message.updated(by: push)
            #expect(updated.agentVersion == "pushed")
            #expect(try updated.listenAddresses == Self.message.listenAddresses)
        }
    }

    @Test func `a message for another peer is refused`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            _ = IdentifyService(host: listener, local: { IdentifyMessage(publicKey: Self.keypair.publicKey) })
            let service = IdentifyService(host: dialer, local: { IdentifyMessage() })
            await #expect(throws: IdentifyError.wrongPeer) { try await service.identify(listener.peerID) }
        }
    }

    @Test func `a peer that announces too much is refused before it is read`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            listener.handle(.identify) { stream in
                try? await stream.write(ByteBuffer(bytes: Varint.encode(4097)))
                try? await Task.sleep(for: .seconds(100))
            }
            let service = IdentifyService(host: dialer, local: { IdentifyMessage() })
            await #expect(throws: IdentifyError.tooLong(limit: .kibibytes(4))) {
                try await service.identify(listener.peerID)
            }
        }
    }

    @Test func `a silent peer is given up`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            listener.handle(.identify) { _ in try? await Task.sleep(for: .seconds(100)) }
            let clock = ManualClock()
            let service = IdentifyService(host: dialer, clock: clock, local: { IdentifyMessage() })
            async let message = service.identify(listener.peerID)
            try await clock.sleepers(atLeast: 1)
            clock.advance(by: .seconds(10))
            do {
                _ = try await message
                Issue.record("a silent peer was identified")
            } catch {
                #expect(error as? IdentifyError == .timedOut)
            }
        }
    }
}

@Suite struct `Protocol version` {
    @Test func `tells peers, common peers and strangers apart`() {
        let version = ProtocolVersion("/lattica/1.0.0")
        #expect(version == .lattica)
        #expect(version.standing(of: "/lattica/1.0.0") == .peer)
        #expect(version.standing(of: "/common/relay") == .common)
        #expect(version.standing(of: "/lattica/1.0.1") == .stranger)
        #expect(version.standing(of: "") == .stranger)
        #expect(version.standing(of: nil) == .stranger)
    }
}
