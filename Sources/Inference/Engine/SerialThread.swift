internal import NIOConcurrencyHelpers

/// A thread that does one thing after the other, and a bounded queue of what it is to do.
///
/// `@unchecked Sendable`: everything that changes is touched with `lock` held. The lock's value says whether there is
/// something to look at.
final class SerialThread: @unchecked Sendable {
    /// Why something was not done.
    enum Refusal: Error { case busy, closed }

    private let lock = ConditionLock(value: false)
    private let limit: Int
    private var waiting: [@Sendable (Refusal?) -> Void] = []
    private var isClosed = false

    /// Starts the thread; up to `limit` calls wait.
    init(limit: Int) throws(ModelError) {
        self.limit = limit
        try startThread { [self] in
            while let jobs = take() { for job in jobs { job(nil) } }
        }
    }

    /// Ends the thread after what it is doing; what waits is refused.
    func close() {
        lock.lock()
        isClosed = true
        lock.unlock(withValue: true)
    }

    /// Waits for `body`, which runs on the thread.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(Refusal) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, Refusal>, Never>) in
            let refusal = submit { refusal in
                continuation.resume(returning: refusal.map { .failure($0) } ?? .success(body()))
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }

    private func submit(_ job: @escaping @Sendable (Refusal?) -> Void) -> Refusal? {
        lock.lock()
        let refusal: Refusal? = isClosed ? .closed : waiting.count >= limit ? .busy : nil
        if refusal == nil { waiting.append(job) }
        lock.unlock(withValue: true)
        return refusal
    }

    /// What is to be done, or `nil` when the thread is to end.
    private func take() -> [@Sendable (Refusal?) -> Void]? {
        lock.lock(whenValue: true)
        let jobs = waiting
        let ends = isClosed
        waiting = []
        lock.unlock(withValue: false)
        guard ends else { return jobs }
        for job in jobs { job(.closed) }
        return nil
    }
}
