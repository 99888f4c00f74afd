import LatticaCore
import LatticeTesting
import Multiformats
import Testing

@testable import Lattica

@Suite struct `Addresses behind a name` {
    static let peer = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
    static let other = "QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb"
    static let bounds = DNSAddrWalk.Bounds(depth: 4, names: 32, addresses: 100)

    /// Plays a walk over records that do not change, and tells what was asked, in order.
    static func walk(
        _ addresses: [String],
        _ records: [String: [String]],
        bounds: DNSAddrWalk.Bounds = bounds
    ) throws -> (found: [String], failures: [DNSAddrError], asked: [String]) {
        var walk = DNSAddrWalk(bounds)
        var open = walk.start(try addresses.map { try Multiaddr($0) })
        var asked: [String] = []
        while !open.isEmpty {
            let question = open.removeFirst()
            asked.append(question.name)
            if let texts = records[question.host] {
                open += walk.answered(question, with: texts)
            } else {
                walk.failed(question, .noSuchName)
            }
        }
        return (walk.found.map(\.description), walk.failures, asked)
    }

    @Test func `are those that end in the peer that was asked for`() throws {
        let records = [
            "dnsaddr=/ip4/192.0.2.1/tcp/4001/p2p/\(Self.peer)", "dnsaddr=/ip4/192.0.2.2/tcp/4001/p2p/\(Self.other)",
            "dnsaddr=/dns4/a.example/tcp/443/wss/p2p/\(Self.peer)", "dnsaddr=/ip4/192.0.2.3/tcp/4001",
        ]
        let one = try Self.walk(["/dnsaddr/example.org/p2p/\(Self.peer)"], ["example.org": records])
        #expect(one.asked == ["_dnsaddr.example.org"])
        #expect(one.found == [records[0], records[2]].map { String($0.dropFirst(8)) })
        #expect(one.failures.isEmpty)
        let all = try Self.walk(["/dnsaddr/example.org"], ["example.org": records])
        #expect(all.found == records.map { String($0.dropFirst(8)) })
    }

    @Test func `may lead over other names`() throws {
        let found = try Self.walk(
            ["/dnsaddr/example.org/p2p/\(Self.peer)"],
            [
                "example.org": [
                    "dnsaddr=/dnsaddr/west.example.org/p2p/\(Self.peer)",
                    "dnsaddr=/dnsaddr/east.example.org/p2p/\(Self.other)",
                ],
                "west.example.org": ["dnsaddr=/ip6/2001:db8::1/tcp/1/p2p/\(Self.peer)"],
                "east.example.org": ["dnsaddr=/ip6/2001:db8::2/tcp/1/p2p/\(Self.other)"],
            ]
        )
        #expect(found.asked == ["_dnsaddr.example.org", "_dnsaddr.west.example.org"])
        #expect(found.found == ["/ip6/2001:db8::1/tcp/1/p2p/\(Self.peer)"])
        #expect(found.failures.isEmpty)
    }

    @Test func `keep what stands behind the peer`() throws {
        let relayed = "/p2p/\(Self.peer)/p2p-circuit/p2p/\(Self.other)"
        let found = try Self.walk(
            ["/dnsaddr/example.org" + relayed],
            ["example.org": ["dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/\(Self.peer)"]]
        )
        #expect(found.found == ["/ip4/192.0.2.1/tcp/1" + relayed])
    }

    @Test func `whatever else stands in the records is passed over`() throws {
        let huge = "dnsaddr=/dns4/" + String(repeating: "a", count: 60_000) + "/tcp/1"
        let records = [
            "v=spf1 -all", "", "dnsaddr", "dnsaddr=", "DNSADDR=/ip4/192.0.2.9/tcp/1", "dnsaddr=/", "dnsaddr=rubbish",
            "dnsaddr=/ip4/not/tcp/1", "dnsaddr=/ip4/192.0.2.1", "\u{fffd}\u{0}", huge,
            "dnsaddr=/p2p/\(Self.peer)", "dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/\(Self.peer)",
            "dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/\(Self.peer)",
        ]
        let found = try Self.walk(["/dnsaddr/example.org/p2p/\(Self.peer)"], ["example.org": records])
        #expect(found.found == ["/ip4/192.0.2.1/tcp/1/p2p/\(Self.peer)"])
    }

