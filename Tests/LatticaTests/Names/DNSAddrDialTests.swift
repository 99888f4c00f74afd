import Lattica
import LatticaCore
import LatticeTesting
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import Testing

/// Records as a test writes them.
private struct Records: TXTResolver {
    var texts: [String: [String]] = [:]
    var asked = NIOLockedValueBox<[String]>([])
    /// Answers nothing until the task is cancelled.
    var isSilent: Set<String> = []

    func texts(of name: String) async throws(TXTLookupError) -> [String] {
        asked.withLockedValue { $0.append(name) }
        if isSilent.contains(name) {
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
            throw .cancelled
        }
        guard let texts = texts[name] else { throw .noSuchName }
        return texts
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Dialling a name` {
    @Test func `reaches the peer that the DNS has there, over real servers and sockets`() async throws {
        try await withHosts(2) { hosts in
            let (one, other) = (hosts[0], hosts[1])
            let wrong = "dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/\(one.peerID)"
            let right = "dnsaddr=\(try other.address())"
            // So many records that the answer comes over TCP.
            let filler = (0..<50).map { "filler \($0) of a record" }
            try await LoopbackNameServer.with { name in
                switch name {
                case "_dnsaddr.example.org":
                    .texts(filler + [wrong, "dnsaddr=/dnsaddr/sub.example.org/p2p/\(other.peerID)"])
                case "_dnsaddr.sub.example.org": .texts([right])
                default: .noSuchName
                }
            } _: { server in
                var configuration = LatticaConfiguration(logger: quiet)
                let address = try #require(NameServer("127.0.0.1:\(server.port)"))
                configuration.txtResolver = DNSResolver(servers: [address])
                let dialer = LatticaHost(configuration: configuration)
                try await dialer.start()
                let outcome: Result<Void, any Error>
                do {
                    let name = try Multiaddr("/dnsaddr/example.org/p2p/\(other.peerID)")
                    #expect(try await dialer.connect(to: name) == other.peerID)
                    #expect(server.questions.contains { $0.isOverTCP })
                    // Where it was reached is remembered, and tried first the next time.
                    #expect(dialer.addresses(of: other.peerID).contains(try other.address().withoutPeerID))
                    outcome = .success(())
                } catch {
                    outcome = .failure(error)
                }
                await dialer.stop()
                try outcome.get()
            }
        }
    }

    @Test func `a peer of the address book may stand in the DNS`() async throws {
        try await withSimulatedHosts(seed: 81) { swarm in
            try await swarm.add()
            let other = swarm.hosts[0]
            let records = Records(texts: ["_dnsaddr.example.org": ["dnsaddr=\(swarm.address(of: 0))"]])
            let one = try await swarm.add { $0.txtResolver = records }
            one.addAddress(try Multiaddr("/dnsaddr/example.org"), for: other.peerID)
            try await one.connect(to: other.peerID)
            #expect(one.isConnected(to: other.peerID))
            #expect(records.asked.withLockedValue { $0 } == ["_dnsaddr.example.org"])
        }
    }

    @Test func `without a peer in the address, any of those in the DNS will do, and each must be who it is`()
        async throws
    {
        try await withSimulatedHosts(seed: 82) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            let liar = swarm.address(of: 0).withoutPeerID.appending(swarm.hosts[1].peerID)
            let records = Records(
                texts: ["_dnsaddr.example.org": ["dnsaddr=\(liar)", "dnsaddr=\(swarm.address(of: 1))"]]
            )
            let one = try await swarm.add { $0.txtResolver = records }
            #expect(try await one.connect(to: try Multiaddr("/dnsaddr/example.org")) == swarm.hosts[1].peerID)
        }
    }

    @Test func `addresses that are known wait for no name`() async throws {
        try await withSimulatedHosts(seed: 83) { swarm in
            try await swarm.add()
            let other = swarm.hosts[0]
            let records = Records(isSilent: ["_dnsaddr.example.org"])
            let one = try await swarm.add { $0.txtResolver = records }
            one.addAddress(try Multiaddr("/dnsaddr/example.org"), for: other.peerID)
            one.addAddress(swarm.address(of: 0), for: other.peerID)
            let start = swarm.network.loop.elapsed
            try await one.connect(to: other.peerID)
            #expect(swarm.network.loop.elapsed - start < .seconds(1))
        }
    }

    @Test func `addresses from a name join those that are being tried`() async throws {
        try await withSimulatedHosts(seed: 84) { swarm in
            try await swarm.add()
            let other = swarm.hosts[0]
            let records = Records(texts: ["_dnsaddr.example.org": ["dnsaddr=\(swarm.address(of: 0))"]])
            let one = try await swarm.add { $0.txtResolver = records }
            one.addAddress(try Multiaddr("/dnsaddr/example.org"), for: other.peerID)
            // Nothing answers there.
            one.addAddress(try Multiaddr("/ip4/10.0.200.1/tcp/1"), for: other.peerID)
            let start = swarm.network.loop.elapsed
            try await one.connect(to: other.peerID)
            let taken = swarm.network.loop.elapsed - start
            #expect(taken > .milliseconds(250) && taken < .milliseconds(600))
        }
    }

    @Test func `a name that is not answered in time is told, and what came before counts`() async throws {
        try await withSimulatedHosts(seed: 85) { swarm in
            try await swarm.add()
            let other = swarm.hosts[0]
            let records = Records(
                texts: [
                    "_dnsaddr.half.org": [
                        "dnsaddr=/dnsaddr/silent.org/p2p/\(other.peerID)", "dnsaddr=\(swarm.address(of: 0))",
                    ]
                ],
                isSilent: ["_dnsaddr.silent.org"]
            )
            let one = try await swarm.add { $0.txtResolver = records }
            let start = swarm.network.loop.elapsed
            await #expect(throws: DialError.nameNotResolved(.timedOut("silent.org"))) {
                try await one.connect(to: try Multiaddr("/dnsaddr/silent.org/p2p/\(other.peerID)"))
            }
            #expect(swarm.network.loop.elapsed - start == .seconds(5))
            let half = try Multiaddr("/dnsaddr/half.org/p2p/\(other.peerID)")
            #expect(try await one.connect(to: half) == other.peerID)
        }
    }

    @Test func `one thing that is wrong is told as what it is`() async throws {
        try await withSimulatedHosts(seed: 86) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            let (peer, stranger) = (swarm.hosts[0].peerID, swarm.hosts[1].peerID)
            let records = Records(
                texts: ["_dnsaddr.others.org": ["dnsaddr=\(swarm.address(of: 1))"], "_dnsaddr.empty.org": []]
            )
            let one = try await swarm.add { $0.txtResolver = records }
            let due: [(String, DNSAddrError)] = [
                ("nothing.org", .noSuchName("nothing.org")), ("empty.org", .noRecords("empty.org")),
                ("others.org", .noneForPeer("others.org", peer: "/p2p/\(peer)", others: 1)),
            ]
            for (name, error) in due {
                await #expect(throws: DialError.nameNotResolved(error)) {
                    try await one.connect(to: try Multiaddr("/dnsaddr/\(name)/p2p/\(peer)"))
                }
            }
            #expect(!one.isConnected(to: stranger))
            // Two things are told side by side.
            for name in ["nothing.org", "empty.org"] { one.addAddress(try Multiaddr("/dnsaddr/\(name)"), for: peer) }
            let error = await #expect(throws: DialError.self) { try await one.connect(to: peer) }
            guard case .unreachable(_, let reasons)? = error else {
                throw SimulatedHosts.DidNotHold(what: "\(error as Any)")
            }
            #expect(reasons.count == 2)
            // A name that led nowhere is left alone for a while, unless somebody insists.
            let asked = records.asked.withLockedValue(\.count)
            await #expect(throws: DialError.self) { try await one.connect(to: peer) }
            #expect(records.asked.withLockedValue(\.count) == asked)
            await #expect(throws: DialError.self) { try await one.connect(to: peer, isForced: true) }
            #expect(records.asked.withLockedValue(\.count) == asked + 2)
        }
    }

    @Test func `the gate holds for what a name leads to, and a host does not dial itself`() async throws {
        try await withSimulatedHosts(seed: 87) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            let (other, denied) = (swarm.hosts[0], swarm.hosts[1])
            let keypair = try Keypair(seed: [UInt8](repeating: 9, count: 32))
            let itself = try Multiaddr("/ip4/10.0.0.1/tcp/4001").appending(keypair.peerID)
            let addresses = [swarm.address(of: 1), itself, swarm.address(of: 0)]
            let records = Records(texts: ["_dnsaddr.example.org": addresses.map { "dnsaddr=\($0)" }])
            let one = try await swarm.add(keypair: keypair) {
                $0.txtResolver = records
                $0.gate = ConnectionGate(deniedPeers: [denied.peerID])
            }
            #expect(try await one.connect(to: try Multiaddr("/dnsaddr/example.org")) == other.peerID)
        }
    }

    @Test func `ten thousand records cost a hundred addresses and the time of a dial`() async throws {
        try await withSimulatedHosts(seed: 88) { swarm in
            let peer = try Keypair(seed: [UInt8](repeating: 8, count: 32)).peerID
            let texts = (0..<10_000).map { "dnsaddr=/ip4/10.1.\($0 / 250).\($0 % 250)/tcp/1/p2p/\(peer)" }
            let records = Records(texts: ["_dnsaddr.example.org": texts])
            let one = try await swarm.add { $0.txtResolver = records }
            let start = swarm.network.loop.elapsed
            await #expect(throws: DialError.self) {
                try await one.connect(to: try Multiaddr("/dnsaddr/example.org/p2p/\(peer)"))
            }
            #expect(swarm.network.loop.elapsed - start <= one.configuration.dialTimeout)
        }
    }
}
