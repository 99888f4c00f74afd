internal import NIOConcurrencyHelpers

/// Requests on their way to the engine's thread, and its alarm clock.
///
/// `@unchecked Sendable`: everything that changes is touched with `lock` held. The lock's value says whether there is
/// something to look at.
final class Inbox: @unchecked Sendable {
    /// A request with the channel of its reader.
    struct Entry: Sendable {
        let request: GenerationRequest
        let channel: GenerationChannel
        /// What computes, for receipts.
        var origin = ReceiptOrigin(model: "", cache: .f32)
        /// A receipt to check: the answer is then read and not chosen.
        var claim: ReceiptClaim?
    }

    private let lock = ConditionLock(value: false)
    private let limit: Int
    private var waiting: [Entry] = []
    private var questions: [@Sendable ([UInt64]) -> Void] = []
    private var isClosed = false

    /// An inbox in which up to `limit` requests wait.
    init(limit: Int) { self.limit = limit }

    /// Queues `entry`, or refuses.
    func submit(_ entry: Entry) throws(GenerationError) {
        lock.lock()
        guard !isClosed else {
            lock.unlock()
            throw .closed
        }
        guard waiting.count < limit else {
            lock.unlock()
            throw .busy(waiting: limit)
        }
        waiting.append(entry)
        lock.unlock(withValue: true)
    }

    /// Asks the engine's thread for the prefixes in its cache; answers with none when the engine is closed or too many ask.
    func ask(_ question: @escaping @Sendable ([UInt64]) -> Void) {
        lock.lock()
        guard !isClosed, questions.count < limit else {
            lock.unlock()
            question([])
            return
        }
        questions.append(question)
        lock.unlock(withValue: true)
    }

    /// Takes what was asked.
    func takeQuestions() -> [@Sendable ([UInt64]) -> Void] {
        lock.lock()
        defer { lock.unlock() }
        defer { questions = [] }
        return questions
    }

    /// Makes the engine's thread look again.
    func wake() {
        lock.lock()
        lock.unlock(withValue: true)
    }

    /// Refuses requests from here on, and ends the engine's thread.
    func close() {
        lock.lock()
        isClosed = true
        lock.unlock(withValue: true)
    }

    /// Takes up to `count` requests, and all that were cancelled in the queue; waits for something to happen if `waits`.
    ///
    /// - Returns: `nil` when the inbox is closed. Requests that were still queued are ended.
    func take(_ count: Int, waits: Bool) -> [Entry]? {
        lock.lock()
        if waits, count == 0 || waiting.isEmpty {
            lock.unlock()
            lock.lock(whenValue: true)
        }
        defer { lock.unlock(withValue: false) }
        guard !isClosed else {
            for entry in waiting { entry.channel.end(.failure(.closed)) }
            waiting = []
            for question in questions { question([]) }
            questions = []
            return nil
        }
        let cancelled = waiting.filter(\.channel.isCancelled)
        if !cancelled.isEmpty { waiting.removeAll(where: \.channel.isCancelled) }
        let taken = waiting.prefix(count)
        waiting.removeFirst(taken.count)
        return cancelled + taken
    }
}
