import NIOCore

/// Keeps an event loop awake while an answer is about to come.
///
/// A loop that sleeps takes 30 µs and more to wake on a virtual machine, at each end of each exchange: most of the time
/// of a small call between neighbours. So after a small message the loop looks for the answer again and again, where
/// ``PollingChoice`` has found that worth it. Many messages that are under way together come in batches, which looking
/// early would only break up; they count for nothing here.
///
/// The loop serves everything else meanwhile, and gives up after ``PollingChoice/reach``.
///
/// `@unchecked Sendable`: everything happens on its loop.
final class AnswerPoll: NIOScheduledCallbackHandler, @unchecked Sendable {
    /// Messages of more bytes than this, in one flush or one read, are a batch.
    private static let smallMessage = 384

    /// Between two looks; enough for the loop to look at its sockets in between, which it does only when nothing is due.
    private static let step = TimeAmount.microseconds(1)

    private let loop: any EventLoop
    private var choice = PollingChoice()
    private var unflushedBytes = 0
    private var unfinishedBytes = 0
    /// When a small message left that has not been answered.
    private var flushed: NIODeadline?
    private var isPolling = false

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Bytes wait for a flush.
    func hasWritten(_ count: Int) {
        unflushedBytes += count
    }

    /// What was written was sent.
    func hasFlushed() {
        let isSmall = unflushedBytes <= Self.smallMessage
        unflushedBytes = 0
        guard isSmall else {
            flushed = nil
            return
        }
        let now = NIODeadline.now()
        flushed = now
        if choice.polls, !isPolling { look(at: now) }
    }

    /// Bytes came.
    func hasRead(_ count: Int) {
        unfinishedBytes += count
    }

    /// All bytes that were there have come.
    func hasFinishedRead() {
        let isSmall = unfinishedBytes <= Self.smallMessage
        unfinishedBytes = 0
        guard let flushed else { return }
        self.flushed = nil
        if isSmall { choice.answered(after: .now() - flushed) }
    }

    private func look(at now: NIODeadline) {
        isPolling = (try? loop.scheduleCallback(at: now + Self.step, handler: self)) != nil
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        let now = NIODeadline.now()
        // Between the answer and the next flush there is work, and no sleep.
        guard let flushed, now - flushed < PollingChoice.reach else {
            isPolling = false
            return
        }
        look(at: now)
    }
}
