import LatticaConnection
public import LatticaCore
import LatticaProtocols
import Logging
public import Multiformats
import NIOConcurrencyHelpers
import NIOCore
public import ServiceLifecycle

/// A peer: listens, dials, keeps connections, and gives protocols their streams.
///
/// It answers identify and ping by itself; everything else is registered with ``handle(_:with:)``. It runs once, from
/// ``start()`` to ``stop()``, or as a service of a `ServiceGroup`.
///
/// Handlers run on the event loop of their connection, where reading and writing cost no hops. What computes for longer
/// than about a millisecond must leave it, to an actor or a task of its own.
public final class LatticaHost: Host, Service {
    /// What the host was made with.
    public let configuration: LatticaConfiguration

    let book: NIOLockedValueBox<AddressBook> = .init(AddressBook())
    let state = NIOLockedValueBox(State())
    let tasks = TaskScope()
    let handlers = StreamHandlers()
    let logger: Logger
    let identifyService: IdentifyService
    let pingService: PingService

    struct State {
        enum Phase {
            case fresh, running, stopped
        }

        var phase = Phase.fresh
        var listeners: [any Listener] = []
        var connections: [PeerID: [Connection]] = [:]
        var identities: [PeerID: IdentifyMessage] = [:]
        var dials: [DialTarget: Dial] = [:]
        var subscribers: [Int: AsyncStream<HostEvent>.Continuation] = [:]
        var nextSubscriber = 0

        var connectionCount: Int { connections.values.reduce(0) { $0 + $1.count } }
    }

    enum DialTarget: Hashable {
        case peer(PeerID)
        case address(Multiaddr)
    }

    /// Makes a host that does nothing until it is started.
    public init(configuration: LatticaConfiguration) {
        self.configuration = configuration
        var logger = configuration.logger
        logger[metadataKey: "host"] = "\(configuration.keypair.peerID)"
        self.logger = logger
        let peerID = configuration.keypair.peerID
        let connected = HostReference(peerID: peerID, handlers: handlers, dials: false)
        let reachable = HostReference(peerID: peerID, handlers: handlers, dials: true)
        identifyService = IdentifyService(
            host: connected,
            local: { connected.host?.introduction() ?? IdentifyMessage() },
            onPush: { connected.host?.update($1, of: $0) }
        )
        pingService = PingService(host: reachable)
        connected.host = self
        reachable.host = self
    }

    /// The identity that this host proves to every peer.
    public var peerID: PeerID { configuration.keypair.peerID }

    // MARK: - Life

    /// Binds the addresses and accepts connections.
    ///
    /// When one address cannot be bound, none stays bound.
    public func start() async throws(HostError) {
        let isFresh = state.withLockedValue { state in
            guard case .fresh = state.phase else { return false }
            state.phase = .running
            return true
        }
        guard isFresh else { throw .alreadyStarted }
        var listeners: [any Listener] = []
        for address in configuration.listen {
            do {
                listeners.append(try await transport.listen(at: address))
            } catch {
                for listener in listeners { await listener.close() }
                throw .cannotListen(error)
            }
        }
        let bound = listeners
        let isStopped = state.withLockedValue { state in
            state.listeners = bound
            if case .stopped = state.phase { return true }
            return false
        }
        if isStopped {
            for listener in bound { await listener.close() }
        }
        logger.info("the host listens", metadata: ["addresses": "\(dialableAddresses)"])
    }

    /// Tells all peers that this host goes away, closes the connections, and waits until all handlers have ended.
    public func stop() async {
        let (listeners, connections, dials) = state.withLockedValue { state in
            state.phase = .stopped
            defer {
                state.listeners = []
                state.dials = [:]
            }
            return (state.listeners, state.connections.values.flatMap { $0 }, state.dials.values)
        }
        for listener in listeners { await listener.close() }
        for dial in dials { dial.finish(.failure(.stopped)) }
        for connection in connections { connection.close() }
        await tasks.cancelAndWait()
        let subscribers = state.withLockedValue { state in
            defer { state.subscribers = [:] }
            return state.subscribers.values
        }
        for subscriber in subscribers { subscriber.finish() }
    }

    /// Starts the host and runs it until the service group shuts down or the task is cancelled.
    public func run() async throws {
        try await start()
        // It throws when the task is cancelled, which ends the host just as well.
        try? await gracefulShutdown()
        await stop()
    }

    // MARK: - Streams

    /// Opens a stream to a peer, dialling it when there is no connection yet.
    ///
    /// With one protocol nothing is waited for: the proposal travels with the first data, and a peer that does not speak
    /// it resets the stream. With several the peer's choice is awaited.
    ///
    /// - Parameter protocols: acceptable protocols, the preferred first.
    public func openStream(to peer: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream {
        // The connection at hand may be ending; a fresh one then does.
        for _ in 0..<2 {
            let connection = try await connection(to: peer)
            if let stream = try await openStream(on: connection, protocols) { return stream }
        }
        throw .unreachable(peer: "\(peer)", reasons: ["the connection ended"])
    }

    /// Opens a stream on a connection; `nil` when it takes no more.
    func openStream(
        on connection: Connection,
        _ protocols: [ProtocolID]
    ) async throws(DialError) -> (any MuxedStream)? {
        do {
            return try await connection.openStream(protocols)
        } catch {
            switch error {
            case .connectionOver:
                connection.close()
                return nil
            case .limitReached(let limit): throw .limitReached(limit)
            case .notSupported: throw .protocolsNotSupported(protocols.map(\.name))
            case .timedOut: throw .timedOut
            }
        }
    }

    /// Answers the streams that peers open for a protocol; replaces the handler that did.
    public func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void) {
        handlers.register(id, handler)
    }

    // MARK: - Addresses

    /// Where the host listens, with the ports that the system gave; an unspecified address stands for those of all networks.
    public var listenAddresses: [Multiaddr] {
        state.withLockedValue { $0.listeners.map(\.address) }.flatMap(NetworkInterfaces.expand)
    }

    /// What other peers can be given to dial: the listening addresses with this host's id.
    public var dialableAddresses: [Multiaddr] {
        listenAddresses.map { $0.appending(peerID) }
    }

    /// Remembers where a peer may be reached.
    public func addAddress(_ address: Multiaddr, for peer: PeerID) {
        book.withLockedValue { $0.add(address, for: peer) }
    }

    /// Where a peer may be reached, as far as this host knows; what worked last comes first.
    public func addresses(of peer: PeerID) -> [Multiaddr] {
        book.withLockedValue { $0.addresses(of: peer) }
    }
}
