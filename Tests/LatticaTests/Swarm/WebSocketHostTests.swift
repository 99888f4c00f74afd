import Lattica
import LatticaCore
import LatticeTesting
import Multiformats
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Transports of a host` {
    @Test func `a host is reached over WebSocket beside TCP`() async throws {
        func host() throws -> LatticaHost {
            LatticaHost(
                configuration: LatticaConfiguration(
                    listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0"), try Multiaddr("/ip4/127.0.0.1/tcp/0/ws")],
                    transports: [.tcp, .webSocket()],
                    logger: quiet
                )
            )
        }
        let (one, other) = (try host(), try host())
        try await one.start()
        try await other.start()
        let address = try #require(other.dialableAddresses.first { $0.components.contains(.ws) })
        try await one.connect(to: address)
        try await eventually { other.isConnected(to: one.peerID) }
        await one.stop()
        await other.stop()
    }
}
