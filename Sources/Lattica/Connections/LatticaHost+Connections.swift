import LatticaConnection
import Logging
import Metrics
import Multiformats
import NIOConcurrencyHelpers
public import LatticaCore

/// The connections of a host.
extension LatticaHost {
    /// Events that a slow subscriber may lag behind; beyond, it misses the oldest, and can ask for ``connectedPeers``.
    private static let mostEvents = 1024

    /// The peers with which there is a connection.
    public var connectedPeers: [PeerID] {
        state.withLockedValue { Array($0.table.peers) }
    }

    /// Whether there is a connection with a peer.
    public func isConnected(to peer: PeerID) -> Bool {
        state.withLockedValue { $0.table.isConnected(to: peer) }
    }

    /// How long the way to a peer and back took when it was measured last; `nil` without connection, or before the first time.
    public func roundTripTime(to peer: PeerID) -> Duration? {
        state.withLockedValue { state in
            state.peers[peer]?.roundTripTime
                ?? state.table.connections(with: peer).compactMap(\.handle.connection.roundTripTime).min()
        }
    }

    /// Runs tasks where the connection with a peer lives; `nil` without connection.
    ///
    /// A caller of many small exchanges that runs there pays no hops between threads for them. Nothing that computes for
    /// longer than about a millisecond belongs there.
    public func executor(for peer: PeerID) -> (any TaskExecutor)? {
        liveConnection(with: peer)?.connection.executor
    }

    /// Ends all connections with a peer.
    public func disconnect(_ peer: PeerID) {
        for entry in state.withLockedValue({ $0.table.connections(with: peer) }) { entry.handle.connection.close() }
    }

    /// Keeps the connections with a peer from being pruned, or closed because nothing uses them.
    ///
    /// - Parameter tag: who wants it; the peer stays protected until every tag has been taken away.
    public func protect(_ peer: PeerID, tag: String) {
        state.withLockedValue { $0.table.protect(peer, tag: tag) }
    }

    /// Takes a tag of ``protect(_:tag:)`` away.
    ///
    /// - Returns: whether another tag still protects the peer.
    @discardableResult
    public func unprotect(_ peer: PeerID, tag: String) -> Bool {
        state.withLockedValue { $0.table.unprotect(peer, tag: tag) }
    }

    /// Which peers and networks this host has to do with.
    ///
    /// Connections that no longer pass are closed.
    public var gate: ConnectionGate {
        get { state.withLockedValue(\.gate) }
        set {
            let barred = state.withLockedValue { state in
                state.gate = newValue
                return state.table.all.filter {
                    !newValue.allows($0.peer) || !newValue.allows($0.handle.connection.remoteAddress)
                }
            }
            for entry in barred { entry.handle.connection.close() }
        }
    }

    /// What happens from now on, until the host stops.
    public func events() -> AsyncStream<HostEvent> {
        let (stream, continuation) = AsyncStream<HostEvent>.makeStream(
            bufferingPolicy: .bufferingNewest(Self.mostEvents)
        )
        let id: Int? = state.withLockedValue { state in
            if state.phase == .stopped { return nil }
            defer { state.nextSubscriber += 1 }
            state.subscribers[state.nextSubscriber] = continuation
            return state.nextSubscriber
        }
        if let id {
            continuation.onTermination = { [weak self] _ in
                self?.state.withLockedValue { _ = $0.subscribers.removeValue(forKey: id) }
            }
        } else {
            continuation.finish()
        }
        return stream
    }

    func publish(_ event: HostEvent) {
        state.withLockedValue { $0.publish(event) }
    }

    func liveConnection(with peer: PeerID) -> HeldConnection? {
        state.withLockedValue { $0.liveConnection(with: peer) }
    }

    /// The ways to reach peers, all letting connections in through this host.
    func makeTransports() throws -> [any Transport] {
        let settings = ConnectionSettings(
            keypair: configuration.keypair,
            limits: configuration.limits,
            handlers: inbound.handlers,
            logger: logger,
            security: configuration.security,
            reusesPort: configuration.reusesPort,
            capture: configuration.capture,
            admit: { [weak self] connection in
                guard let self else { return .closed }
                return admit(connection)
            },
            accept: { [weak self] remote in
                guard let self else { return false }
                return accept(remote)
            }
        )
        return try configuration.transports.map { try $0.transport(settings, on: configuration.eventLoopGroup) }
    }

    /// Judges where an inbound connection comes from; on its event loop.
    private func accept(_ remote: Multiaddr) -> Bool {
        let isAllowed = state.withLockedValue { state in
            let isAllowed = state.gate.allows(remote)
            if !isAllowed { state.publish(.gated(nil, remote)) }
            return isAllowed
        }
        if !isAllowed { metrics.gated.increment() }
        return isAllowed
    }

    /// Enters a connection that is ready; on its event loop.
    ///
    /// - Returns: why it is not wanted.
    private func admit(_ connection: Connection) -> ConnectionError? {
        let peer = connection.remotePeer
        guard peer != peerID else { return .isThisHost }
        let held = HeldConnection(connection)
        let now = elapsed()
        let first = (ping: jitter(configuration.pingInterval ?? .zero), identify: configuration.identifyInterval)
        let outcome: Result<UInt64, ConnectionError> = state.withLockedValue { state in
            guard state.phase == .running else { return .failure(.closed) }
            guard state.gate.allows(peer), state.gate.allows(connection.remoteAddress) else {
                state.publish(.gated(peer, connection.remoteAddress))
                metrics.gated.increment()
                return .failure(.gated)
            }
            let entered = state.table.add(
                held,
                with: peer,
                isOutbound: connection.isOutbound,
                isRelayed: connection.remoteAddress.isRelayed,
                at: now
            )
            guard let entered else { return .failure(.limitReached) }
            if entered.isFirst {
                state.peers[peer] = HostState.Peer(nextPing: now + first.ping, nextIdentify: now + first.identify)
                state.publish(.connected(peer))
            }
            metrics.connections.record(state.table.count)
            return .success(entered.id)
        }
        let id: UInt64
        switch outcome {
        case .failure(let refusal): return refusal
        case .success(let entered): id = entered
        }
        connection.whenEnded { [weak self] _ in self?.forget(id, peer) }
        let isSupervised = tasks.add(on: configuration.executor) {
            await self.identify(peer)
            _ = await connection.waitForEnd()
            await connection.closeAndWait()
        }
        prune(at: now)
        return isSupervised ? nil : .closed
    }

    private func forget(_ id: UInt64, _ peer: PeerID) {
        state.withLockedValue { state in
            guard let wasLast = state.table.remove(id, with: peer) else { return }
            metrics.connections.record(state.table.count)
            guard wasLast else { return }
            state.peers[peer] = nil
            state.publish(.disconnected(peer))
        }
    }
}
