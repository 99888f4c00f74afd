import NIOConcurrencyHelpers

/// A condition did not come true in time.
public struct NeverHappened: Error, CustomStringConvertible {
    /// What was waited for.
    public let description: String
}

/// Waits until a condition holds, looking every millisecond.
///
/// - Parameter deadline: generous, for slow machines; it is only waited out by a test that fails.
public func eventually(
    _ what: String = "the condition",
    within deadline: Duration = .seconds(10),
    _ condition: @Sendable () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + deadline
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NeverHappened(description: "\(what) did not hold in \(deadline)") }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// A task that waits for the state to change; `false` is what it is woken with when it is cancelled.
typealias WaitingTask = CheckedContinuation<Bool, Never>

extension NIOLockedValueBox where Value: Sendable {
    /// Waits at a place of the state until it is woken there, unless the state is ready already.
    ///
    /// - Returns: `false` if the task is cancelled.
    func wait(
        at place: any WritableKeyPath<Value, WaitingTask?> & Sendable,
        unless isReady: @Sendable (Value) -> Bool
    ) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (task: WaitingTask) in
                let answer: Bool? = withLockedValue { state in
                    if isReady(state) { return true }
                    if Task.isCancelled { return false }
                    precondition(state[keyPath: place] == nil, "two tasks wait where one may")
                    state[keyPath: place] = task
                    return nil
                }
                if let answer { task.resume(returning: answer) }
            }
        } onCancel: {
            wake(place, with: false)
        }
    }

    /// Wakes the task that waits at a place, if there is one.
    func wake(_ place: any WritableKeyPath<Value, WaitingTask?> & Sendable, with answer: Bool = true) {
        let task = withLockedValue { state in
            let task = state[keyPath: place]
            state[keyPath: place] = nil
            return task
        }
        task?.resume(returning: answer)
    }
}
