import NIOCore
import Synchronization

/// One task's wait for something that an event loop decides.
///
/// It is finished once, by whoever comes first: the event, or the cancellation of the task, which may even come before
/// the wait has begun.
///
/// `@unchecked Sendable`: it is handed to the loop, and its state is touched there alone, which each method checks in
/// debug builds.
final class LoopWait<Value: Sendable, Failure: Error>: @unchecked Sendable {
    typealias Outcome = Result<Value, Failure>

    /// The task that waits.
    ///
    /// Its continuation is the unchecked one, which costs no allocation. `@safe`: the states below resume it exactly
    /// once.
    @safe struct Waiter {
        fileprivate let continuation: UnsafeContinuation<Outcome, Never>

        fileprivate func resume(returning outcome: Outcome) {
            unsafe continuation.resume(returning: outcome)
        }
    }

    private enum State {
        case fresh
        case waiting(Waiter)
        case finishedEarly(Outcome)
        case over
    }

    private let loop: any EventLoop
    private var state = State.fresh
    /// Orders what the loop did before the outcome and what the task does after it.
    ///
    /// The runtime does so too, but not in words that the thread sanitizer understands when a continuation is resumed
    /// before its task waits.
    private let isOver = Atomic(false)

    init(on loop: any EventLoop) {
        self.loop = loop
    }

    /// - Returns: whether the wait goes on; `false` if it was finished before it began.
    func begin(_ waiter: Waiter) -> Bool {
        loop.assertInEventLoop()
        switch state {
        case .fresh:
            state = .waiting(waiter)
            return true
        case .finishedEarly(let outcome):
            resume(waiter, outcome)
            return false
        case .waiting, .over:
            preconditionFailure("a wait begins once")
        }
    }

    func finish(_ outcome: Outcome) {
        loop.assertInEventLoop()
        switch state {
        case .fresh:
            state = .finishedEarly(outcome)
        case .waiting(let waiter):
            resume(waiter, outcome)
        case .finishedEarly, .over:
            break
        }
    }

    private func resume(_ waiter: Waiter, _ outcome: Outcome) {
        state = .over
        isOver.store(true, ordering: .releasing)
        waiter.resume(returning: outcome)
    }

    /// Called by the task once it has its outcome.
    fileprivate func ended() {
        _ = isOver.load(ordering: .acquiring)
    }
}

extension EventLoop {
    /// Runs the body on the loop: at once when already there.
    func run(_ body: @escaping @Sendable () -> Void) {
        if inEventLoop { body() } else { execute(body) }
    }

    /// Waits for an outcome.
    ///
    /// - Parameters:
    ///   - begin: called on the loop; arranges that the wait will be finished.
    ///   - cancel: called on the loop when the task is cancelled, perhaps before `begin`, and perhaps after the wait is
    ///     over; finishes the wait if it is not.
    func wait<Value: Sendable, Failure: Error>(
        begin: @escaping @Sendable (LoopWait<Value, Failure>) -> Void,
        cancel: @escaping @Sendable (LoopWait<Value, Failure>) -> Void
    ) async throws(Failure) -> Value {
        let wait = LoopWait<Value, Failure>(on: self)
        let outcome = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                let waiter = unsafe LoopWait<Value, Failure>.Waiter(continuation: continuation)
                run {
                    if wait.begin(waiter) { begin(wait) }
                }
            }
        } onCancel: {
            run { cancel(wait) }
        }
        wait.ended()
        return try outcome.get()
    }
}
