/// The wait for something ended because its time was up.
struct DeadlineExceeded: Error, Hashable, Sendable {
    /// Makes the error.
    init() {}
}

/// Runs an operation and cancels it when its time is up.
///
/// - Throws: ``DeadlineExceeded`` when the time passed first, else what the operation throws. The operation must end
///   soon after it is cancelled: its end is waited for, so that nothing runs on unowned.
func withDeadline<Value: Sendable>(
    _ limit: Duration,
    clock: some Clock<Duration> = ContinuousClock(),
    _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await clock.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw DeadlineExceeded() }
        return value
    }
}
