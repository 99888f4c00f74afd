import LatticaCore
import LatticaProtocols
import Multiformats
import Testing

@Suite(.timeLimit(.minutes(30))) struct `Fuzzing codecs` {
    @Test func varint() throws {
        var fuzzer = Fuzzer("varint", seeds: [[0], [0x7f], [0x80, 1], [UInt8](repeating: 0xff, count: 9) + [1]])
        try fuzzer.run { input, _ in
            guard let (value, length) = try Varint.decode(input) else { return "more" }
            #expect(length == Varint.encodedLength(value))
            return "\(length)"
        }
    }

    @Test func multiaddr() throws {
        let texts = [
            "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
            "/ip6/::1/udp/4001/quic-v1", "/dns4/example.org/tcp/443/wss", "/dnsaddr/bootstrap.example.org",
            "/ip4/1.2.3.4/tcp/1/p2p-circuit", "/dns/a.b/tcp/80/ws",
        ]
        var fuzzer = Fuzzer("multiaddr", seeds: try texts.map { try Multiaddr($0).bytes })
        try fuzzer.run { input, _ in
            let address = try Multiaddr(bytes: input)
            #expect(address.bytes == input)
            #expect(try Multiaddr(address.description) == address)
            return address.components.map { "\($0)".prefix(4) }.joined()
        }
    }

    @Test func multiaddrText() throws {
        let texts = ["/ip4/127.0.0.1/tcp/4001", "/ip6/fe80::1/udp/1/quic-v1", "/dns/a/tcp/1/wss", "/memory/7"]
        var fuzzer = Fuzzer("multiaddr-text", seeds: texts.map { Array($0.utf8) })
        try fuzzer.run { input, _ in
            let address = try Multiaddr(String(decoding: input, as: UTF8.self))
            #expect(try Multiaddr(bytes: address.bytes) == address)
            return "\(address.components.count)"
        }
    }

    @Test func cid() throws {
        let text = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
        var fuzzer = Fuzzer("cid", seeds: [try CID(text).bytes])
        try fuzzer.run { input, _ in
            let cid = try CID(bytes: input)
            #expect(cid.bytes == input)
            #expect(try CID(cid.description) == cid)
            return "\(cid.version)"
        }
    }

    @Test func peerID() throws {
        let peer = Keypair().peerID
        var fuzzer = Fuzzer("peer-id", seeds: [Array(peer.description.utf8), peer.bytes])
        try fuzzer.run { input, _ in
            if let peer = try? PeerID(bytes: input) { #expect(peer.bytes == input) }
            let peer = try PeerID(text: String(decoding: input, as: UTF8.self))
            #expect(try PeerID(text: peer.description) == peer)
            return "peer"
        }
    }

    @Test func publicKey() throws {
        var fuzzer = Fuzzer("public-key", seeds: [Keypair().publicKey.protobuf])
        try fuzzer.run { input, _ in
            let key = try PublicKey(protobuf: input)
            _ = key.isValidSignature([UInt8](repeating: 0, count: 64), for: [1])
            return "key"
        }
    }

    @Test func signedEnvelope() throws {
        let envelope = try SignedEnvelope.seal(
            payload: [1, 2, 3],
            payloadType: [3, 1],
            domain: "test",
            with: Keypair()
        )
        var fuzzer = Fuzzer("signed-envelope", seeds: [envelope.protobuf])
        try fuzzer.run { input, _ in
            let envelope = try SignedEnvelope(protobuf: input)
            return "\(envelope.payload.count)"
        }
    }

    @Test func protobuf() throws {
        var writer = ProtobufWriter()
        writer.varint(.max, field: 1)
        writer.text("text", field: 2)
        writer.bytes([1, 2, 3], field: 3)
        var fuzzer = Fuzzer("protobuf", seeds: [writer.bytes])
        try fuzzer.run { input, _ in
            var reader = ProtobufReader(input)
            var fields = 0
            while let field = try reader.next() {
                fields += 1
                _ = try? field.text()
            }
            return "\(fields)"
        }
    }

    @Test func identify() throws {
        let introduction = IdentifyMessage(
            publicKey: Keypair().publicKey,
            listenAddresses: [try Multiaddr("/ip4/10.0.0.1/tcp/4001"), try Multiaddr("/ip6/::1/tcp/1/ws")],
            protocols: ["/ipfs/ping/1.0.0", "/ipfs/id/1.0.0"],
            observedAddress: try Multiaddr("/ip4/10.0.0.2/tcp/9"),
            protocolVersion: "/lattica/1.0.0",
            agentVersion: "agent"
        )
        var fuzzer = Fuzzer("identify", seeds: [introduction.protobuf])
        try fuzzer.run { input, _ in
            let message = try IdentifyMessage(protobuf: input)
            #expect(try IdentifyMessage(protobuf: message.protobuf) == message)
            return "\(message.listenAddresses.count)"
        }
    }
}
