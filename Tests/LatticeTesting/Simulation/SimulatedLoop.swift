public import Dispatch
import NIOConcurrencyHelpers
public import NIOCore

#if canImport(Glibc)
import Glibc
#endif

/// An event loop whose time is virtual: one thread runs whatever is due, in the order of virtual time, and what is due at the
/// same time in the order in which it was asked for.
///
/// Nothing waits for real time, so hours pass as fast as their events can be worked off, and the same events come in the same
/// order every time. Tasks run on it through ``taskExecutor`` and wait by ``clock``. What runs elsewhere is not seen, and may
/// come too late: a simulation uses no sockets, files or other executors.
public final class SimulatedLoop: EventLoop {
    fileprivate typealias Work = @Sendable () -> Void

    private struct State: Sendable {
        var now: UInt64
        var order: UInt64 = 0
        var ready = CircularBuffer<Work>()
        var timers = TimerHeap()
        var runner: pthread_t?
        var worked = 0
    }

    /// Not zero, so that times before the beginning can be told.
    private static let beginning: UInt64 = 1_000_000_000

    private let state = NIOLockedValueBox(State(now: SimulatedLoop.beginning))
    /// Signalled when something is asked for by another thread than the one that runs the loop.
    private let visitors = DispatchSemaphore(value: 0)

    /// A loop at the beginning of its time, with nothing to do.
    public init() {}

    // MARK: - Time

    /// The virtual time.
    public var now: NIODeadline { .uptimeNanoseconds(state.withLockedValue(\.now)) }

    /// The virtual time since the beginning.
    public var elapsed: Duration { .nanoseconds(Int64(state.withLockedValue(\.now) - Self.beginning)) }

    /// Pieces of work done so far.
    public var workCount: Int { state.withLockedValue(\.worked) }

    /// What tasks wait by.
    public var clock: SimulatedClock { SimulatedClock(loop: self) }

    /// What tasks run on.
    public var taskExecutor: SimulatedExecutor { SimulatedExecutor(loop: self) }

    // MARK: - Running

    /// Does what is due, without moving time.
    public func run() {
        run(until: state.withLockedValue(\.now), orWhen: { false })
    }

    /// Moves time, and does what becomes due on the way.
    public func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let end = state.withLockedValue(\.now) + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
        run(until: end, orWhen: { false })
        state.withLockedValue { $0.now = max($0.now, end) }
    }

    /// Does what is due, jumping to what comes next whenever nothing is, until a condition holds.
    ///
    /// - Parameter patience: the real time to wait for another thread when there is nothing left to do.
    /// - Returns: `false` if there was nothing left to do.
    func run(until isOver: @Sendable () -> Bool, patience: Duration) -> Bool {
        while true {
            run(until: .max, orWhen: isOver)
            if isOver() { return true }
            let wait = DispatchTime.now() + .milliseconds(Int(patience.components.seconds * 1000))
            guard visitors.wait(timeout: wait) == .success else { return isOver() }
        }
    }

    private func run(until end: UInt64, orWhen isOver: () -> Bool) {
        let me = pthread_self()
        let before = state.withLockedValue { state in
            defer { state.runner = me }
            return state.runner
        }
        precondition(before == nil || before == me, "one thread runs the loop")
        defer { state.withLockedValue { $0.runner = before } }
        while !isOver(), let work = next(until: end) { work() }
    }

    private func next(until end: UInt64) -> Work? {
        state.withLockedValue { state in
            if let work = state.ready.popFirst() {
                state.worked += 1
                return work
            }
            while let timer = state.timers.first, timer.time <= end {
                state.timers.removeFirst()
                // It has been cancelled.
                guard let work = timer.take() else { continue }
                state.now = max(state.now, timer.time)
                state.worked += 1
                return work
            }
            return nil
        }
    }

    // MARK: - The event loop

    /// Whether this is the thread that runs the loop.
    public var inEventLoop: Bool {
        let me = pthread_self()
        return state.withLockedValue { $0.runner == me }
    }

    /// Does the work once all that is due has been done.
    public func execute(_ task: @escaping @Sendable () -> Void) {
        let me = pthread_self()
        let isVisitor = state.withLockedValue { state in
            state.ready.append(task)
            return state.runner != me
        }
        if isVisitor { visitors.signal() }
    }

    /// Does the work once it is time.
    @discardableResult
    public func scheduleTask<T>(
        deadline: NIODeadline,
        _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        let timer = schedule(at: deadline) {
            do {
                let result = try task()
                // Timers fire on this loop alone, so the result does not leave it.
                promise.assumeIsolatedUnsafeUnchecked().succeed(result)
            } catch {
                promise.fail(error)
            }
        }
        return Scheduled(promise: promise) { _ = timer.take() }
    }

    /// Does the work after a time.
    @discardableResult
    public func scheduleTask<T>(in time: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        scheduleTask(deadline: now + time, task)
    }

    /// Calls back once it is time.
    @discardableResult
    public func scheduleCallback(
        at deadline: NIODeadline,
        handler: some (NIOScheduledCallbackHandler & Sendable)
    ) throws -> NIOScheduledCallback {
        _scheduleCallback(at: deadline, handler: handler)
    }

    /// Calls back after a time.
    @discardableResult
    public func scheduleCallback(
        in amount: TimeAmount,
        handler: some (NIOScheduledCallbackHandler & Sendable)
    ) throws -> NIOScheduledCallback {
        _scheduleCallback(at: now + amount, handler: handler)
    }

    /// Nothing needs to be shut down.
    public func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(nil) }
    }

    fileprivate func schedule(at deadline: NIODeadline, _ work: @escaping Work) -> SimulatedTimer {
        let me = pthread_self()
        let (timer, isVisitor) = state.withLockedValue { state in
            state.order += 1
            let timer = SimulatedTimer(time: deadline.uptimeNanoseconds, order: state.order, work: work)
            state.timers.insert(timer)
            return (timer, state.runner != me)
        }
        if isVisitor { visitors.signal() }
        return timer
    }
}

