import NIOConcurrencyHelpers

/// Moments that many tasks wait for, watched by one task.
///
/// For deadlines, which mostly are not reached: what a cancelled `sleep` has set up stays until its time would have been
/// over (Swift 6.3 on Linux), near 1 KB for each. A wait here leaves nothing behind.
public final class Timers: Sendable {
    /// Those of the continuous clock, for the whole process.
    static let continuous = Timers(clock: ContinuousClock())

    private struct State: Sendable {
        var entries: [Int: Entry] = [:]
        var next = 0
        var watch: Task<Void, Never>?
        /// When the watch wakes.
        var waking = Duration.zero

        mutating func makeNumber() -> Int {
            next += 1
            return next
        }
    }

    private struct Entry: Sendable {
        let deadline: Duration
        /// Told whether the moment has come; `false` if the wait was given up.
        let end: @Sendable (Bool) -> Void
    }

    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    private let state = NIOLockedValueBox(State())

    /// Timers of a clock.
    public init(clock: any Clock<Duration>) {
        self.clock = clock
        elapsed = clock.stopwatch()
    }

    deinit {
        state.withLockedValue { $0.watch }?.cancel()
    }

    /// Calls `expire` after a while, on any thread.
    ///
    /// - Returns: what cancels it.
    public func start(_ duration: Duration, _ expire: @escaping @Sendable () -> Void) -> Int {
        state.withLockedValue { state in
            let number = state.makeNumber()
            add(number, duration, &state) { if $0 { expire() } }
            return number
        }
    }

    /// Forgets a moment.
    public func cancel(_ number: Int) {
        state.withLockedValue { $0.entries.removeValue(forKey: number) }?.end(false)
    }

    /// Waits for a while.
    ///
    /// - Throws: at once when the task is cancelled.
    func sleep(for duration: Duration) async throws(CancellationError) {
        let number = state.withLockedValue { $0.makeNumber() }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { (task: CheckedContinuation<Bool, Never>) in
                let waits = state.withLockedValue { state in
                    // The handler below runs after the task is marked, so it finds what is put here later.
                    if Task.isCancelled { return false }
                    add(number, duration, &state) { task.resume(returning: $0) }
                    return true
                }
                if !waits { task.resume(returning: false) }
            }
        } onCancel: {
            cancel(number)
        }
        guard isOver else { throw CancellationError() }
    }

    private func add(
        _ number: Int,
        _ duration: Duration,
        _ state: inout State,
        _ end: @escaping @Sendable (Bool) -> Void
    ) {
        let deadline = elapsed() + duration
        state.entries[number] = Entry(deadline: deadline, end: end)
        if state.watch == nil || deadline < state.waking { watch(until: deadline, &state) }
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

    /// Ends the waits whose time is over, and looks for the next.
    private func expire() {
        let now = elapsed()
        let expired = state.withLockedValue { state in
            let expired = state.entries.filter { $0.value.deadline <= now }
            for number in expired.keys { state.entries[number] = nil }
            if let next = state.entries.values.lazy.map(\.deadline).min() {
                watch(until: next, &state)
            } else {
                state.watch?.cancel()
                state.watch = nil
            }
            return expired.values.map(\.end)
        }
        for end in expired { end(true) }
    }
}
