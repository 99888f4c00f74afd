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
    /// - Parameter address: of a form that one of the transports dials, or `/dnsaddr/…`, which stands for those that the DNS has
    ///   there; with `/p2p/ID` behind it only that peer is accepted.
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
        var race = DialRace(peer: peer, name: peer.map { "\($0)" } ?? addresses.first.map { "\($0)" } ?? "")
        race.routes = routes(to: addresses.filter { !$0.isDNSAddr }, of: peer, isForced: isForced, &race.reasons)
        let names = addresses.filter(\.isDNSAddr)
        race.names = isForced ? names : untroubled(names, of: peer, &race.reasons)
        guard !race.routes.isEmpty || !race.names.isEmpty else {
            return .failure(.unreachable(peer: race.name, reasons: race.reasons))
        }
        return await run(race, isForced: isForced)
    }

    /// Which transport reaches which of the addresses, as far as they may be tried.
    ///
    /// - Parameter reasons: takes why others may not.
    func routes(
        to addresses: [Multiaddr],
        of peer: PeerID?,
        isForced: Bool,
        _ reasons: inout [String]
    ) -> [DialRace.Route] {
        let allowed: [DialRace.Route] = state.withLockedValue { state in
            addresses.compactMap { address in
                guard let transport = state.transports.first(where: { $0.canDial(address) }) else {
                    reasons.append("\(address): \(ConnectionError.addressNotSupported("\(address)"))")
                    return nil
                }
                let peer = peer ?? address.peerID
                guard peer != peerID else {
                    reasons.append("\(address): \(ConnectionError.isThisHost)")
                    return nil
                }
                guard state.gate.allows(address), peer.map(state.gate.allows) ?? true else {
                    reasons.append("\(address): the gate of this host does not let it pass")
                    metrics.gated.increment()
                    state.publish(.gated(peer, address))
                    return nil
                }
                return DialRace.Route(address: address, transport: transport)
            }
        }
        guard !isForced else { return allowed }
        let free = Set(untroubled(allowed.map(\.address), of: peer, &reasons))
        return allowed.filter { free.contains($0.address) }
    }

    /// The addresses that are not to be left alone for having failed.
    private func untroubled(_ addresses: [Multiaddr], of peer: PeerID?, _ reasons: inout [String]) -> [Multiaddr] {
        let now = elapsed()
        return state.withLockedValue { state in
            addresses.filter { address in
                guard let pause = state.backOff.remaining(address.withoutPeerID, of: peer, at: now) else { return true }
                reasons.append("\(address): it has failed, and is left alone for another \(pause)")
                metrics.backedOff.increment()
                return false
            }
        }
    }
}
