import AsyncHTTPClient
import Inference
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1

/// The call that streams one answer: what its event loop brings, and what its reader takes.
///
/// The socket is read no further while the reader is `pauseCount` events behind, so that memory is bounded by one read
/// beyond them. Every wait of the reader has a deadline, for which one timer serves the whole answer.
final class AnswerConnection: HTTPClientResponseDelegate {
    typealias Response = Void

    /// Events that wait for the reader before the socket is read no further.
    private static let pauseCount = 64
    /// A body that is no stream is only looked at for what it says of the failure.
    private static let refusalLimit = 64 << 10

    private struct State {
        var events = CircularBuffer<AnswerEvent>()
        /// Nothing more is taken from the engine.
        var isEnding = false
        /// What comes after the events.
        var end: Result<Void, ChatEngineError>?
        var reader: CheckedContinuation<Void, Never>?
        var starter: CheckedContinuation<Void, Never>?
        /// Reads on.
        var paused: EventLoopPromise<Void>?
        var task: HTTPClient.Task<Void>?
        /// Looks whether the reader has waited for too long.
        var timer: Scheduled<Void>?
        /// The status of a refusal, and what it says.
        var refusal: (status: UInt, body: [UInt8])?
        var hasStarted = false
        /// The engine was given time enough to refuse.
        var startsWithoutHead = false
        var answer: AnswerReader
        /// Since when the reader waits.
        var waitsSince: Duration?
        var hasFirstToken = false

        /// What a body means that is no stream.
        var refusedError: ChatEngineError {
            guard let refusal, refusal.status != 200 else {
                return .failed("it answered with something that is no stream of events")
            }
            return EngineFault.error(status: refusal.status, body: refusal.body)
        }
    }

    private let state: NIOLockedValueBox<State>
    private let options: RemoteEngineOptions
    private let onEnd: @Sendable (AnswerConnection) -> Void
    private let begin = ContinuousClock.now

    /// - Parameter onEnd: called once, before the reader hears of the end.
    init(
        _ expected: AnswerReader.Expectation,
        options: RemoteEngineOptions,
        onEnd: @escaping @Sendable (AnswerConnection) -> Void
    ) {
        state = NIOLockedValueBox(State(answer: AnswerReader(expected)))
        self.options = options
        self.onEnd = onEnd
    }

    private var time: Duration { ContinuousClock.now - begin }

    // MARK: The reader's side

