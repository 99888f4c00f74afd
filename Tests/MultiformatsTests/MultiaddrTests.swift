import Foundation
import LatticeTesting
import Multiformats
import Testing

@Suite struct `Multiaddresses` {
    static let peer = "12D3KooWDMCQbZZvLgHiHntG1KwcHoqHPAxL37KvhgibWqFtpqUY"

    static let valid = [
        "/ip4/127.0.0.1/tcp/52519", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::1/tcp/443/wss", "/ip6/2001:db8::7/udp/4001",
        "/dns/example.org/tcp/443/tls/sni/example.org/ws", "/dns4/a/tcp/1", "/dns6/a/tcp/65535", "/dnsaddr/b.libp2p.io",
        "/unix/run/lattice.sock", "/memory/18446744073709551615", "/p2p/\(peer)", "/ip4/1.2.3.4/tcp/4001/p2p/\(peer)",
        "/ip4/1.2.3.4/tcp/4001/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC/p2p-circuit/p2p/\(peer)",
    ]

    @Test(arguments: valid) func `is the same as text and as bytes`(text: String) throws {
        let address = try Multiaddr(text)
        #expect(address.description == text)
        #expect(try Multiaddr(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        ("/ip4/127.0.0.1/tcp/52519", "047f00000106cd27"),
        ("/ip6/::1/udp/1/quic-v1", "2900000000000000000000000000000001910200 01cd03"),
        ("/dns4/ab/tcp/80/ws", "36026162060050dd03"),
        ("/dnsaddr/ab/p2p-circuit", "38026162a202"),
    ]) func `has the binary codes of the network`(text: String, hex: String) throws {
        let expected = hex.filter { $0 != " " }
        let bytes = try Multiaddr(text).bytes
        #expect(Multibase.base16.encodeBare(bytes) == expected)
    }

    @Test(
        arguments: [
            ("", .empty), ("ip4/1.2.3.4", .malformedText), ("/", .malformedText), ("/ip4/1.2.3.4/", .malformedText),
            ("//ip4/1.2.3.4", .malformedText), ("/ip4", .missingValue(protocol: "ip4")),
            ("/ip4/1.2.3", .invalidValue(protocol: "ip4")), ("/ip4/1.2.3.04", .invalidValue(protocol: "ip4")),
            ("/ip4/1.2.3.256", .invalidValue(protocol: "ip4")), ("/ip6/::1::", .invalidValue(protocol: "ip6")),
            ("/ip6/1:2:3:4:5:6:7:8:9", .invalidValue(protocol: "ip6")), ("/tcp/65536", .invalidValue(protocol: "tcp")),
            ("/tcp/+80", .invalidValue(protocol: "tcp")), ("/tcp/", .invalidValue(protocol: "tcp")),
            ("/udp/-1", .invalidValue(protocol: "udp")), ("/dns4/", .invalidValue(protocol: "dns4")),
            ("/dns4/a b", .invalidValue(protocol: "dns4")), ("/unix", .invalidValue(protocol: "unix")),
            ("/p2p/abc", .invalidValue(protocol: "p2p")), ("/onion/abc", .unknownProtocol("onion")),
            ("/ip4/1.2.3.4/P2P", .unknownProtocol("P2P")),
        ] as [(String, MultiaddrError)]
    ) func `refuses a text with the reason`(text: String, reason: MultiaddrError) {
        #expect(throws: reason) { try Multiaddr(text) }
    }

    @Test func `takes the old name of p2p and ids in CID form`() throws {
        let address = try Multiaddr("/ipfs/\(Self.peer)")
        #expect(address.description == "/p2p/\(Self.peer)")
        let id = CID(.libp2pKey, try Multihash(bytes: try #require(address.peerIDBytes)))
        #expect(try Multiaddr("/p2p/\(id)") == address)
    }

    @Test func `knows where it leads`() throws {
        let direct = try Multiaddr("/ip4/127.0.0.1/tcp/80/p2p/\(Self.peer)")
        #expect(direct.isLoopback)
        #expect(!direct.isRelayed)
        #expect(direct.peerIDBytes == (try Base58.decode(Self.peer)))
        #expect(direct.tcpEndpoint?.port == 80)
        #expect(direct.tcpEndpoint?.host == .ip4(IPv4Address(bits: 0x7f00_0001)))
        #expect(direct.withoutPeerID.description == "/ip4/127.0.0.1/tcp/80")
        #expect(direct.withoutPeerID.withoutPeerID == direct.withoutPeerID)
        let relayed = direct.appending(.p2pCircuit)
        #expect(relayed.isRelayed)
        #expect(relayed.peerIDBytes == nil)
        #expect(relayed.tcpEndpoint == nil)
        #expect(try Multiaddr("/ip4/1.2.3.4/tcp/80/ws").tcpEndpoint == nil)
        #expect(try Multiaddr("/dns6/a/tcp/80").tcpEndpoint?.host == .dns6("a"))
        #expect(try Multiaddr("/ip6/::/tcp/0").isUnspecified)
    }

    @Test(arguments: valid) func `refuses bytes that end too early`(text: String) throws {
        let bytes = try Multiaddr(text).bytes
        for length in 0..<bytes.count {
            // A prefix that ends between two layers is an address.
            if let shorter = try? Multiaddr(bytes: bytes.prefix(length)) {
                #expect(shorter.bytes == Array(bytes.prefix(length)))
            }
        }
    }

    @Test func `reads or refuses any bytes and any text`() throws {
        var random = SeededGenerator(seed: 5)
        let valid = try Self.valid.map { try Multiaddr($0).bytes }
        for _ in 0..<3000 {
            var bytes = random.bytes(Int.random(in: 0..<40, using: &random))
            if Bool.random(using: &random) {
                bytes = valid[Int.random(in: valid.indices, using: &random)]
                bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8(truncatingIfNeeded: random.next())
            }
            if let address = try? Multiaddr(bytes: bytes) {
                #expect(address.bytes == bytes)
                #expect(try Multiaddr(address.description) == address)
            }
            if let address = try? Multiaddr(String(decoding: bytes, as: UTF8.self)) {
                #expect(try Multiaddr(bytes: address.bytes) == address)
            }
        }
    }

    @Test func `bounds its length and its layers`() {
        let layers = String(repeating: "/ws", count: 33)
        #expect(throws: MultiaddrError.tooLong(limit: 32)) { try Multiaddr(layers) }
        #expect(throws: MultiaddrError.tooLong(limit: 2048)) { try Multiaddr(String(repeating: "/ws", count: 1000)) }
        #expect(throws: MultiaddrError.tooLong(limit: 1024)) {
            try Multiaddr(bytes: [UInt8](repeating: 4, count: 1025))
        }
        #expect(throws: MultiaddrError.truncated) { try Multiaddr(bytes: [0x36] + Varint.encode(.max)) }
    }

    @Test func `is text in JSON`() throws {
        let address = try Multiaddr("/ip4/127.0.0.1/tcp/1")
        let json = try JSONEncoder().encode([address])
        #expect(try JSONDecoder().decode([Multiaddr].self, from: json) == [address])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Multiaddr.self, from: Data("\"x\"".utf8)) }
    }
}

