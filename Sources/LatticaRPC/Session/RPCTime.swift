import LatticaCore

/// Tells how long a session has lasted, which is all that its deadlines need.
struct RPCTime: Sendable {
    private let start: ContinuousClock.Instant?
    private let elapsed: (@Sendable () -> Duration)?

    init(_ clock: any Clock<Duration>) {
        // The clock of every process that is not a test is asked for every call, so it is not asked by way of a witness.
        start = clock is ContinuousClock ? .now : nil
        elapsed = start == nil ? clock.stopwatch() : nil
    }

    /// The time since the session began.
    func callAsFunction() -> Duration {
        if let start { return start.duration(to: .now) }
        return elapsed?() ?? .zero
    }
}
