import LatticaCore
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// The sessions of a client: one for each peer that is called, opened on demand.
///
/// A session that has ended is replaced at the next call. Sessions end when they are not used for a while, with their
/// connection, and with the client.
final class RPCSessions: Sendable {
    /// How a peer is called.
    enum Way: Sendable {
        /// By Lattice's protocol.
        case session(RPCSessionDriver)
        /// By that of Lattica; it was the only one that the peer speaks when it was asked.
        case lattica
    }

    private typealias Waiting = CheckedContinuation<Result<Way, RPCError>, Never>

    private enum Slot {
        case open(RPCSessionDriver)
        case opening(id: UInt64, waiting: [UInt64: Waiting])
        case lattica(until: Duration)
    }

    private struct State {
        var slots: [PeerID: Slot] = [:]
        var next: UInt64 = 0
        /// The tasks that open and run sessions.
        var tasks: [UInt64: Task<Void, Never>] = [:]
    }

    private let host: any Host
    private let limits: RPCLimits
    private let clock: any Clock<Duration>
    private let time: RPCTime
    private let fallback: [ProtocolID]
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    /// - Parameter fallback: what a peer may speak instead of Lattice's protocol.
    init(host: any Host, limits: RPCLimits, clock: any Clock<Duration>, fallback: [ProtocolID], logger: Logger) {
        self.host = host
        self.limits = limits
        self.clock = clock
        self.fallback = fallback
        self.logger = logger
        time = RPCTime(clock)
    }

    deinit {
        let (slots, tasks) = state.withLockedValue { ($0.slots.values, $0.tasks.values) }
        for case .open(let driver) in slots { driver.fail(.unavailable("the client has gone")) }
        for task in tasks { task.cancel() }
    }

    /// The way that is there already.
    func open(to peer: PeerID) -> Way? {
        let slot = state.withLockedValue { $0.slots[peer] }
        switch slot {
        case .open(let driver) where driver.end == nil: return .session(driver)
        case .lattica(let until) where time() < until: return .lattica
        case .open, .lattica, .opening, nil: return nil
        }
    }

    /// The way to a peer, dialling it when there is none.
    func way(to peer: PeerID, deadline: Duration?) async throws(RPCError) -> Way {
        if let way = open(to: peer) { return way }
        guard let deadline else { return try await wait(for: peer) }
        let way = try await clock.withDeadline(deadline) { [self] () async throws(RPCError) -> Way in
            try await wait(for: peer)
        }
        guard let way else { throw .deadlineExceeded }
        return way
    }

    /// Forgets what a peer speaks: it was asked for something that it did not understand, or has gone.
    func forget(_ peer: PeerID) {
        state.withLockedValue { state in
            if case .lattica = state.slots[peer] { state.slots[peer] = nil }
        }
    }

    /// Waits for the session that somebody opens; the first to come begins that.
    ///
    /// Opening goes on when one who waits gives up.
    private func wait(for peer: PeerID) async throws(RPCError) -> Way {
        let ticket = state.withLockedValue { state in
            state.next += 1
            return state.next
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (task: Waiting) in
                let answer: Result<Way, RPCError>? = state.withLockedValue { state in
                    if Task.isCancelled { return .failure(.cancelled) }
                    switch state.slots[peer] {
                    case .open(let driver) where driver.end == nil: return .success(.session(driver))
                    case .opening(let id, var waiting):
                        waiting[ticket] = task
                        state.slots[peer] = .opening(id: id, waiting: waiting)
                    case .open, .lattica, nil:
                        state.slots[peer] = .opening(id: ticket, waiting: [ticket: task])
                        begin(ticket, to: peer, &state)
                    }
                    return nil
                }
                if let answer { task.resume(returning: answer) }
            }
        } onCancel: {
            let task = state.withLockedValue { state -> Waiting? in
                guard case .opening(let id, var waiting) = state.slots[peer] else { return nil }
                let task = waiting.removeValue(forKey: ticket)
                state.slots[peer] = .opening(id: id, waiting: waiting)
                return task
            }
            task?.resume(returning: .failure(.cancelled))
        }
        return try outcome.get()
    }

    /// Opens a session and runs it, in a task that ends with it or with the client.
    private func begin(_ id: UInt64, to peer: PeerID, _ state: inout State) {
        let (host, fallback, limits, clock, logger) = (host, fallback, limits, clock, logger)
        state.tasks[id] = Task { [weak self] in
            let opened = await Self.openStream(host, to: peer, fallback: fallback)
            switch opened {
            case .failure(let error):
                self?.settle(id, peer, with: .failure(error))
            case .success(let stream) where stream.protocolID != .latticeRPC:
                stream.reset()
                self?.settle(id, peer, with: .success(.lattica))
            case .success(let stream):
                let driver = RPCSessionDriver(role: .caller, stream: stream, limits: limits, clock: clock)
                let running = Task(executorPreference: stream.executor) { await driver.run() }
                self?.settle(id, peer, with: .success(.session(driver)))
                let reason = await withTaskCancellationHandler {
                    await running.value
                } onCancel: {
                    driver.fail(.unavailable("the client has gone"))
                }
                logger.debug("a session has ended", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
            }
            self?.ended(id, peer)
        }
    }

    private static func openStream(
        _ host: any Host,
        to peer: PeerID,
        fallback: [ProtocolID]
    ) async -> Result<any MuxedStream, RPCError> {
        do throws(DialError) {
            return .success(try await host.openStream(to: peer, protocols: [.latticeRPC] + fallback))
        } catch {
            return .failure(RPCError(error))
        }
    }

    private func settle(_ id: UInt64, _ peer: PeerID, with outcome: Result<Way, RPCError>) {
        let now = time()
        let waiting = state.withLockedValue { state -> [Waiting] in
            guard case .opening(id, let waiting) = state.slots[peer] else { return [] }
            switch outcome {
            case .success(.session(let driver)): state.slots[peer] = .open(driver)
            case .success(.lattica): state.slots[peer] = .lattica(until: now + limits.idleSessionLifetime)
            case .failure: state.slots[peer] = nil
            }
            return Array(waiting.values)
        }
        for task in waiting { task.resume(returning: outcome) }
    }

    private func ended(_ id: UInt64, _ peer: PeerID) {
        state.withLockedValue { state in
            state.tasks[id] = nil
            if case .open(let driver) = state.slots[peer], driver.end != nil { state.slots[peer] = nil }
        }
    }
}
