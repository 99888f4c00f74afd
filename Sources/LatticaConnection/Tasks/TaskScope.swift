import NIOConcurrencyHelpers

/// Tasks that have one owner and end with it.
///
/// For work that an event begins and no function awaits, such as the handler of a stream that a peer opened. The owner
/// cancels and awaits whatever is left.
public final class TaskScope: Sendable {
    private struct State {
        var next: UInt64 = 0
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var isCancelled = false
    }

    private let state = NIOLockedValueBox(State())

    /// A scope without tasks.
    public init() {}

    /// Begins a task, unless the scope has been cancelled.
    ///
    /// - Parameter executor: where it runs; `nil` is the global pool.
    /// - Returns: whether it has begun.
    @discardableResult
    public func add(
        on executor: (any TaskExecutor)? = nil,
        _ operation: @escaping @Sendable () async -> Void
    ) -> Bool {
        state.withLockedValue { state in
            guard !state.isCancelled else { return false }
            let id = state.next
            state.next += 1
            // The task cannot remove itself before it is entered: the lock is held.
            state.tasks[id] = Task(executorPreference: executor) {
                await operation()
                self.remove(id)
            }
            return true
        }
    }

    /// Cancels all tasks and takes no more.
    public func cancel() {
        let tasks = state.withLockedValue { state in
            state.isCancelled = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
    }

    /// Cancels all tasks and waits until they have ended.
    public func cancelAndWait() async {
        cancel()
        for task in state.withLockedValue({ Array($0.tasks.values) }) { await task.value }
    }

    private func remove(_ id: UInt64) {
        _ = state.withLockedValue { $0.tasks.removeValue(forKey: id) }
    }
}
