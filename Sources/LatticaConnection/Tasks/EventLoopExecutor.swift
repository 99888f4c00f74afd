import NIOCore

/// Runs tasks on an event loop.
///
/// A task that waits for bytes and answers with bytes then stays on the thread of its connection: a serial exchange
/// takes a third of the time it takes with two hops to the global pool. What computes for longer than about a
/// millisecond does not belong here, because every connection of the loop waits meanwhile.
final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute {
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
