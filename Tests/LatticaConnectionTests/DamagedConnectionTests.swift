import LatticaCore
import LatticeTesting
import Logging
import Multiformats
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `Damaged connections` {
    let keypair = Keypair()

    /// A listener, and how its connections ended.
    private func withListener(
        limits: ConnectionLimits = ConnectionPair.patient,
        _ body: (Multiaddr, AsyncStream<ConnectionError>) async throws -> Void
    ) async throws {
        let (ends, continuation) = AsyncStream<ConnectionError>.makeStream()
        let settings = ConnectionSettings(
            keypair: keypair,
            limits: limits,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { connection in
            connection.whenEnded { continuation.yield($0) }
            return nil
        }
        let transport = TCPTransport(settings: settings, group: MultiThreadedEventLoopGroup.singleton)
        let listener = try await transport.listen(at: Multiaddr("/ip4/127.0.0.1/tcp/0"))
        try await body(listener.address, ends)
        // Whatever happened, the next peer is served; perhaps not at once where the deadline is short and the machine busy.
        try await waitUntil {
            guard let connection = try? await transport.dial(listener.address.appending(keypair.peerID)) else {
                return false
            }
            await connection.closeAndWait()
            return true
        }
        await listener.close()
    }

    /// Speaks to a listener byte by byte.
    private func speak(to address: Multiaddr, _ body: (RawPeer) async throws -> Void) async throws {
        let peer = try await RawPeer(connectingTo: address)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(peer)) } catch { outcome = .failure(error) }
        try? await peer.channel.close()
        try outcome.get()
    }

    @Test(arguments: 0..<8) func `random bytes instead of a handshake close the connection`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var bytes = ByteBuffer()
        // With a part of a true beginning, the nonsense meets the next layer.
        let beginning = MultistreamNegotiation(proposing: ["/noise"]).openingFlight()
        if seed % 2 == 1 { bytes.writeImmutableBuffer(beginning) }
        bytes.writeBytes(random.bytes(80_000))
        var limits = ConnectionLimits()
        // Nonsense may look like the beginning of something long, which is waited for.
        limits.upgradeTimeout = .seconds(1)
        try await withListener(limits: limits) { address, _ in
            try await speak(to: address) { peer in
                try await peer.write(bytes)
                await peer.drain()
            }
        }
    }

    @Test func `a silent stranger is closed at the deadline`() async throws {
        var limits = ConnectionLimits()
        limits.upgradeTimeout = .milliseconds(200)
        try await withListener(limits: limits) { address, _ in
            try await speak(to: address) { await $0.drain() }
        }
    }

    @Test func `strangers beyond the limit are closed at once`() async throws {
        var limits = ConnectionPair.patient
        limits.handshakes = 1
        try await withListener(limits: limits) { address, _ in
            try await speak(to: address) { peer in
                // The answer shows that the first is being served.
                try await peer.write(ByteBuffer(string: "\u{13}/multistream/1.0.0\n"))
                _ = await peer.next()
                try await speak(to: address) { await $0.drain() }
            }
            // The first has gone; its place is free once the listener has noticed.
            try await waitUntil {
                (try? await speak(to: address) { peer in
                    try await peer.write(ByteBuffer(string: "\u{13}/multistream/1.0.0\n"))
                    guard await peer.next() != nil else { throw ConnectionError.limitReached }
                }) != nil
            }
            try await waitUntil { await canConnect(to: address) }
        }
    }

    private func canConnect(to address: Multiaddr) async -> Bool {
        let settings = ConnectionSettings(keypair: Keypair(), logger: Logger(label: "test"))
        let transport = TCPTransport(settings: settings, group: MultiThreadedEventLoopGroup.singleton)
        guard let connection = try? await transport.dial(address) else { return false }
        await connection.closeAndWait()
        return true
    }

    @Test func `a bit flipped on a secured connection ends it`() async throws {
        try await withListener { address, ends in
            try await speak(to: address) { peer in
                var transport = try await peer.upgrade()
                var plaintext = ByteBuffer()
                YamuxHeader(kind: .ping, flags: .syn, stream: 0, length: 1).write(to: &plaintext)
                var wire = ByteBuffer()
                try transport.seal(&plaintext, into: &wire)
                var bytes = Array(wire.readableBytesView)
                bytes[10] ^= 4
                try await peer.write(ByteBuffer(bytes: bytes))
                await peer.drain()
            }
            #expect(await ends.first { _ in true } == .noise(.notAuthentic))
        }
    }

    private static let frames: [(YamuxHeader, YamuxError)] = [
        (.init(kind: .data, flags: .syn, stream: 2, length: 0), .invalidStreamID(2)),
        (.init(kind: .data, flags: .syn, stream: 1, length: 1 << 19), .windowExceeded(stream: 1)),
        (
            .init(kind: .data, flags: .syn, stream: 1, length: .max),
            .frameTooLong(declared: 0xffff_ffff, limit: 1 << 20)
        ),
    ]

    @Test(arguments: frames.indices) func `a broken rule of yamux ends the connection`(index: Int) async throws {
        let (header, error) = Self.frames[index]
        try await withListener { address, ends in
            try await speak(to: address) { peer in
                var transport = try await peer.upgrade()
                var plaintext = ByteBuffer()
                header.write(to: &plaintext)
                var wire = ByteBuffer()
                try transport.seal(&plaintext, into: &wire)
                try await peer.write(wire)
                await peer.drain()
            }
            #expect(await ends.first { _ in true } == .yamux(error))
        }
    }

    @Test(arguments: 0..<4) func `random bytes under the cipher end the connection`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let nonsense = random.bytes(60_000)
        try await withListener { address, ends in
            try await speak(to: address) { peer in
                var transport = try await peer.upgrade()
                var plaintext = ByteBuffer(bytes: nonsense)
                var wire = ByteBuffer()
                try transport.seal(&plaintext, into: &wire)
                try await peer.write(wire)
                await peer.drain()
            }
            let end = await ends.first { _ in true }
            guard case .yamux = end else {
                Issue.record("ended with \(String(describing: end)), seed \(seed)")
                return
            }
        }
    }
}

