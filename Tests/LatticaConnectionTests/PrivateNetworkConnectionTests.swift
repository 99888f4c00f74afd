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

    private func transport(_ keypair: Keypair = Keypair(), key: PreSharedKey?) -> TCPTransport {
        let settings = ConnectionSettings(
            keypair: keypair,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        return TCPTransport(settings: settings, group: MultiThreadedEventLoopGroup.singleton, privateNetwork: key)
    }

    private func withListener(key: PreSharedKey?, _ body: (Multiaddr) async throws -> Void) async throws {
        let listener = try await transport(keypair, key: key).listen(at: Multiaddr("/ip4/127.0.0.1/tcp/0"))
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(listener.address)) } catch { outcome = .failure(error) }
        await listener.close()
        try outcome.get()
    }

    private func dial(_ address: Multiaddr, key: PreSharedKey?) async throws -> Connection {
        try await transport(key: key).dial(address, expecting: keypair.peerID)
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
            let error = await #expect(throws: ConnectionError.self) { try await dial(address, key: key) }
            // It is no deadline that ends it.
            #expect(error != .timedOut)
        }
    }
}
