import LatticaConnection
import LatticaCore
import NIOConcurrencyHelpers

/// One attempt to reach a peer that several tasks may wait for.
final class Dial: Sendable {
    typealias Outcome = Result<Connection, DialError>

    private struct State {
        var outcome: Outcome?
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// Waits for the outcome.
    ///
    /// A cancelled task stops waiting with ``DialError/timedOut``; the attempt goes on for others.
    func wait() async throws(DialError) -> Connection {
        let id = state.withLockedValue { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: Outcome? = state.withLockedValue { state in
                    if let outcome = state.outcome { return outcome }
                    // Cancelled before, the handler has found nobody to wake.
                    if Task.isCancelled { return .failure(.timedOut) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiter = state.withLockedValue { $0.waiters.removeValue(forKey: id) }
            waiter?.resume(returning: .failure(.timedOut))
        }
        return try outcome.get()
    }

    func finish(_ outcome: Outcome) {
        let waiters = state.withLockedValue { state in
            guard state.outcome == nil else { return [CheckedContinuation<Outcome, Never>]() }
            state.outcome = outcome
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }
}
