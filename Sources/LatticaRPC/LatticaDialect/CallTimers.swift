import LatticaCore
import NIOConcurrencyHelpers

/// The deadlines of many calls, watched by one task.
///
/// Calls mostly end long before: a task for each would cost more than the call.
final class CallTimers: Sendable {
    private struct State {
        var calls: [Int: (deadline: Duration, expire: @Sendable () -> Void)] = [:]
        var next = 0
        var watch: Task<Void, Never>?
        /// When the watch wakes.
        var waking = Duration.zero
    }

    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    private let state = NIOLockedValueBox(State())

    init(clock: any Clock<Duration>) {
        self.clock = clock
        elapsed = clock.stopwatch()
    }

    deinit {
        state.withLockedValue { $0.watch }?.cancel()
    }

    /// Calls `expire` after a while, on any thread.
    ///
    /// - Returns: what cancels it.
    func start(_ duration: Duration, _ expire: @escaping @Sendable () -> Void) -> Int {
        let deadline = elapsed() + duration
        return state.withLockedValue { state in
            state.next += 1
            state.calls[state.next] = (deadline, expire)
            if state.watch == nil || deadline < state.waking { watch(until: deadline, &state) }
            return state.next
        }
    }

    /// Forgets a deadline.
    func cancel(_ number: Int) {
        _ = state.withLockedValue { $0.calls.removeValue(forKey: number) }
    }

    private func watch(until deadline: Duration, _ state: inout State) {
        state.watch?.cancel()
        state.waking = deadline
        let wait = max(.zero, deadline - elapsed())
        state.watch = Task { [clock, weak self] in
            do { try await clock.sleep(for: wait) } catch { return }
            self?.expire()
        }
    }

    /// Ends the calls whose time is over, and waits for the next.
    private func expire() {
        let now = elapsed()
        let expired = state.withLockedValue { state in
            let expired = state.calls.filter { $0.value.deadline <= now }
            for number in expired.keys { state.calls[number] = nil }
            state.watch = nil
            if let next = state.calls.values.lazy.map(\.deadline).min() { watch(until: next, &state) }
            return expired.values.map(\.expire)
        }
        for expire in expired { expire() }
    }
}
