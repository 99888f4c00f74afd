import Lattica
import LatticaConnection
import LatticaCore
import LatticaProtocols
import LatticeTesting
import Multiformats
import NIOCore
import Testing

/// One host or a few, in virtual time: how the swarm behaves over minutes and hours.
@Suite(.timeLimit(.minutes(1))) struct `Swarm` {
    @Test func `peers find, identify and ping each other`() async throws {
        try await withSimulatedHosts(seed: 1) { swarm in
            swarm.network.quality = PathQuality(latency: .milliseconds(40), jitter: .zero)
            for _ in 0..<2 { try await swarm.add() }
            try await swarm.connect(0, to: 1)
            let (one, other) = (swarm.hosts[0], swarm.hosts[1])
            try await swarm.eventually("identification") {
                one.identity(of: other.peerID) != nil && other.identity(of: one.peerID) != nil
            }
            #expect(other.addresses(of: one.peerID) == one.listenAddresses)
            #expect(try await other.ping(one.peerID) == .milliseconds(80))
            #expect(other.roundTripTime(to: one.peerID) == .milliseconds(80))
        }
    }

    @Test func `the way to a peer is measured every quarter of a minute`() async throws {
        try await withSimulatedHosts(seed: 2) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            swarm.network.quality = PathQuality(latency: .milliseconds(10), jitter: .zero)
            try await swarm.connect(0, to: 1)
            try await swarm.pass(.seconds(30))
            #expect(swarm.hosts[0].roundTripTime(to: swarm.hosts[1].peerID) == .milliseconds(20))
            swarm.network.quality = PathQuality(latency: .milliseconds(70), jitter: .zero)
            try await swarm.pass(.seconds(30))
            #expect(swarm.hosts[0].roundTripTime(to: swarm.hosts[1].peerID) == .milliseconds(140))
        }
    }

    @Test func `a slow address costs a head start, not a timeout`() async throws {
        try await withSimulatedHosts(seed: 3) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            let (one, other) = (swarm.hosts[0], swarm.hosts[1])
            // Nothing answers there.
            one.addAddress(try Multiaddr("/ip4/10.0.200.1/tcp/1"), for: other.peerID)
            one.addAddress(swarm.address(of: 1), for: other.peerID)
            let start = swarm.network.loop.elapsed
            try await one.connect(to: other.peerID)
            let first = swarm.network.loop.elapsed - start
            #expect(first > .milliseconds(250) && first < .milliseconds(600))
            // The address that worked is tried first the next time.
            one.disconnect(other.peerID)
            try await swarm.eventually("the end") { one.connectedPeers.isEmpty }
            let again = swarm.network.loop.elapsed
            try await one.connect(to: other.peerID)
            #expect(swarm.network.loop.elapsed - again < .milliseconds(250))
        }
    }

    @Test func `addresses that fail are left alone for longer and longer, unless it is forced`() async throws {
        try await withSimulatedHosts(seed: 4) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            let (one, other) = (swarm.hosts[0], swarm.hosts[1])
            let machine = swarm.machines[1]
            one.addAddress(swarm.address(of: 1), for: other.peerID)
            machine.kill()
            var tries = 0
            let end = swarm.network.loop.elapsed + .seconds(1800)
            while swarm.network.loop.elapsed < end {
                let error = await #expect(throws: DialError.self) { try await one.connect(to: other.peerID) }
                if error == .timedOut { tries += 1 }
                try await swarm.pass(.seconds(1))
            }
            // 1 + 2 + 4 + … + 256 s of pauses and then one in five minutes, beside ten seconds for each try.
            #expect((10...16).contains(tries), "\(tries) tries")
            machine.restart()
            let host = try await swarm.add(on: machine, keypair: other.configuration.keypair)
            try await one.connect(to: host.peerID, isForced: true)
            #expect(one.isConnected(to: host.peerID))
        }
    }

    @Test func `connections that nothing uses are closed, protected ones and those with streams are kept`() async throws
    {
        try await withSimulatedHosts(seed: 5) { swarm in
            try await swarm.add { $0.swarm.idleTimeout = .seconds(60) }
            for _ in 0..<3 { try await swarm.add() }
            let hub = swarm.hosts[0]
            for number in 1...3 { try await swarm.connect(number, to: 0) }
            hub.protect(swarm.hosts[1].peerID, tag: "test")
            swarm.hosts[2].handleEcho()
            let stream = try await hub.openStream(to: swarm.hosts[2].peerID, protocols: ["/echo/1"])
            try await swarm.pass(.seconds(90))
            #expect(Set(hub.connectedPeers) == Set(swarm.hosts[1...2].map(\.peerID)))
            hub.unprotect(swarm.hosts[1].peerID, tag: "test")
            stream.reset()
            withExtendedLifetime(stream) {}
        }
    }

    @Test func `a connection with a stream that a peer opened is not idle`() async throws {
        try await withSimulatedHosts(seed: 6) { swarm in
            try await swarm.add { $0.swarm.idleTimeout = .seconds(60) }
            try await swarm.add()
            swarm.hosts[0].handleEcho()
            try await swarm.connect(1, to: 0)
            let stream = try await swarm.hosts[1].openStream(to: swarm.hosts[0].peerID, protocols: ["/echo/1"])
            try await stream.write(ByteBuffer(string: "hello"))
            try await swarm.pass(.seconds(300))
            #expect(swarm.hosts[0].isConnected(to: swarm.hosts[1].peerID))
            try await stream.closeWrite()
            while try await stream.read() != nil {}
            try await swarm.pass(.seconds(90))
            #expect(!swarm.hosts[0].isConnected(to: swarm.hosts[1].peerID))
        }
    }

    @Test func `the least valuable connections make room`() async throws {
        try await withSimulatedHosts(seed: 7) { swarm in
            try await swarm.add { configuration in
                configuration.limits.connections = 16
                configuration.swarm.pruningGrace = .seconds(5)
            }
            let hub = swarm.hosts[0]
            for number in 1...20 {
                try await swarm.add()
                // Beyond the limit a dial may be refused.
                _ = try? await swarm.connect(number, to: 0)
                if number == 1 { hub.protect(swarm.hosts[1].peerID, tag: "test") }
                try await swarm.pass(.seconds(1))
                #expect(hub.connectedPeers.count <= 16)
            }
            try await swarm.pass(.seconds(20))
            #expect((12...14).contains(hub.connectedPeers.count))
            #expect(hub.isConnected(to: swarm.hosts[1].peerID))
            #expect(hub.isConnected(to: swarm.hosts[20].peerID))
        }
    }

    @Test func `two that dial each other at once keep one connection, the same on both sides`() async throws {
        try await withSimulatedHosts(seed: 8) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            async let there: Void = swarm.connect(0, to: 1)
            async let back: Void = swarm.connect(1, to: 0)
            _ = try await (there, back)
            #expect(swarm.machines[0].linkCount == 2)
            try await swarm.pass(.seconds(20))
            #expect(swarm.machines[0].linkCount == 1)
            #expect(swarm.hosts[0].isConnected(to: swarm.hosts[1].peerID))
            #expect(!swarm.log.contains { $0.contains("disconnected") })
        }
    }

    @Test func `a partition parts the peers, and they come together when it heals`() async throws {
        try await withSimulatedHosts(seed: 9) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            try await swarm.connect(0, to: 1)
            try await swarm.pass(.seconds(5))
            swarm.network.partition([[swarm.machines[0]]])
            try await swarm.eventually("both to notice") { swarm.hosts.allSatisfy(\.connectedPeers.isEmpty) }
            await #expect(throws: DialError.self) { try await swarm.hosts[1].connect(to: swarm.hosts[0].peerID) }
            swarm.network.heal()
            try await swarm.eventually("the end of the back-off") { true }
            try await swarm.hosts[1].connect(to: swarm.hosts[0].peerID, isForced: true)
            #expect(swarm.hosts[0].isConnected(to: swarm.hosts[1].peerID))
        }
    }

    @Test func `a loss of a fifth of all packets only delays`() async throws {
        try await withSimulatedHosts(seed: 10) { swarm in
            swarm.network.quality = PathQuality(loss: 0.2)
            for _ in 0..<2 { try await swarm.add() }
            swarm.hosts[1].handleEcho()
            try await swarm.connect(0, to: 1)
            let stream = try await swarm.hosts[0].openStream(to: swarm.hosts[1].peerID, protocols: ["/echo/1"])
            let bytes = ByteBuffer(bytes: (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * 7) })
            async let sent: Void = stream.write(bytes)
            #expect(try await stream.read(bytes.readableBytes) == bytes)
            try await sent
        }
    }

    @Test func `a machine that dies is noticed at once, one that falls silent by the keep-alive`() async throws {
        try await withSimulatedHosts(seed: 11) { swarm in
            for _ in 0..<3 { try await swarm.add() }
            for number in 1...2 { try await swarm.connect(0, to: number) }
            try await swarm.pass(.seconds(1))
            swarm.machines[1].kill()
            try await swarm.pass(.seconds(1))
            #expect(swarm.hosts[0].connectedPeers == [swarm.hosts[2].peerID])
            swarm.network.partition([[swarm.machines[2]]])
            try await swarm.pass(.seconds(25))
            #expect(swarm.hosts[0].connectedPeers.isEmpty)
        }
    }

    @Test func `the gate keeps peers and networks out, both ways, also those that are in`() async throws {
        try await withSimulatedHosts(seed: 12) { swarm in
            for _ in 0..<4 { try await swarm.add() }
            let (one, other) = (swarm.hosts[0], swarm.hosts[1])
            one.gate.deniedPeers = [other.peerID]
            await #expect(throws: DialError.self) { try await swarm.connect(0, to: 1) }
            _ = try? await swarm.connect(1, to: 0)
            try await swarm.pass(.seconds(1))
            #expect(!one.isConnected(to: other.peerID) && !other.isConnected(to: one.peerID))
            try await swarm.connect(0, to: 2)
            one.gate.deniedNetworks = [try #require(IPNetwork(swarm.machines[2].outside, prefixLength: 32))]
            try await swarm.pass(.seconds(1))
            #expect(one.connectedPeers.isEmpty)
            try await swarm.connect(3, to: 0)
            #expect(one.isConnected(to: swarm.hosts[3].peerID) || swarm.hosts[3].isConnected(to: one.peerID))
        }
    }

    @Test func `a protocol that is added is pushed to the peers`() async throws {
        try await withSimulatedHosts(seed: 13) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            try await swarm.connect(0, to: 1)
            try await swarm.pass(.seconds(2))
            swarm.hosts[0].handle("/later/1") { _ in }
            try await swarm.pass(.seconds(2))
            let identity = try #require(swarm.hosts[1].identity(of: swarm.hosts[0].peerID))
            #expect(identity.protocols.contains("/later/1"))
        }
    }

    @Test func `peers of another network are kept, or let go where the host is strict`() async throws {
        try await withSimulatedHosts(seed: 14) { swarm in
            try await swarm.add { $0.strangers = .disconnect }
            try await swarm.add { $0.protocolVersion = "/other/1" }
            try await swarm.add { $0.protocolVersion = "/common/relay" }
            try await swarm.add()
            for number in 1...3 { try await swarm.connect(number, to: 0) }
            try await swarm.connect(3, to: 1)
            try await swarm.pass(.seconds(2))
            let strict = swarm.hosts[0]
            #expect(Set(strict.connectedPeers) == Set(swarm.hosts[2...3].map(\.peerID)))
            #expect(strict.standing(of: swarm.hosts[2].peerID) == .common)
            #expect(strict.standing(of: swarm.hosts[3].peerID) == .peer)
            #expect(swarm.hosts[3].standing(of: swarm.hosts[1].peerID) == .stranger)
        }
    }

    @Test func `the outside of a NAT is believed once enough peers have seen it`() async throws {
        try await withSimulatedHosts(seed: 15) { swarm in
            for _ in 0..<5 { try await swarm.add() }
            let host = try await swarm.add(behind: .fullCone)
            for number in 0..<3 { try await swarm.connect(5, to: number) }
            try await swarm.pass(.seconds(2))
            #expect(host.observedAddresses.isEmpty)
            try await swarm.connect(5, to: 3)
            try await swarm.pass(.seconds(2))
            let outside = try #require(host.observedAddresses.first)
            #expect(outside.components.first == .ip4(swarm.machines[5].outside))
            // A full cone lets anybody in there.
            try await swarm.hosts[4].connect(to: outside.appending(host.peerID))
            #expect(swarm.hosts[4].isConnected(to: host.peerID))
        }
    }

    @Test(arguments: NAT.allCases) func `nobody gets through a NAT unasked`(nat: NAT) async throws {
        try await withSimulatedHosts(seed: 16) { swarm in
            for _ in 0..<2 { try await swarm.add() }
            let host = try await swarm.add(behind: nat)
            await #expect(throws: DialError.timedOut) { try await swarm.connect(0, to: 2) }
            try await swarm.connect(2, to: 1)
            try await swarm.pass(.seconds(1))
            // What a peer sees leads back to the host where the NAT is open to all.
            let seen = try #require(swarm.hosts[2].identity(of: swarm.hosts[1].peerID)?.observedAddress)
            let outcome = try? await swarm.hosts[0].connect(to: seen.appending(host.peerID))
            #expect((outcome != nil) == (nat == .fullCone))
        }
    }

    @Test func `a peer has no more streams answered than it may`() async throws {
        try await withSimulatedHosts(seed: 17) { swarm in
            try await swarm.add()
            try await swarm.add { $0.swarm.inboundStreams = ["/echo/1": 2] }
            swarm.hosts[1].handleEcho()
            try await swarm.connect(0, to: 1)
            var held: [any MuxedStream] = []
            for _ in 0..<2 {
                let stream = try await swarm.hosts[0].openStream(to: swarm.hosts[1].peerID, protocols: ["/echo/1"])
                try await stream.write(ByteBuffer(string: "x"))
                #expect(try await stream.read(1) == ByteBuffer(string: "x"))
                held.append(stream)
            }
            let third = try await swarm.hosts[0].openStream(to: swarm.hosts[1].peerID, protocols: ["/echo/1"])
            try await third.write(ByteBuffer(string: "x"))
            await #expect(throws: StreamError.resetByPeer) { try await third.read(1) }
            for stream in held { stream.reset() }
            try await swarm.pass(.seconds(1))
            let fourth = try await swarm.hosts[0].openStream(to: swarm.hosts[1].peerID, protocols: ["/echo/1"])
            try await fourth.write(ByteBuffer(string: "y"))
            #expect(try await fourth.read(1) == ByteBuffer(string: "y"))
        }
    }

    @Test func `handlers at work may end before a host that stops is gone`() async throws {
        try await withSimulatedHosts(seed: 18) { swarm in
            try await swarm.add()
            try await swarm.add { $0.stopGrace = .seconds(5) }
            let clock = swarm.clock
            swarm.hosts[1].handle("/slow") { stream in
                try? await clock.sleep(for: .seconds(3))
                try? await stream.write(ByteBuffer(string: "done"))
                try? await stream.closeWrite()
            }
            try await swarm.connect(0, to: 1)
            let stream = try await swarm.hosts[0].openStream(to: swarm.hosts[1].peerID, protocols: ["/slow"])
            try await stream.closeWrite()
            try await swarm.pass(.seconds(1))
            async let stopped: Void = swarm.hosts[1].stop()
            #expect(try await stream.read(4) == ByteBuffer(string: "done"))
            await stopped
        }
    }
}
