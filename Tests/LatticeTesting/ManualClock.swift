import NIOConcurrencyHelpers

/// A clock that stands still until a test moves it.
public final class ManualClock: Clock, Sendable {
    /// A moment, counted from the clock's beginning.
    public struct Instant: InstantProtocol {
        /// The time since the beginning.
        public let offset: Duration

        /// The moment so much later.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }

        /// The time until another moment.
        public func duration(to other: Instant) -> Duration { other.offset - offset }

        /// Whether one is before the other.
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Int: (wakes: Instant, task: CheckedContinuation<Void, any Error>)] = [:]
        var next = 0
    }

    private let state = NIOLockedValueBox(State())

    /// A clock at its beginning.
    public init() {}

    /// The moment at which the clock stands.
    public var now: Instant { state.withLockedValue(\.now) }

    /// None.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// How many tasks sleep.
    public var sleeperCount: Int { state.withLockedValue(\.sleepers.count) }

    /// Sleeps until the clock has been moved so far.
    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLockedValue { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (task: CheckedContinuation<Void, any Error>) in
                let answer: Result<Void, any Error>? = state.withLockedValue { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.now >= deadline { return .success(()) }
                    state.sleepers[id] = (deadline, task)
                    return nil
                }
                if let answer { task.resume(with: answer) }
            }
        } onCancel: {
            let sleeper = state.withLockedValue { $0.sleepers.removeValue(forKey: id) }
            sleeper?.task.resume(throwing: CancellationError())
        }
    }

    /// Moves the clock and wakes whom it is time for.
    public func advance(by duration: Duration) {
        let woken = state.withLockedValue { state in
            state.now = state.now.advanced(by: duration)
            let woken = state.sleepers.filter { $0.value.wakes <= state.now }
            for id in woken.keys { state.sleepers[id] = nil }
            return woken.values.sorted { $0.wakes < $1.wakes }
        }
        for sleeper in woken { sleeper.task.resume() }
    }

    /// Waits until so many tasks sleep, so that moving the clock reaches them.
    public func sleepers(atLeast count: Int) async throws {
        try await eventually("\(count) sleeping tasks") { self.sleeperCount >= count }
    }
}