    /// Sends the request and waits a little for a refusal.
    func start(_ body: String, on client: EngineClient) async throws(ChatEngineError) {
        let task: HTTPClient.Task<Void>
        do throws(ChatEngineError) {
            task = try client.stream("/v1/chat/completions", body: body, to: self)
        } catch {
            fail(error)
            throw error
        }
        let isOver = state.withLockedValue { state in
            state.task = task
            return state.end != nil
        }
        if isOver { task.cancel() }
        watch(on: task.eventLoop)
        let wait = task.eventLoop.scheduleTask(in: .nanoseconds(options.refusalWait.nanoseconds)) {
            self.startWithoutHead()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLockedValue { state in
                    if state.hasStarted || state.startsWithoutHead || state.end != nil { return true }
                    state.starter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
        wait.cancel()
        let refusal = state.withLockedValue { state -> ChatEngineError? in
            guard !state.hasStarted, case .failure(let error)? = state.end else { return nil }
            return error
        }
        if let refusal { throw refusal }
    }

    /// The next event; one task at a time.
    func next() async throws(ChatEngineError) -> AnswerEvent? {
        while true {
            let (event, end, paused) = state.withLockedValue { state in
                let event = state.events.popFirst()
                if event != nil { state.waitsSince = nil }
                var paused: EventLoopPromise<Void>?
                if state.events.count <= Self.pauseCount / 2 { swap(&paused, &state.paused) }
                return (event, state.end, paused)
            }
            paused?.succeed()
            if let event { return event }
            if let end {
                try end.get()
                return nil
            }
            await wait()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLockedValue { state in
                    precondition(state.reader == nil, "an answer has one reader")
                    if !state.events.isEmpty || state.end != nil { return true }
                    state.reader = continuation
                    // Bytes that say nothing, such as those that keep a connection alive, are silence.
                    state.waitsSince = state.waitsSince ?? time
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Closes the connection; what was read before is still given, and an account of it.
    func cancel() {
        let time = time
        finish { state in
            state.events.append(state.answer.cancel(at: time))
            return .success(())
        }
    }

    /// Closes the connection for a reason.
    func fail(_ error: ChatEngineError) { finish { _ in .failure(error) } }

    // MARK: The end

    /// Ends the answer, unless it has ended.
    private func finish(_ outcome: (inout State) -> Result<Void, ChatEngineError>) {
        let isFirst = state.withLockedValue { state in
            defer { state.isEnding = true }
            return !state.isEnding
        }
        guard isFirst else { return }
        onEnd(self)
        let (timer, task) = state.withLockedValue { state in
            state.end = outcome(&state)
            return (state.timer, state.task)
        }
        timer?.cancel()
        task?.cancel()
        wake()
    }

    private func wake() {
        let (reader, paused) = state.withLockedValue { state in
            defer { (state.reader, state.paused) = (nil, state.end == nil ? state.paused : nil) }
            return (state.reader, state.end == nil ? nil : state.paused)
        }
        reader?.resume()
        paused?.succeed()
        wakeStarter()
    }

    private func startWithoutHead() {
        state.withLockedValue { $0.startsWithoutHead = true }
        wakeStarter()
    }

    private func wakeStarter() {
        let starter = state.withLockedValue { state in
            defer { state.starter = nil }
            return state.starter
        }
        starter?.resume()
    }

    /// Looks from time to time whether the reader has waited for too long.
    private func watch(on loop: any EventLoop) {
        let time = time
        let next = state.withLockedValue { state -> Duration? in
            guard state.end == nil else { return nil }
            let limit = state.hasFirstToken ? options.silenceDeadline : options.firstTokenDeadline
            guard let waitsSince = state.waitsSince else { return limit }
            return waitsSince + limit - time
        }
        guard let next else { return }
        guard next > .zero else { return fail(.failed("it has been silent for too long")) }
        // No later than a reader can be late that begins to wait right now.
        let timer = loop.scheduleTask(in: .nanoseconds(min(next, options.silenceDeadline).nanoseconds)) { [weak self] in
            guard let self else { return }
            self.watch(on: loop)
        }
        let isOver = state.withLockedValue { state in
            state.timer = timer
            return state.end != nil
        }
        if isOver { timer.cancel() }
    }

    // MARK: The event loop's side

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        let isStream = head.headers.first(name: "Content-Type")?.lowercased().contains("event-stream") ?? false
        let hasStarted = head.status == .ok && isStream
        state.withLockedValue { state in
            state.hasStarted = hasStarted
            if !hasStarted { state.refusal = (head.status.code, []) }
        }
        if hasStarted { wakeStarter() }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let time = time
        let (isRefusal, error) = state.withLockedValue { state -> (Bool, ChatEngineError?) in
            guard let said = state.refusal?.body.count else { return (false, nil) }
            state.refusal?.body += buffer.readableBytesView.prefix(Self.refusalLimit - said)
            // More of it is not waited for.
            return (true, said + buffer.readableBytes >= Self.refusalLimit ? state.refusedError : nil)
        }
        if isRefusal {
            if let error { fail(error) }
            return task.eventLoop.makeSucceededVoidFuture()
        }
        take { answer throws(ChatEngineError) in try answer.append(buffer.readableBytesView, at: time) }
        let promise = task.eventLoop.makePromise(of: Void.self)
        let isPaused = state.withLockedValue { state in
            guard state.end == nil, state.events.count > Self.pauseCount else { return false }
            state.paused = promise
            return true
        }
        if !isPaused { promise.succeed() }
        return promise.futureResult
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {
        let time = time
        let refused = state.withLockedValue { $0.refusal == nil ? nil : $0.refusedError }
        if let refused {
            fail(refused)
        } else {
            take { answer throws(ChatEngineError) in try answer.finish(at: time) }
        }
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        let hasStarted = state.withLockedValue(\.hasStarted)
        let text = EngineFault.words(for: error)
        fail(hasStarted ? .failed("its connection broke in the middle of the answer: \(text)") : .unavailable(text))
    }

    /// Hands over what bytes tell.
    private func take(_ read: (inout AnswerReader) throws(ChatEngineError) -> [AnswerEvent]) {
        var failure: ChatEngineError?
        let last = state.withLockedValue { state -> [AnswerEvent]? in
            guard !state.isEnding else { return nil }
            do throws(ChatEngineError) {
                let events = try read(&state.answer)
                if !events.isEmpty { state.hasFirstToken = true }
                if state.answer.isFinished { return events }
                state.events.append(contentsOf: events)
            } catch {
                failure = error
            }
            return nil
        }
        if let failure {
            fail(failure)
        } else if let last {
            finish { state in
                state.events.append(contentsOf: last)
                return .success(())
            }
        } else {
            wake()
        }
    }
}