    @Test func `what is wrong is told as what it is`() throws {
        let mine = "/dnsaddr/example.org/p2p/\(Self.peer)"
        func failures(_ texts: [String]?) throws -> [DNSAddrError] {
            let walked = try Self.walk([mine], texts.map { ["example.org": $0] } ?? [:])
            #expect(walked.found.isEmpty)
            return walked.failures
        }
        #expect(try failures(nil) == [.noSuchName("example.org")])
        #expect(try failures([]) == [.noRecords("example.org")])
        #expect(try failures(["v=spf1 -all"]) == [.noRecords("example.org")])
        #expect(try failures(["dnsaddr=x", "dnsaddr=/tcp"]) == [.unreadable("example.org", records: 2)])
        let strangers = ["dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/\(Self.other)", "dnsaddr=/ip4/192.0.2.1/tcp/1"]
        let nobody = DNSAddrError.noneForPeer("example.org", peer: "/p2p/\(Self.peer)", others: 2)
        #expect(try failures(strangers) == [nobody])
        #expect(try failures(["dnsaddr=" + mine]) == [.circular("example.org")])
        var walk = DNSAddrWalk(Self.bounds)
        let questions = walk.start([try Multiaddr(mine)])
        for error in [TXTLookupError.invalidName, .noSuchName, .noRecords, .notAnswered("refused"), .cancelled] {
            walk.failed(questions[0], error)
        }
        #expect(
            walk.failures == [
                .invalidName("example.org"), .noSuchName("example.org"), .noRecords("example.org"),
                .notAnswered("example.org", reason: "refused"), .timedOut("example.org"),
            ]
        )
        // Each says what to look at.
        #expect(walk.failures.allSatisfy { $0.description.contains("example.org") })
    }

    @Test func `names that lead round and round, or on for ever, come to an end`() throws {
        let round = try Self.walk(
            ["/dnsaddr/a.org"],
            ["a.org": ["dnsaddr=/dnsaddr/b.org"], "b.org": ["dnsaddr=/dnsaddr/a.org", "dnsaddr=/dnsaddr/b.org"]]
        )
        #expect(round.asked == ["_dnsaddr.a.org", "_dnsaddr.b.org"])
        #expect(round.failures == [.circular("a.org"), .circular("b.org")])
        var chain: [String: [String]] = [:]
        for number in 0..<20 { chain["n\(number).org"] = ["dnsaddr=/dnsaddr/n\(number + 1).org"] }
        let deep = try Self.walk(["/dnsaddr/n0.org"], chain)
        #expect(deep.asked.count == 5)
        #expect(deep.failures == [.tooDeep("n5.org", limit: 4)])
    }

    @Test func `no owner of a name makes a dial ask or try without end`() throws {
        let names = (0..<10_000).map { "dnsaddr=/dnsaddr/n\($0).org" }
        let many = try Self.walk(["/dnsaddr/a.org"], ["a.org": names])
        #expect(many.asked.count == 32)
        #expect(many.failures.contains(.tooManyNames(limit: 32)))
        #expect(many.failures.count <= 34)
        let addresses = (0..<10_000).map { "dnsaddr=/ip4/192.0.2.\($0 % 250)/tcp/\($0 + 1)" }
        #expect(try Self.walk(["/dnsaddr/a.org"], ["a.org": addresses]).found.count == 100)
        // Each name has forty names: a tree that has thousands within the depth.
        var tree: [String: [String]] = [:]
        var level = ["a.org"]
        for _ in 0..<2 {
            for host in level { tree[host] = (0..<40).map { "dnsaddr=/dnsaddr/n\($0).\(host)" } }
            level = level.flatMap { host in (0..<40).map { "n\($0).\(host)" } }
        }
        #expect(try Self.walk(["/dnsaddr/a.org"], tree).asked.count == 32)
    }

    @Test func `any records are addresses or are passed over`() throws {
        var random = SeededGenerator(seed: 71)
        let whole = Array("dnsaddr=/dns4/a.example/tcp/443/wss/p2p/\(Self.peer)".utf8)
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            let text = String(decoding: bytes.prefix(Int.random(in: 0...bytes.count, using: &random)), as: UTF8.self)
            let noise = String(decoding: random.bytes(Int.random(in: 0..<80, using: &random)), as: UTF8.self)
            let walked = try Self.walk(["/dnsaddr/a.org"], ["a.org": [text, noise, "dnsaddr=" + noise]])
            #expect(walked.found.count <= 3)
        }
    }
}

@Suite struct `Name server` {
    @Test func `is read from an address, with a port or without`() {
        let read: [(String, String)] = [
            ("192.0.2.1", "192.0.2.1:53"), ("192.0.2.1:5353", "192.0.2.1:5353"), ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"), ("::1", "[::1]:53"),
        ]
        for (text, description) in read { #expect(NameServer(text)?.description == description) }
        for text in [
            "", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:+53", "[::1]", ":53",
        ] {
            #expect(NameServer(text) == nil)
        }
    }
}
