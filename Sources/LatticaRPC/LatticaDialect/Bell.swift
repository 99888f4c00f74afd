import NIOConcurrencyHelpers

/// Wakes tasks that wait for something to change.
///
/// It counts how often it was rung. Whoever looks at the count first, then at the state, and then waits for a later
/// count, misses no change.
final class Bell: Sendable {
    private struct State {
        var count = 0
        var waiting: [Int: CheckedContinuation<Int?, Never>] = [:]
        var next = 0
    }

    private let state = NIOLockedValueBox(State())

    /// How often it was rung.
    var count: Int { state.withLockedValue(\.count) }

    func ring() {
        let (woken, count) = state.withLockedValue { state in
            state.count += 1
            let woken = state.waiting
            if !woken.isEmpty { state.waiting = [:] }
            return (woken, state.count)
        }
        for task in woken.values { task.resume(returning: count) }
    }

    /// Waits until the bell has been rung more often than was seen.
    ///
    /// - Returns: how often it was rung; `nil` if the task is cancelled.
    func wait(past seen: Int) async -> Int? {
        let number = state.withLockedValue { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (task: CheckedContinuation<Int?, Never>) in
                let answer: Int?? = state.withLockedValue { state in
                    // The handler below runs after the task is marked, so it finds what is put here later.
                    if Task.isCancelled { return .some(nil) }
                    if state.count > seen { return state.count }
                    state.waiting[number] = task
                    return nil
                }
                if let answer { task.resume(returning: answer) }
            }
        } onCancel: {
            let task = state.withLockedValue { $0.waiting.removeValue(forKey: number) }
            task?.resume(returning: nil)
        }
    }
}
