import LatticaCore
import Logging
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

/// What carries the connections of a test.
enum Wire: CaseIterable, CustomTestStringConvertible, Sendable {
    case memory
    case tcpWithNoise
    case tcpWithTLS

    var security: [SecurityProtocol] {
        switch self {
        case .memory, .tcpWithTLS: [.tls, .noise]
        case .tcpWithNoise: [.noise]
        }
    }

    var testDescription: String {
        switch self {
        case .memory: "memory, Noise"
        case .tcpWithNoise: "TCP, Noise"
        case .tcpWithTLS: "TCP, TLS"
        }
    }
}

/// Two peers with one connection.
struct ConnectionPair: Sendable {
    let dialer: Connection
    let listener: Connection

    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Deadlines that a busy machine does not miss, for tests of something else.
    static var patient: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.upgradeTimeout = .seconds(50)
        limits.pingTimeout = .seconds(50)
        return limits
    }

    /// Connects, runs the body and closes both ends.
    static func with(
        _ wire: Wire,
        limits: ConnectionLimits = Self.patient,
        capture: FrameCapture? = nil,
        handlers: StreamHandlers = .init(),
        _ body: (ConnectionPair) async throws -> Void
    ) async throws {
        let accepted = AsyncStream<Connection>.makeStream()
        let (alice, bob) = (Keypair(), Keypair())
        let dialing = ConnectionSettings(
            keypair: alice,
            limits: limits,
            logger: quiet,
            security: wire.security,
            capture: capture
        )
        let listening = ConnectionSettings(
            keypair: bob,
            limits: limits,
            handlers: handlers,
            logger: quiet,
            security: wire.security
        ) { connection in
            accepted.continuation.yield(connection)
            return nil
        }
        var listener: (any Listener)?
        let dialled: Connection
        switch wire {
        case .memory:
            dialled = try await MemoryLink.connect(dialing, listening, expecting: bob.peerID)
        case .tcpWithNoise, .tcpWithTLS:
            let group = MultiThreadedEventLoopGroup.singleton
            let bound = try await TCPTransport(settings: listening, group: group).listen(at: .localhost)
            listener = bound
            dialled = try await TCPTransport(settings: dialing, group: group)
                .dial(bound.address, expecting: bob.peerID)
        }
        guard let other = await accepted.stream.first(where: { _ in true }) else { throw ConnectionError.closed }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(ConnectionPair(dialer: dialled, listener: other)))
        } catch {
            outcome = .failure(error)
        }
        await dialled.closeAndWait()
        await other.closeAndWait()
        await listener?.close()
        try outcome.get()
    }
}

extension Multiaddr {
    /// Any free port of this machine.
    static let localhost = Multiaddr([.ip4(IPv4Address(bits: 0x7f00_0001)), .tcp(0)])
}

/// One end of a wire in memory; both ends live on one event loop.
///
/// It takes 256 KiB before it asks to write no more, and brings in one turn of the loop what was written in another.
final class MemoryLink: Link {
    private static let room = 256 * 1024

    let loop: any EventLoop
    private var receiver: (any LinkReceiver)?
    private weak var other: MemoryLink?
    private var underWay = ByteBuffer()
    private var isScheduled = false
    private var isClosed = false

    private init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Connects two hosts.
    ///
    /// - Returns: the dialer's side.
    static func connect(
        _ dialing: ConnectionSettings,
        _ listening: ConnectionSettings,
        expecting peer: PeerID?
    ) async throws -> Connection {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try await loop.flatSubmit {
            let (near, far) = (MemoryLink(loop: loop), MemoryLink(loop: loop))
            near.other = far
            far.other = near
            do {
                let listener = try Connection.over(
                    far,
                    isDialer: false,
                    settings: listening,
                    remoteAddress: Multiaddr([.memory(1)]),
                    expecting: nil
                )
                far.receiver = listener.receiver
                let dialer = try Connection.over(
                    near,
                    isDialer: true,
                    settings: dialing,
                    remoteAddress: Multiaddr([.memory(2)]),
                    expecting: peer
                )
                near.receiver = dialer.receiver
                // The wire lives as long as both connections.
                let wire = NIOLoopBound((near, far), eventLoop: loop)
                return dialer.connection.and(listener.connection).map { ends in
                    ends.0.whenEnded { _ in _ = wire }
                    return ends.0
                }
            } catch {
                return loop.makeFailedFuture(error)
            }
        }.get()
    }

    var isWritable: Bool { underWay.readableBytes < Self.room }

    func write(_ bytes: ByteBuffer) {
        underWay.writeImmutableBuffer(bytes)
        guard !isScheduled else { return }
        isScheduled = true
        let link = NIOLoopBound(self, eventLoop: loop)
        loop.execute { link.value.deliver() }
    }

    private func deliver() {
        isScheduled = false
        let wasFull = !isWritable
        let bytes = underWay
        underWay = ByteBuffer()
        other?.receiver?.linkReceived(bytes)
        other?.receiver?.linkReadCompleted()
        if wasFull { receiver?.linkBecameWritable() }
        if isClosed { end() }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if !isScheduled { end() }
    }

    private func end() {
        for link in [other, self].compactMap({ $0 }) {
            let receiver = link.receiver
            link.receiver = nil
            receiver?.linkEnded(.closedByPeer)
        }
    }
}
