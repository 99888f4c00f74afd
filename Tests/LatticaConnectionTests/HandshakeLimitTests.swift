import LatticaCore
import LatticeTesting
import Multiformats
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `Handshakes that never finish` {
    private let group = MultiThreadedEventLoopGroup.singleton

    /// Strangers that connect and say no more than a part of the first words.
    private func strangers(_ count: Int, to address: Multiaddr) async throws -> [any Channel] {
        var channels: [any Channel] = []
        for index in 0..<count {
            let channel = try await ClientBootstrap(group: group)
                .connect(host: "127.0.0.1", port: Int(address.tcpEndpoint?.port ?? 0)).get()
            let words = "\u{13}/multistream/1.0.0\n\u{07}/noise\n".prefix(index % 29)
            // One beyond the limit may be closed already.
            try? await channel.writeAndFlush(ByteBuffer(string: String(words)))
            channels.append(channel)
        }
        return channels
    }

    @Test(arguments: [[SecurityProtocol.noise], [.tls, .noise]]) func `are given up and counted`(
        security: [SecurityProtocol]
    ) async throws {
        var limits = ConnectionLimits()
        limits.handshakes = 50
        limits.upgradeTimeout = .seconds(2)
        let settings = ConnectionSettings(
            keypair: Keypair(),
            limits: limits,
            logger: ConnectionPair.quiet,
            security: security
        )
        let transport = TCPTransport(settings: settings, group: group)
        let listener = try await transport.listen(at: .localhost)
        let channels = try await strangers(60, to: listener.address)
        for channel in channels { try await channel.closeFuture.get() }
        let counts = transport.slots.counts
        #expect(counts.open == 0)
        // On a busy machine the first are given up, and free a place, before the last have come.
        #expect(counts.timedOut >= 50)
        #expect(counts.timedOut + counts.refused == 60)
        // The places are free again.
        let settled = ConnectionSettings(keypair: Keypair(), logger: ConnectionPair.quiet, security: security)
        let connection = try await TCPTransport(settings: settled, group: group).dial(listener.address)
        try await eventually("a finished handshake") { transport.slots.counts.finished == 1 }
        await connection.closeAndWait()
        await listener.close()
    }
}
