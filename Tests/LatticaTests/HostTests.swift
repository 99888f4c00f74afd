import Lattica
import LatticaConnection
import LatticaCore
import LatticaProtocols
import LatticeTesting
import Logging
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Lattica host` {
    @Test func `a port in use is told with the address and what to do`() async throws {
        try await withHosts(1) { hosts in
            let address = try #require(hosts[0].listenAddresses.first)
            let other = try makeHost(listen: "\(address)")
            let error = HostError.cannotListen(.addressInUse("\(address)"))
            await #expect(throws: error) { try await other.start() }
            #expect("\(error)".contains("\(address): the port is in use; stop the program"))
            await other.stop()
        }
    }

    @Test func `a host starts once`() async throws {
        try await withHosts(1) { hosts in
            await #expect(throws: HostError.alreadyStarted) { try await hosts[0].start() }
        }
    }

    @Test func `another peer than the one asked for is refused`() async throws {
        try await withHosts(2) { hosts in
            let address = try #require(hosts[1].listenAddresses.first).appending(Keypair().peerID)
            let error = await #expect(throws: DialError.self) { try await hosts[0].connect(to: address) }
            guard case .handshakeFailed(let reason) = error else {
                Issue.record("failed with \(String(describing: error))")
                return
            }
            #expect(reason.contains("\(hosts[1].peerID) answered"))
            #expect(hosts[0].connectedPeers.isEmpty)
        }
    }

    @Test func `a host does not connect with itself`() async throws {
        try await withHosts(1) { hosts in
            let address = try #require(hosts[0].listenAddresses.first)
            let error = DialError.handshakeFailed(ConnectionError.isThisHost.description)
            await #expect(throws: error) { try await hosts[0].connect(to: address) }
            await #expect(throws: error) { try await hosts[0].connect(to: address.appending(hosts[0].peerID)) }
        }
    }

    @Test func `a peer without address, and an address without peer, are told apart`() async throws {
        try await withHosts(1) { hosts in
            let peer = Keypair().peerID
            await #expect(throws: DialError.noAddress(peer: "\(peer)")) {
                try await hosts[0].openStream(to: peer, protocols: ["/x"])
            }
            // Nobody listens at the discard port.
            let address = try Multiaddr("/ip4/127.0.0.1/tcp/9")
            let error = await #expect(throws: DialError.self) { try await hosts[0].connect(to: address) }
            guard case .unreachable = error else {
                Issue.record("failed with \(String(describing: error))")
                return
            }
        }
    }

    @Test func `tasks that want the same peer share one connection`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handleEcho()
            for address in hosts[1].listenAddresses { hosts[0].addAddress(address, for: hosts[1].peerID) }
            let (host, peer) = (hosts[0], hosts[1].peerID)
            let events = hosts[1].events()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<30 {
                    group.addTask {
                        let stream = try await host.openStream(to: peer, protocols: ["/echo/1"])
                        try await stream.write(ByteBuffer(string: "hello"))
                        #expect(try await stream.read(5) == ByteBuffer(string: "hello"))
                    }
                }
                try await group.waitForAll()
            }
            host.disconnect(peer)
            // One came and went; a second connection would have kept the peer connected.
            var seen: [HostEvent] = []
            for await event in events where event != .identified(host.peerID) {
                seen.append(event)
                if seen.count == 2 { break }
            }
            #expect(seen == [.connected(host.peerID), .disconnected(host.peerID)])
        }
    }

    @Test func `a name is resolved`() async throws {
        try await withHosts(2) { hosts in
            let port = try #require(hosts[1].listenAddresses.first?.tcpEndpoint?.port)
            let address = try Multiaddr("/dns4/localhost/tcp/\(port)/p2p/\(hosts[1].peerID)")
            let peer = try await hosts[0].connect(to: address)
            #expect(peer == hosts[1].peerID)
        }
    }

    @Test func `listens at version 6 of the protocol too`() async throws {
        let listener = try makeHost(listen: "/ip6/::1/tcp/0")
        do {
            try await listener.start()
        } catch {
            // A machine without version 6 cannot show it.
            return await listener.stop()
        }
        try await withHosts(1) { hosts in
            let peer = try await hosts[0].connect(to: listener.address())
            #expect(peer == listener.peerID)
        }
        await listener.stop()
    }

    @Test func `peers tell each other who they are, and where they listen`() async throws {
        try await withHosts(2) { hosts in
            try await hosts[0].connect(to: hosts[1].address())
            try await eventually {
                hosts[0].identity(of: hosts[1].peerID) != nil && hosts[1].identity(of: hosts[0].peerID) != nil
            }
            let identity = try #require(hosts[1].identity(of: hosts[0].peerID))
            #expect(identity.protocolVersion == "/lattica/1.0.0")
            #expect(identity.protocols == ["/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0"])
            #expect(identity.listenAddresses == hosts[0].listenAddresses)
            // So the side that was dialled can dial back.
            #expect(hosts[1].addresses(of: hosts[0].peerID) == hosts[0].listenAddresses)
            #expect(try await hosts[1].ping(hosts[0].peerID) > .zero)
        }
    }

    @Test func `who has left is not called back`() async throws {
        try await withHosts(2) { hosts in
            // The one that stays knows where the other listens, and is about to ask who it is.
            for address in hosts[0].listenAddresses { hosts[1].addAddress(address, for: hosts[0].peerID) }
            for _ in 0..<20 {
                try await hosts[0].connect(to: hosts[1].address())
                hosts[0].disconnect(hosts[1].peerID)
                try await eventually { hosts.allSatisfy(\.connectedPeers.isEmpty) }
            }
        }
    }

    @Test func `connections beyond the limit are refused`() async throws {
        var limits = ConnectionLimits()
        limits.connections = 1
        let small = try makeHost(limits: limits)
        try await small.start()
        try await withHosts(2) { hosts in
            try await hosts[0].connect(to: small.address())
            try await eventually { small.isConnected(to: hosts[0].peerID) }
            // The refusal follows the handshake, so the dialer may first believe in the connection.
            _ = try? await hosts[1].connect(to: small.address())
            try await eventually { hosts[1].connectedPeers.isEmpty }
            #expect(small.connectedPeers == [hosts[0].peerID])
            await #expect(throws: DialError.limitReached("1 connections are open")) {
                try await small.connect(to: hosts[1].address())
            }
        }
        await small.stop()
    }

    @Test func `stopping ends open streams on both sides`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handleEcho()
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/echo/1"])
            try await stream.write(ByteBuffer(string: "hello"))
            #expect(try await stream.read(5) == ByteBuffer(string: "hello"))
            let reader = Task { try await stream.read() }
            await hosts[1].stop()
            await #expect(throws: StreamError.self) { try await reader.value }
            try await eventually { hosts[0].connectedPeers.isEmpty }
            await #expect(throws: DialError.stopped) { try await hosts[1].connect(to: hosts[0].address()) }
        }
    }

    @Test func `a peer that stands still is given up`() async throws {
        var limits = ConnectionLimits()
        limits.pingInterval = .milliseconds(200)
        limits.pingTimeout = .milliseconds(300)
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let frozen = LatticaHost(
            configuration: LatticaConfiguration(
                listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                eventLoopGroup: loop
            )
        )
        try await frozen.start()
        frozen.handleEcho()
        let thaw = NIOLockedValueBox(false)
        try await withHosts(1, limits: limits) { hosts in
            try await hosts[0].connect(to: frozen.address())
            let stream = try await hosts[0].openStream(to: frozen.peerID, protocols: ["/echo/1"])
            try await stream.write(ByteBuffer(string: "hello"))
            #expect(try await stream.read(5) == ByteBuffer(string: "hello"))
            #expect(hosts[0].roundTripTime(to: frozen.peerID) != nil)
            // Its thread does nothing more, as that of a stopped process.
            loop.next().execute { while !thaw.withLockedValue({ $0 }) {} }
            let error = await #expect(throws: StreamError.self) { try await stream.read() }
            guard case .connectionLost = error else {
                Issue.record("failed with \(String(describing: error))")
                return
            }
            #expect(hosts[0].connectedPeers.isEmpty)
        }
        thaw.withLockedValue { $0 = true }
        await frozen.stop()
        try await loop.shutdownGracefully()
    }
}
