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

    let state: NIOLockedValueBox<HostState>
    let book = NIOLockedValueBox(AddressBook())
    let random: NIOLockedValueBox<any RandomNumberGenerator & Sendable>
    /// The time since the host was made.
    let elapsed: @Sendable () -> Duration
    let tasks = TaskScope()
    let inbound: InboundStreams
    let slots: DialSlots
    let lookupSlots: DialSlots
    let metrics = HostMetrics()
    let logger: Logger
    let identifyService: IdentifyService
    let pingService: PingService
    /// Opens streams on connections that there are, for protocols that must not call anybody back.
    let connected: HostReference

    /// Makes a host that does nothing until it is started.
    public init(configuration: LatticaConfiguration) {
        self.configuration = configuration
        let peerID = configuration.keypair.peerID
        var logger = configuration.logger
        logger[metadataKey: "host"] = "\(peerID)"
        self.logger = logger
        let clock = configuration.clock
        elapsed = clock.stopwatch()
        state = .init(HostState(configuration))
        random = .init(configuration.randomness)
        let inbound = InboundStreams(limits: configuration.swarm)
        self.inbound = inbound
        slots = DialSlots(configuration.swarm.dials, waiters: configuration.swarm.waitingDials)
        lookupSlots = DialSlots(configuration.swarm.lookups, waiters: configuration.swarm.waitingDials)
        let connected = HostReference(peerID: peerID, inbound: inbound, dials: false)
        let reachable = HostReference(peerID: peerID, inbound: inbound, dials: true)
        self.connected = connected
        identifyService = IdentifyService(
            host: connected,
            clock: clock,
            local: { connected.host?.introduction() ?? IdentifyMessage() },
            onPush: { connected.host?.update($1, of: $0) }
        )
        pingService = PingService(host: reachable, clock: clock, randomness: configuration.randomness)
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
        let transports: [any Transport]
        do { transports = try makeTransports() } catch { throw .transportFailed("\(error)") }
        let isFresh = state.withLockedValue { state in
            guard case .fresh = state.phase else { return false }
            state.phase = .running
            state.transports = transports
            return true
        }
        guard isFresh else { throw .alreadyStarted }
        await restoreAddressBook()
        var listeners: [any Listener] = []
        for address in configuration.listen {
            do throws(ListenError) {
                guard let transport = transports.first(where: { $0.canListen(at: address) }) else {
                    throw .addressNotSupported("\(address)")
                }
                listeners.append(try await transport.listen(at: address))
            } catch {
                for listener in listeners { await listener.close() }
                throw .cannotListen(error)
            }
        }
        let bound = listeners
        let isStopped = state.withLockedValue { state in
            state.listeners = bound
            return state.phase == .stopped
        }
        if isStopped {
            for listener in bound { await listener.close() }
            return
        }
        let introduced = introduction()
        state.withLockedValue { $0.introduced = introduced }
        tasks.add(on: configuration.executor) { await self.keepUp() }
        logger.info("the host listens", metadata: ["addresses": "\(dialableAddresses)"])
    }

    /// Lets handlers at work end within `stopGrace`, tells all peers that this host goes away, closes the connections, and waits
    /// until all handlers have ended.
    public func stop() async {
        let (listeners, dials) = state.withLockedValue { state in
            state.phase = .stopped
            defer {
                state.listeners = []
                state.dials = [:]
            }
            return (state.listeners, state.dials.values)
        }
        for listener in listeners { await listener.close() }
        for dial in dials { dial.finish(.failure(.stopped)) }
        await letHandlersEnd()
        for held in state.withLockedValue({ $0.table.all }) { held.handle.connection.close() }
        await tasks.cancelAndWait()
        await keepAddressBook()
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

    private func letHandlersEnd() async {
        inbound.close()
        let grace = configuration.stopGrace
        guard grace > .zero else { return }
        for entry in state.withLockedValue({ $0.table.all }) { entry.handle.connection.goAway(within: grace) }
        let clock = configuration.clock
        let waited = clock.stopwatch()
        while inbound.working > 0, waited() < grace {
            do { try await clock.sleep(for: grace / 50) } catch { return }
        }
    }

    // MARK: - Streams

    /// Opens a stream to a peer, dialling it when there is no connection yet.
    ///
    /// With one protocol nothing is waited for: the proposal travels with the first data, and a peer that does not speak
    /// it resets the stream. With several the peer's choice is awaited.
    ///
    /// - Parameter protocols: acceptable protocols, the preferred first.
    public func openStream(to peer: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream {
        // A connection may end between being found and being used; the second time it is a fresh one.
        for _ in 0..<2 {
            let held = try await connection(to: peer)
            if let stream = try await held.openStream(protocols) { return stream }
        }
        throw .unreachable(peer: "\(peer)", reasons: ["the connection ended"])
    }

    /// Answers the streams that peers open for a protocol; replaces the handler that did.
    ///
    /// Peers that are connected are told of it.
    public func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void) {
        inbound.answer(id, with: handler)
        introduceAgain()
    }

    // MARK: - Addresses

    /// Where the host listens, with the ports that the system gave; an unspecified address stands for those of all networks.
    public var listenAddresses: [Multiaddr] {
        state.withLockedValue { $0.listeners.map(\.address) }.flatMap(NetworkInterfaces.expand)
    }

    /// Where enough other peers have seen this host, and it does not listen as far as it knows: the outside of a NAT.
    public var observedAddresses: [Multiaddr] {
        let own = listenAddresses
        let now = elapsed()
        return state.withLockedValue { $0.observed.confirmed(at: now) }.filter { !own.contains($0) }
    }

    /// What other peers can be given to dial: the listening and the observed addresses with this host's id.
    public var dialableAddresses: [Multiaddr] {
        (listenAddresses + observedAddresses).map { $0.appending(peerID) }
    }

    /// Remembers where a peer may be reached.
    public func addAddress(_ address: Multiaddr, for peer: PeerID) {
        let now = elapsed()
        book.withLockedValue { $0.add(address, for: peer, source: .user, at: now) }
    }

    /// Where a peer may be reached, as far as this host knows; what worked last comes first.
    public func addresses(of peer: PeerID) -> [Multiaddr] {
        let now = elapsed()
        return book.withLockedValue { $0.addresses(of: peer, at: now) }.map(\.address)
    }
}
