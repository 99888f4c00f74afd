import LatticaConnection
import LatticaCore
import LatticaProtocols
import Logging
import Metrics
import Multiformats
import NIOConcurrencyHelpers

/// What a host does from time to time.
extension LatticaHost {
    /// Peers pinged or identified in one round; the others have their turn in the next.
    private static let mostChecksPerRound = 64

    /// How often the file is written at most: a crash loses no more than what was learned since.
    private static let keepingInterval: Duration = .seconds(30)

    /// How long changes are gathered before peers are told.
    private static let introductionDelay: Duration = .milliseconds(500)

    /// How long streams that were opened while a connection is given up may take to end; shorter than a round.
    private static let farewell: Duration = .seconds(1)

    /// Peers told of a change at the same time.
    private static let pushesAtOnce = 16

    /// Often enough to keep every interval within a tenth.
    private var round: Duration {
        let intervals = [configuration.pingInterval, configuration.swarm.idleTimeout, configuration.identifyInterval]
        let shortest = intervals.compactMap { $0 }.min() ?? .seconds(50)
        return max(.milliseconds(50), min(.seconds(5), shortest / 10))
    }

    /// Looks after connections, peers and addresses until the task is cancelled.
    func keepUp() async {
        let clock = configuration.clock
        var nextKeeping = elapsed() + Self.keepingInterval
        while !Task.isCancelled {
            do { try await clock.sleep(for: jitter(round)) } catch { return }
            let now = elapsed()
            closeIdle(at: now)
            prune(at: now)
            check(at: now)
            guard now >= nextKeeping else { continue }
            nextKeeping = now + Self.keepingInterval
            book.withLockedValue { book in
                book.expire(at: now)
                metrics.knownPeers.record(book.peerCount)
            }
            introduceAgain()
            await keepAddressBook()
        }
    }

    /// Up to a tenth more or less.
    func jitter(_ interval: Duration) -> Duration {
        random.withLockedValue { interval * Int.random(in: 900...1100, using: &$0) / 1000 }
    }

    /// Closes connections that nothing uses, and those that double others.
    private func closeIdle(at now: Duration) {
        let mayBeIdle = configuration.swarm.idleTimeout != nil
        let isNeeded = state.withLockedValue { mayBeIdle || $0.table.count > $0.table.peers.count }
        guard isNeeded else { return }
        let streams = streamCounts()
        let over = state.withLockedValue { state in
            let redundant = state.table.redundant(at: now) { streams[$0] ?? 0 }
            let idle = state.table.idle(at: now) { streams[$0] ?? 0 }
            for peer in Set(idle.map(\.peer)).sorted() { state.publish(.pruned(peer)) }
            metrics.pruned.increment(by: idle.count)
            return redundant + idle
        }
        for entry in over {
            logger.debug("a connection that nothing uses is closed", metadata: ["peer": "\(entry.peer)"])
            // A stream that the peer opens at this moment is let through.
            entry.handle.connection.goAway(within: Self.farewell)
        }
    }

    /// Closes the least valuable connections when there are too many.
    func prune(at now: Duration) {
        guard state.withLockedValue(\.table.isOverHighWater) else { return }
        let streams = streamCounts()
        let spared = state.withLockedValue { state in
            let spared = state.table.spared(at: now) { streams[$0] ?? 0 }
            for entry in spared { state.publish(.pruned(entry.peer)) }
            metrics.pruned.increment(by: spared.count)
            return spared
        }
        for entry in spared {
            logger.debug("a connection is closed to make room", metadata: ["peer": "\(entry.peer)"])
            entry.handle.connection.close()
        }
    }

    private func streamCounts() -> [PeerID: Int] {
        var counts: [PeerID: Int] = [:]
        // Outside of the lock: asking a stream whether it is held may let go of it, which tells its connection.
        for entry in state.withLockedValue(\.table.all) {
            counts[entry.peer, default: inbound.working(of: entry.peer)] += entry.handle.streamCount
        }
        return counts
    }

    /// Measures the way to peers whose turn it is, and asks again who they are.
    private func check(at now: Duration) {
        let (pings, questions) = state.withLockedValue { state in
            var pings: [PeerID] = []
            var questions: [PeerID] = []
            let due = state.peers.filter { known in
                known.value.nextIdentify <= now || configuration.pingInterval != nil && known.value.nextPing <= now
            }
            for (peer, known) in due.sorted(by: { $0.key < $1.key }) {
                guard pings.count + questions.count < Self.mostChecksPerRound else { break }
                if let interval = configuration.pingInterval, known.nextPing <= now {
                    state.peers[peer]?.nextPing = now + interval
                    pings.append(peer)
                }
                if known.nextIdentify <= now {
                    state.peers[peer]?.nextIdentify = now + configuration.identifyInterval
                    questions.append(peer)
                }
            }
            return (pings, questions)
        }
        for peer in pings {
            tasks.add(on: configuration.executor) { await self.measure(peer) }
        }
        for peer in questions {
            tasks.add(on: configuration.executor) { await self.identify(peer) }
        }
    }

    private func measure(_ peer: PeerID) async {
        do {
            guard let time = try await pingService.ping(peer, through: connected).first else { return }
            state.withLockedValue { $0.peers[peer]?.roundTripTime = time }
        } catch {
            logger.debug("a peer did not answer a ping", metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
    }

    // MARK: - Introducing

    /// Tells connected peers what has changed of what this host says of itself, after a moment in which more may change.
    func introduceAgain() {
        let begins = state.withLockedValue { state in
            guard state.phase == .running, !state.isIntroducing else { return false }
            state.isIntroducing = true
            return true
        }
        guard begins else { return }
        tasks.add(on: configuration.executor) {
            try? await self.configuration.clock.sleep(for: Self.introductionDelay)
            self.state.withLockedValue { $0.isIntroducing = false }
            guard !Task.isCancelled else { return }
            await self.introduceChanges()
        }
    }

    private func introduceChanges() async {
        let message = introduction()
        let (isChanged, peers) = state.withLockedValue { state in
            let before = state.introduced
            guard before != message else { return (false, [PeerID]()) }
            state.introduced = message
            if before?.listenAddresses != message.listenAddresses {
                state.publish(.addressesChanged(message.listenAddresses))
            }
            // Whoever connects later is told then.
            let listeners = state.peers.filter { $0.value.identity?.protocols.contains(.identifyPush) == true }
            return (before != nil, listeners.keys.sorted())
        }
        guard isChanged else { return }
        await withTaskGroup(of: Void.self) { group in
            for (index, peer) in peers.enumerated() {
                if index >= Self.pushesAtOnce { await group.next() }
                group.addTask {
                    do {
                        try await self.identifyService.push(to: peer)
                    } catch {
                        self.logger.debug("a push failed", metadata: ["peer": "\(peer)", "error": "\(error)"])
                    }
                }
            }
        }
    }
}
