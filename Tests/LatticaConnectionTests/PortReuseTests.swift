import LatticaCore
import LatticeTesting
import Multiformats
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `Port reuse` {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func transport(reusesPort: Bool = true, _ ends: AsyncStream<Connection>.Continuation? = nil) -> TCPTransport
    {
        let settings = ConnectionSettings(
            keypair: Keypair(),
            limits: ConnectionPair.patient,
            logger: ConnectionPair.quiet,
            security: [.noise],
            reusesPort: reusesPort
        ) { connection in
            ends?.yield(connection)
            return nil
        }
        return TCPTransport(settings: settings, group: group)
    }

    /// The address that the listener of a dial sees.
    private func seen(from dialer: TCPTransport, times: Int = 1) async throws -> [Multiaddr] {
        let (accepted, continuation) = AsyncStream<Connection>.makeStream()
        let listener = try await transport(continuation).listen(at: .localhost)
        var connections: [Connection] = []
        for _ in 0..<times { connections.append(try await dialer.dial(listener.address)) }
        var addresses: [Multiaddr] = []
        for await connection in accepted {
            addresses.append(connection.remoteAddress)
            if addresses.count == times { break }
        }
        for connection in connections { await connection.closeAndWait() }
        await listener.close()
        return addresses
    }

    @Test(arguments: ["/ip4/127.0.0.1/tcp/0", "/ip4/0.0.0.0/tcp/0"])
    func `a host dials from the port that it listens at`(address: String) async throws {
        let dialer = transport()
        let own = try await dialer.listen(at: Multiaddr(address))
        #expect(try await seen(from: dialer).first?.tcpEndpoint?.port == own.address.tcpEndpoint?.port)
        await own.close()
    }

    @Test func `a second connection with the same destination comes from another port`() async throws {
        let dialer = transport()
        let own = try await dialer.listen(at: .localhost)
        let ports = try await seen(from: dialer, times: 3).compactMap { $0.tcpEndpoint?.port }
        #expect(ports.first == own.address.tcpEndpoint?.port)
        #expect(Set(ports).count == 3)
        await own.close()
    }

    @Test func `port reuse can be turned off`() async throws {
        let dialer = transport(reusesPort: false)
        let own = try await dialer.listen(at: .localhost)
        #expect(try await seen(from: dialer).first?.tcpEndpoint?.port != own.address.tcpEndpoint?.port)
        await own.close()
    }

    @Test func `a port that is listened at is not listened at twice`() async throws {
        let first = try await transport().listen(at: .localhost)
        await #expect(throws: ListenError.addressInUse("\(first.address)")) {
            try await transport().listen(at: first.address)
        }
        await first.close()
    }

    @Test func `the port can be listened at again while connections from it live`() async throws {
        let dialer = transport()
        let own = try await dialer.listen(at: .localhost)
        let other = try await transport().listen(at: .localhost)
        let connection = try await dialer.dial(other.address)
        await own.close()
        let again = try await dialer.listen(at: own.address)
        #expect(again.address == own.address)
        await connection.closeAndWait()
        await again.close()
        await other.close()
    }

    @Test func `a host that dials itself is told so, and not by a socket connected to itself`() async throws {
        let ports = ListeningPorts()
        ports.add(try SocketAddress(ipAddress: "127.0.0.1", port: 4001))
        #expect(ports.origin(for: try SocketAddress(ipAddress: "127.0.0.1", port: 4001)) == nil)
        #expect(ports.origin(for: try SocketAddress(ipAddress: "127.0.0.1", port: 4002)) != nil)
        #expect(ports.origin(for: try SocketAddress(ipAddress: "192.0.2.1", port: 4002)) == nil)
        #expect(ports.origin(for: try SocketAddress(ipAddress: "::1", port: 4002)) == nil)
    }
}
