import NIOConcurrencyHelpers

/// Lets so many attempts go on at once; others wait in turn.
final class DialSlots: Sendable {
    enum Turn: Equatable {
        case granted, refused, cancelled
    }

    private struct State {
        var free: Int
        var nextWaiter = 0
        var waiters: [(id: Int, task: CheckedContinuation<Turn, Never>)] = []
    }

    private let mostWaiters: Int
    private let state: NIOLockedValueBox<State>

    init(_ count: Int, waiters: Int) {
        mostWaiters = waiters
        state = .init(State(free: max(1, count)))
    }

    /// How many wait for their turn.
    var waiterCount: Int { state.withLockedValue(\.waiters.count) }

    /// Waits for a slot, which is to be given back if it is granted.
    func take() async -> Turn {
        let id = state.withLockedValue { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { task in
                let known: Turn? = state.withLockedValue { state in
                    if Task.isCancelled { return .cancelled }
                    if state.free > 0 {
                        state.free -= 1
                        return .granted
                    }
                    guard state.waiters.count < mostWaiters else { return .refused }
                    state.waiters.append((id, task))
                    return nil
                }
                if let known { task.resume(returning: known) }
            }
        } onCancel: {
            let waiter = state.withLockedValue { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.task.resume(returning: .cancelled)
        }
    }

    /// Gives a slot back.
    func give() {
        let next = state.withLockedValue { state in
            if state.waiters.isEmpty {
                state.free += 1
                return nil as CheckedContinuation<Turn, Never>?
            }
            return state.waiters.removeFirst().task
        }
        next?.resume(returning: .granted)
    }
}
