import LatticaConnection
import LatticaCore
import Logging
import Multiformats
import NIOConcurrencyHelpers

/// Trying addresses side by side.
extension LatticaHost {
    private enum Step: Sendable {
        case ended(Int, Result<Connection, ConnectionError>)
        case found([Multiaddr], [DNSAddrError])
        case headStartOver(Int)
        case refusedTurn
        case deadline
    }

    /// Plays a ``DialPlan``: tries the addresses, each a little after the one before, until one has worked.
    ///
    /// Names are looked up meanwhile; what they lead to is tried behind what is there.
    func run(_ race: DialRace, isForced: Bool) async -> Dial.Outcome {
        var race = race
        let peer = race.peer
        var plan = DialPlan(
            count: race.routes.count,
            atOnce: configuration.swarm.dialsPerPeer,
            isWaiting: !race.names.isEmpty
        )
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
                        let route = race.routes[index]
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
            if !race.names.isEmpty {
                let names = race.names
                group.addTask {
                    let (addresses, failures) = await self.resolve(names)
                    return .found(addresses, failures)
                }
            }
            var outcome: Dial.Outcome?
            var goesOn = perform(plan.handle(.started))
            while goesOn, outcome == nil, let step = await group.next() {
                switch step {
                case .deadline:
                    for address in race.untold { failed(address, .timedOut, peer) }
                    outcome = .failure(Task.isCancelled ? .stopped : .timedOut)
                case .headStartOver(let index):
                    goesOn = perform(plan.handle(.headStartOver(of: index)))
                case .refusedTurn:
                    outcome = .failure(.limitReached("\(configuration.swarm.waitingDials) addresses wait to be tried"))
                case .found(let addresses, let failures):
                    let more = join(addresses, failures, to: &race, isForced: isForced)
                    goesOn = perform(plan.handle(.found(more)))
                case .ended(let index, .failure(let error)):
                    race.failed(race.routes[index].address, error)
                    failed(race.routes[index].address, error, peer)
                    goesOn = perform(plan.handle(.failed(index)))
                case .ended(let index, .success(let connection)):
                    succeeded(race.routes[index].address, peer, connection)
                    outcome = .success(connection)
                }
            }
            group.cancelAll()
            // An attempt may have come through in the meantime; one connection is enough.
            while let step = await group.next() {
                if case .ended(_, .success(let connection)) = step { connection.close() }
            }
            return outcome ?? .failure(race.outcome)
        }
    }

    /// Adds what the names have led to, ranked.
    ///
    /// - Returns: how many addresses were added.
    private func join(
        _ addresses: [Multiaddr],
        _ failures: [DNSAddrError],
        to race: inout DialRace,
        isForced: Bool
    ) -> Int {
        race.failed(failures)
        // A name leads to many peers; what none of them has answered says nothing about the name.
        for name in race.names { addresses.isEmpty ? backOff(name, race.peer) : forgive(name, race.peer) }
        let tried = Set(race.routes.map(\.address.withoutPeerID))
        let found = addresses.filter { !tried.contains($0.withoutPeerID) }
            .map { AddressBook.Known(address: $0, source: .user, expires: nil, hasWorked: false) }
        let ranked = AddressRanking(own: listenAddresses).rank(found)
        let routes = routes(to: ranked, of: race.peer, isForced: isForced, &race.reasons)
        race.routes += routes
        return routes.count
    }

    private static func attempt(_ route: DialRace.Route, _ index: Int, peer: PeerID?, slots: DialSlots) async -> Step {
        switch await slots.take() {
        case .refused: return .refusedTurn
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
        forgive(address, peer)
        forgive(address, connection.remotePeer)
    }

    private func failed(_ address: Multiaddr, _ error: ConnectionError, _ peer: PeerID?) {
        logger.debug("an address did not work", metadata: ["address": "\(address)", "error": "\(error)"])
        // What this host itself has ended says nothing about the address.
        if error == .closed || error == .limitReached { return }
        backOff(address, peer)
    }

    private func forgive(_ address: Multiaddr, _ peer: PeerID?) {
        state.withLockedValue { $0.backOff.succeeded(address.withoutPeerID, of: peer) }
    }

    private func backOff(_ address: Multiaddr, _ peer: PeerID?) {
        let now = elapsed()
        random.withLockedValue { random in
            state.withLockedValue { $0.backOff.failed(address.withoutPeerID, of: peer, at: now, using: &random) }
        }
    }
}
