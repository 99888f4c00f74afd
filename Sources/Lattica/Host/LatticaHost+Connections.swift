import LatticaConnection
import Logging
import NIOConcurrencyHelpers
public import LatticaCore

/// The connections of a host.
extension LatticaHost {
    /// Events that a slow subscriber may lag behind; beyond, it misses the oldest, and can ask for ``connectedPeers``.
    private static let mostEvents = 1024

    /// The peers with which there is a connection.
    public var connectedPeers: [PeerID] {
        state.withLockedValue { Array($0.connections.keys) }
    }

    /// Whether there is a connection with a peer.
    public func isConnected(to peer: PeerID) -> Bool {
        state.withLockedValue { $0.connections[peer] != nil }
    }

    /// How long the last sign of life of a peer took; `nil` without connection, or before the first.
    public func roundTripTime(to peer: PeerID) -> Duration? {
        state.withLockedValue { $0.connections[peer] }?.compactMap(\.roundTripTime).min()
    }

    /// Runs tasks where the connection with a peer lives; `nil` without connection.
    ///
    /// A caller of many small exchanges that runs there pays no hops between threads for them. Nothing that computes for
    /// longer than about a millisecond belongs there.
    public func executor(for peer: PeerID) -> (any TaskExecutor)? {
        liveConnection(with: peer)?.executor
    }

    /// Ends all connections with a peer.
    public func disconnect(_ peer: PeerID) {
        for connection in state.withLockedValue({ $0.connections[peer] ?? [] }) { connection.close() }
    }

    /// What happens to the connections from now on, until the host stops.
    public func events() -> AsyncStream<HostEvent> {
        let (stream, continuation) = AsyncStream<HostEvent>.makeStream(
            bufferingPolicy: .bufferingNewest(Self.mostEvents)
        )
        let id: Int? = state.withLockedValue { state in
            if case .stopped = state.phase { return nil }
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

    /// A connection with the peer that takes streams.
    func liveConnection(with peer: PeerID) -> Connection? {
        state.withLockedValue { $0.connections[peer] }?.first(where: \.acceptsStreams)
    }

    /// What listening and dialling share.
    var transport: TCPTransport {
        let settings = ConnectionSettings(
            keypair: configuration.keypair,
            limits: configuration.limits,
            handlers: handlers,
            logger: logger,
            admit: { [weak self] connection in
                guard let self else { return .closed }
                return admit(connection)
            }
        )
        return TCPTransport(settings: settings, group: configuration.eventLoopGroup)
    }

    /// Enters a connection that is ready; on its event loop.
    ///
    /// - Returns: why it is not wanted.
    private func admit(_ connection: Connection) -> ConnectionError? {
        let peer = connection.remotePeer
        guard peer != peerID else { return .isThisHost }
        let limits = configuration.limits
        let refusal: ConnectionError? = state.withLockedValue { state in
            guard case .running = state.phase else { return .closed }
            let others = state.connections[peer]?.count ?? 0
            guard state.connectionCount < limits.connections, others < limits.connectionsPerPeer else {
                return .limitReached
            }
            state.connections[peer, default: []].append(connection)
            if others == 0 { Self.publish(.connected(peer), in: state) }
            return nil
        }
        if let refusal { return refusal }
        connection.whenEnded { [weak self] _ in self?.forget(connection) }
        let isSupervised = tasks.add {
            await self.identify(connection)
            _ = await connection.waitForEnd()
            await connection.closeAndWait()
        }
        return isSupervised ? nil : .closed
    }

    private func forget(_ connection: Connection) {
        let peer = connection.remotePeer
        state.withLockedValue { state in
            guard var left = state.connections[peer], let index = left.firstIndex(where: { $0 === connection }) else {
                return
            }
            left.remove(at: index)
            state.connections[peer] = left.isEmpty ? nil : left
            guard left.isEmpty else { return }
            state.identities[peer] = nil
            Self.publish(.disconnected(peer), in: state)
        }
    }

    private static func publish(_ event: HostEvent, in state: State) {
        for subscriber in state.subscribers.values { subscriber.yield(event) }
    }
}