/// The other end of a connection, that says whatever a test wants.
private final class RawPeer: Sendable {
    let channel: any Channel
    private let received: AsyncStream<ByteBuffer>

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let bytes: AsyncStream<ByteBuffer>.Continuation

        init(_ bytes: AsyncStream<ByteBuffer>.Continuation) {
            self.bytes = bytes
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes.yield(unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) {
            bytes.finish()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    init(connectingTo address: Multiaddr) async throws {
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
        received = stream
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: Int(address.tcpEndpoint?.port ?? 0)).get()
    }

    /// Sends bytes; that the other side has closed is for the test to see otherwise.
    func write(_ bytes: ByteBuffer) async throws {
        channel.writeAndFlush(bytes, promise: nil)
    }

    func next() async -> ByteBuffer? {
        await received.first { _ in true }
    }

    /// Reads until the other side closes; a reset is a close too.
    func drain() async {
        for await _ in received {}
    }

    /// Finishes the handshake as a dialer should.
    func upgrade() async throws -> NoiseTransport {
        var upgrade = try ConnectionUpgrade(role: .dialer, keypair: Keypair())
        try await write(upgrade.openingFlight())
        var input = ByteBuffer()
        for await part in received {
            input.writeImmutableBuffer(part)
            var reply = ByteBuffer()
            let upgraded = try upgrade.receive(&input, reply: &reply)
            if reply.readableBytes > 0 { try await write(reply) }
            if let transport = upgraded?.transport { return transport }
        }
        throw ConnectionError.closedByPeer
    }
}

/// Waits for something to come true; the time limit of the test ends the wait.
func waitUntil(_ condition: () async throws -> Bool) async throws {
    while try await !condition() {
        try await Task.sleep(for: .milliseconds(5))
    }
}
