import LatticaConnection
import Logging
import Metrics
import NIOConcurrencyHelpers
public import LatticaCore
public import Multiformats

/// Reaching peers.
extension LatticaHost {
    /// Connects to the peer at an address, unless there is a connection with it already.
    ///
    /// The address is tried even if it has failed a moment ago: whoever names it wants to know.
    ///
    /// - Parameter address: of a form that one of the transports dials; with `/p2p/ID` behind it only that peer is accepted.
    /// - Returns: the peer that answered, and proved who it is.
    @discardableResult
    public func connect(to address: Multiaddr) async throws(DialError) -> PeerID {
        if let peer = address.peerID {
            if let held = liveConnection(with: peer) { return held.connection.remotePeer }
            guard peer != peerID else { throw .handshakeFailed(ConnectionError.isThisHost.description) }
        }
        return try await dial(.address(address)).remotePeer
    }

    /// Connects to a peer at the addresses that are known, unless there is a connection with it already.
    ///
    /// - Parameter isForced: addresses that have failed a moment ago are tried as well.
    public func connect(to peer: PeerID, isForced: Bool = false) async throws(DialError) {
        _ = try await connection(to: peer, isForced: isForced)
    }

    func connection(to peer: PeerID, isForced: Bool = false) async throws(DialError) -> HeldConnection {
        if let held = liveConnection(with: peer) { return held }
        guard peer != peerID else { throw .handshakeFailed(ConnectionError.isThisHost.description) }
        let connection = try await dial(.peer(peer, isForced: isForced))
        let held = state.withLockedValue { state in
            state.table.connections(with: peer).first { $0.handle.connection === connection }?.handle
        }
        // It may have ended already, which opening a stream on it will tell.
        return held ?? HeldConnection(connection)
    }

    private func dial(_ target: HostState.DialTarget) async throws(DialError) -> Connection {
        let found: Result<(Dial, isFirst: Bool), DialError> = state.withLockedValue { state in
            guard state.phase == .running else { return .failure(.stopped) }
            if let dial = state.dials[target] { return .success((dial, false)) }
            guard state.table.count < configuration.limits.connections else {
                return .failure(.limitReached("\(configuration.limits.connections) connections are open"))
            }
            guard state.dials.count < configuration.swarm.waitingDials else {
                return .failure(.limitReached("\(configuration.swarm.waitingDials) dials are under way"))
            }
            let dial = Dial()
            state.dials[target] = dial
            return .success((dial, true))
        }
        let (dial, isFirst) = try found.get()
        if isFirst {
            let hasBegun = tasks.add(on: configuration.executor) {
                let outcome = await self.attempt(target)
                self.tell(outcome, of: target)
                dial.finish(outcome)
            }
            if !hasBegun { dial.finish(.failure(.stopped)) }
        }
        return try await dial.wait()
    }

    private func tell(_ outcome: Dial.Outcome, of target: HostState.DialTarget) {
        state.withLockedValue { state in
            state.dials[target] = nil
            switch outcome {
            case .success: metrics.dials.increment()
            case .failure(let error):
                metrics.failedDials.increment()
                let peer: PeerID? =
                    switch target {
                    case .peer(let peer, _): peer
                    case .address(let address): address.peerID
                    }
                state.publish(.dialFailed(peer, error))
            }
        }
    }

    private func attempt(_ target: HostState.DialTarget) async -> Dial.Outcome {
        switch target {
        case .address(let address):
            return await attempt([address], peer: address.peerID, isForced: true)
        case .peer(let peer, let isForced):
            let now = elapsed()
            let known = book.withLockedValue { $0.addresses(of: peer, at: now) }
            let ranked = AddressRanking(own: listenAddresses).rank(known)
            guard !ranked.isEmpty else { return .failure(.noAddress(peer: "\(peer)")) }
            return await attempt(ranked, peer: peer, isForced: isForced)
        }
    }

    /// Tries what may be tried of the addresses.
    private func attempt(_ addresses: [Multiaddr], peer: PeerID?, isForced: Bool) async -> Dial.Outcome {
        let now = elapsed()
        var reasons: [String] = []
        let routes: [Route] = state.withLockedValue { state in
            addresses.compactMap { address in
                guard let transport = state.transports.first(where: { $0.canDial(address) }) else {
                    reasons.append("\(address): \(ConnectionError.addressNotSupported("\(address)"))")
                    return nil
                }
                guard state.gate.allows(address), peer.map(state.gate.allows) ?? true else {
                    reasons.append("\(address): the gate of this host does not let it pass")
                    metrics.gated.increment()
                    state.publish(.gated(peer, address))
                    return nil
                }
                let bare = address.withoutPeerID
                if !isForced, let pause = state.backOff.remaining(bare, of: peer, at: now) {
                    reasons.append("\(address): it has failed, and is left alone for another \(pause)")
                    metrics.backedOff.increment()
                    return nil
                }
                return Route(address: address, transport: transport)
            }
        }
        let name = peer.map { "\($0)" } ?? addresses.first.map { "\($0)" } ?? ""
        guard !routes.isEmpty else { return .failure(.unreachable(peer: name, reasons: reasons)) }
        return await race(routes, peer: peer, reasons: reasons)
    }

