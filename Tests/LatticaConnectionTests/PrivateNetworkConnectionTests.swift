import LatticaCore
import LatticeTesting
import Logging
import Multiformats
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `Private network over TCP` {
    let keypair = Keypair()
    let key = PreSharedKey()

    private func settings(
        _ keypair: Keypair = Keypair(),
        limits: ConnectionLimits = .init()
    ) -> ConnectionSettings {
        ConnectionSettings(
            keypair: keypair,
            limits: limits,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    private func withListener(key: PreSharedKey?, _ body: (Multiaddr) async throws -> Void) async throws {
        var limits = ConnectionLimits()
        // Without a key, noise may look like the beginning of something long, which is waited for.
        if key == nil { limits.upgradeTimeout = .seconds(1) }
        let settings = settings(keypair, limits: limits)
        let listener = try await SocketListener(
            .ip4(.init(bits: 0x7f00_0001)),
            port: 0,
            at: Multiaddr("/ip4/127.0.0.1/tcp/0"),
            settings: settings,
            group: MultiThreadedEventLoopGroup.singleton,
            slots: HandshakeSlots(limit: 8),
            ports: ListeningPorts(),
            layers: SocketLayers.none.protected(by: key)
        )
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(listener.address)) } catch { outcome = .failure(error) }
        await listener.close()
        try outcome.get()
    }

    private func dial(_ address: Multiaddr, key: PreSharedKey?) async throws -> Connection {
        let (host, port) = try #require(address.tcpEndpoint)
        return try await SocketDialer(
            settings: settings(),
            group: MultiThreadedEventLoopGroup.singleton,
            ports: ListeningPorts()
        )
        .dial(
            host,
            port: port,
            as: address,
            expecting: keypair.peerID,
            layers: SocketLayers.none.protected(by: key)
        )
    }

    @Test func `peers with the same key connect`() async throws {
        try await withListener(key: key) { address in
            let connection = try await dial(address, key: key)
            #expect(connection.remotePeer == keypair.peerID)
            await connection.closeAndWait()
        }
    }

    @Test func `peers with different keys are told why, and do not wait`() async throws {
        try await withListener(key: PreSharedKey()) { address in
            let error = await #expect(throws: ConnectionError.self) { try await dial(address, key: key) }
            // It is no deadline that ends it.
            #expect("\(error, default: "")".contains("swarm.key"))
        }
    }

    @Test func `a peer without the key is refused before the deadline`() async throws {
        try await withListener(key: key) { address in
            let error = await #expect(throws: ConnectionError.self) { try await dial(address, key: nil) }
            #expect(error != .timedOut)
        }
    }

    @Test(arguments: 0..<10) func `a peer with a key is refused where there is none`(attempt: Int) async throws {
        try await withListener(key: nil) { address in
            await #expect(throws: ConnectionError.self) { try await dial(address, key: key) }
        }
    }
}