@Suite struct `Internet addresses` {
    /// The forms of RFC 5952.
    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("fe80:0000:0000:0000:0000:0000:0000:0001", "fe80::1"),
    ]) func `version 6 prints in its canonical form`(text: String, canonical: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:", "1:2:3:4::5:6:7:8", "12345::", "g::", "+1::",
        "::1.2.3", "1.2.3.4::", "::1%eth0", "::-1", "1::2::3",
    ]) func `version 6 refuses other text`(text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test func `version 6 gives back every address`() {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<1000 {
            var bits = UInt128.random(in: 0 ... .max, using: &random)
            // Zero groups are what the short form is about.
            for group in 0..<8 where Bool.random(using: &random) { bits &= ~(UInt128(0xffff) << UInt128(16 * group)) }
            #expect(IPv6Address(IPv6Address(bits: bits).description)?.bits == bits)
        }
    }

    @Test func `private addresses are known`() throws {
        for text in ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1"] {
            #expect(try #require(IPv4Address(text)).isPrivate, "\(text)")
        }
        for text in ["9.255.0.1", "172.32.0.1", "192.169.0.1", "100.128.0.1", "8.8.8.8"] {
            #expect(try !#require(IPv4Address(text)).isPrivate, "\(text)")
        }
        for text in ["fd00::1", "fc00::1", "fe80::1", "::ffff:10.0.0.1"] {
            #expect(try #require(IPv6Address(text)).isPrivate, "\(text)")
        }
        #expect(try !#require(IPv6Address("2001:db8::1")).isPrivate)
    }
}