    private struct Route: Sendable {
        var address: Multiaddr
        var transport: any Transport
    }

    private enum Step: Sendable {
        case ended(Int, Result<Connection, ConnectionError>)
        case headStartOver(Int)
        case refusedTurn(Int)
        case deadline
    }

    /// Plays a ``DialPlan``: tries the addresses, each a little after the one before, until one has worked.
    private func race(_ routes: [Route], peer: PeerID?, reasons: [String]) async -> Dial.Outcome {
        var plan = DialPlan(count: routes.count, atOnce: configuration.swarm.dialsPerPeer)
        let (clock, headStart, timeout) = (
            configuration.clock, configuration.swarm.headStart, configuration.dialTimeout
        )
        let slots = slots
        return await withTaskGroup(of: Step.self) { group in
            /// - Returns: whether the plan goes on.
            func perform(_ actions: [DialPlan.Action]) -> Bool {
                for action in actions {
                    switch action {
                    case .attempt(let index):
                        let route = routes[index]
                        group.addTask { await Self.attempt(route, index, peer: peer, slots: slots) }
                    case .headStart(let index):
                        group.addTask {
                            try? await clock.sleep(for: headStart)
                            return .headStartOver(index)
                        }
                    case .giveUp:
                        return false
                    }
                }
                return true
            }
            group.addTask {
                try? await clock.sleep(for: timeout)
                return .deadline
            }
            var failures: [(Multiaddr, ConnectionError)] = []
            var outcome: Dial.Outcome?
            var goesOn = perform(plan.handle(.started))
            while goesOn, outcome == nil, let step = await group.next() {
                switch step {
                case .deadline:
                    for route in routes where !failures.contains(where: { $0.0 == route.address }) {
                        failed(route.address, .timedOut, peer)
                    }
                    outcome = .failure(Task.isCancelled ? .stopped : .timedOut)
                case .headStartOver(let index):
                    goesOn = perform(plan.handle(.headStartOver(of: index)))
                case .refusedTurn:
                    outcome = .failure(.limitReached("\(configuration.swarm.waitingDials) addresses wait to be tried"))
                case .ended(let index, .failure(let error)):
                    failures.append((routes[index].address, error))
                    failed(routes[index].address, error, peer)
                    goesOn = perform(plan.handle(.failed(index)))
                case .ended(let index, .success(let connection)):
                    succeeded(routes[index].address, peer, connection)
                    outcome = .success(connection)
                }
            }
            group.cancelAll()
            // An attempt may have come through in the meantime; one connection is enough.
            while let step = await group.next() {
                if case .ended(_, .success(let connection)) = step { connection.close() }
            }
            return outcome ?? .failure(Self.reason(of: failures, peer: peer, besides: reasons))
        }
    }

    private static func attempt(_ route: Route, _ index: Int, peer: PeerID?, slots: DialSlots) async -> Step {
        switch await slots.take() {
        case .refused: return .refusedTurn(index)
        case .cancelled: return .ended(index, .failure(.closed))
        case .granted: break
        }
        defer { slots.give() }
        do throws(ConnectionError) {
            return .ended(index, .success(try await route.transport.dial(route.address, expecting: peer)))
        } catch {
            return .ended(index, .failure(error))
        }
    }

    private func succeeded(_ address: Multiaddr, _ peer: PeerID?, _ connection: Connection) {
        let now = elapsed()
        book.withLockedValue { $0.prefer(address, for: connection.remotePeer, at: now) }
        state.withLockedValue { state in
            state.backOff.succeeded(address.withoutPeerID, of: peer)
            state.backOff.succeeded(address.withoutPeerID, of: connection.remotePeer)
        }
    }

    private func failed(_ address: Multiaddr, _ error: ConnectionError, _ peer: PeerID?) {
        logger.debug("an address did not work", metadata: ["address": "\(address)", "error": "\(error)"])
        // What this host itself has ended says nothing about the address.
        if error == .closed || error == .limitReached { return }
        let now = elapsed()
        random.withLockedValue { random in
            state.withLockedValue { $0.backOff.failed(address.withoutPeerID, of: peer, at: now, using: &random) }
        }
    }

    /// One failure is told as what it is, several by their reasons.
    private static func reason(
        of failures: [(Multiaddr, ConnectionError)],
        peer: PeerID?,
        besides others: [String]
    ) -> DialError {
        if others.isEmpty, failures.count == 1, let (_, error) = failures.first {
            switch error {
            case .transport, .addressNotSupported, .closedByPeer: break
            case .limitReached: return .limitReached("\(error)")
            case .timedOut: return .timedOut
            case .closed: return .stopped
            default: return .handshakeFailed("\(error)")
            }
        }
        let name = peer.map { "\($0)" } ?? failures.first.map { "\($0.0)" } ?? ""
        return .unreachable(peer: name, reasons: failures.map { "\($0.0): \($0.1)" } + others)
    }
}