// MARK: - Tasks

/// Runs tasks on a ``SimulatedLoop``.
public final class SimulatedExecutor: TaskExecutor {
    private let loop: SimulatedLoop

    fileprivate init(loop: SimulatedLoop) {
        self.loop = loop
    }

    /// Runs a piece of a task when its turn comes.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// The virtual time of a ``SimulatedLoop``.
public struct SimulatedClock: Clock, Sendable {
    /// A moment of virtual time.
    public typealias Instant = ManualClock.Instant

    private let loop: SimulatedLoop

    fileprivate init(loop: SimulatedLoop) {
        self.loop = loop
    }

    /// The virtual time.
    public var now: Instant { Instant(offset: loop.elapsed) }

    /// What the loop tells apart.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Sleeps in virtual time.
    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (task: CheckedContinuation<Void, any Error>) in
                guard sleeper.begin(task) else { return }
                let timer = loop.schedule(at: loop.now + TimeAmount(deadline.offset - now.offset)) {
                    sleeper.end(.success(()))
                }
                sleeper.remember(timer)
            }
        } onCancel: {
            sleeper.end(.failure(CancellationError()))
        }
    }
}

private final class Sleeper: Sendable {
    private struct State: Sendable {
        var task: CheckedContinuation<Void, any Error>?
        var timer: SimulatedTimer?
        var isCancelled = false
    }

    private let state = NIOLockedValueBox(State())

    /// - Returns: whether the sleep goes on; `false` if it was cancelled before it began.
    func begin(_ task: CheckedContinuation<Void, any Error>) -> Bool {
        let isCancelled = state.withLockedValue { state in
            if !state.isCancelled { state.task = task }
            return state.isCancelled
        }
        if isCancelled { task.resume(throwing: CancellationError()) }
        return !isCancelled
    }

    func remember(_ timer: SimulatedTimer) {
        state.withLockedValue { $0.timer = timer }
    }

    func end(_ result: Result<Void, any Error>) {
        let (task, timer) = state.withLockedValue { state in
            state.isCancelled = true
            defer {
                state.task = nil
                state.timer = nil
            }
            return (state.task, state.timer)
        }
        _ = timer?.take()
        task?.resume(with: result)
    }
}

// MARK: - Timers

/// Work that waits for its time.
private final class SimulatedTimer: Sendable {
    let time: UInt64
    let order: UInt64
    private let work: NIOLockedValueBox<SimulatedLoop.Work?>

    init(time: UInt64, order: UInt64, work: @escaping SimulatedLoop.Work) {
        self.time = time
        self.order = order
        self.work = .init(work)
    }

    /// The work, for one who does it or gives it up; `nil` the second time.
    func take() -> SimulatedLoop.Work? {
        work.withLockedValue { work in
            defer { work = nil }
            return work
        }
    }

    static func < (left: SimulatedTimer, right: SimulatedTimer) -> Bool {
        (left.time, left.order) < (right.time, right.order)
    }
}

/// A binary heap, the next timer first.
private struct TimerHeap: Sendable {
    private var timers: [SimulatedTimer] = []

    var first: SimulatedTimer? { timers.first }

    mutating func insert(_ timer: SimulatedTimer) {
        timers.append(timer)
        var index = timers.count - 1
        while index > 0, timers[index] < timers[(index - 1) / 2] {
            timers.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeFirst() {
        guard let last = timers.popLast(), !timers.isEmpty else { return }
        timers[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < timers.count && timers[child] < timers[least] {
                least = child
            }
            if least == index { return }
            timers.swapAt(index, least)
            index = least
        }
    }
}
