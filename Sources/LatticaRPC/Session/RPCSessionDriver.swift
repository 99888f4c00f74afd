import LatticaCore
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Runs one session on its stream: a task that reads, a task that writes, and a timer.
///
/// The calls are in a value behind a lock that is held for moments. What all calls have to say gathers there, and
/// leaves in one write when the writing task gets its turn; it runs where the stream lives, so what one read of the
/// socket brought is answered in one write.
final class RPCSessionDriver: Sendable {
    typealias CallID = RPCSession.CallID

    struct State {
        var session: RPCSession
        var waits: [CallID: RPCCallWaits] = [:]
        /// The writing task, when it waits for something to write.
        var writer: RPCCallWaits.Signal?
        /// Who waits for all handlers to have ended.
        var drained: RPCCallWaits.Signal?
        var timer: (due: Duration, task: Task<Void, Never>)?
        /// Since when there has been no call.
        var idleSince: Duration?
        var events: [RPCSession.Event] = []
    }

    let stream: any MuxedStream
    let limits: RPCLimits
    let time: RPCTime
    private let clock: any Clock<Duration>
    private let state: NIOLockedValueBox<State>
    /// Begins the work on a call of the peer.
    private let opened: (@Sendable (RPCSessionDriver, CallID, RPCHeader) -> Void)?

    init(
        role: RPCSession.Role,
        stream: any MuxedStream,
        limits: RPCLimits,
        clock: any Clock<Duration>,
        opened: (@Sendable (RPCSessionDriver, CallID, RPCHeader) -> Void)? = nil
    ) {
        self.stream = stream
        self.limits = limits
        self.clock = clock
        self.opened = opened
        time = RPCTime(clock)
        state = NIOLockedValueBox(State(session: RPCSession(role: role, limits: limits)))
    }

    /// Why the session has ended; `nil` while it goes on.
    var end: RPCError? { state.withLockedValue { $0.session.end } }

    // MARK: - Life

    /// Runs the session to its end, and the handlers of its calls.
    ///
    /// - Returns: why it ended.
    @discardableResult
    func run() async -> RPCError {
        async let writing: Void = write()
        let reason = await read()
        fail(reason)
        stream.reset()
        await writing
        await handlersEnded()
        return end ?? reason
    }

    /// Ends the session and all its calls.
    func fail(_ error: RPCError) {
        update { $0.session.fail(error) }
        let timer = state.withLockedValue { state in
            defer { state.timer = nil }
            return state.timer
        }
        timer?.task.cancel()
    }

    private func read() async -> RPCError {
        do throws(StreamError) {
            while var bytes = try await stream.read() {
                while true {
                    let now = time()
                    let hasMore: Bool
                    switch update({ state in state.receive(bytes, at: now) }) {
                    case .success(let more): hasMore = more
                    case .failure(let failure): return failure
                    }
                    guard hasMore else { break }
                    bytes = ByteBuffer()
                    await Task.yield()
                }
            }
            return .unavailable("the peer closed the session")
        } catch {
            return RPCError(error)
        }
    }

    private func write() async {
        var buffer = ByteBuffer()
        while await takeOutput(into: &buffer) {
            do throws(StreamError) {
                try await stream.write(buffer)
            } catch {
                fail(RPCError(error))
                return stream.reset()
            }
            // Unless it has become large, or somebody has it still, its storage serves again.
            if buffer.storageCapacity > 4 * RPCSession.highWater { buffer = ByteBuffer() } else { buffer.clear() }
        }
        try? await stream.closeWrite()
        stream.reset()
    }

    /// Takes what is to be sent, as soon as there is anything.
    ///
    /// - Returns: `false` when the session has ended.
    private func takeOutput(into buffer: inout ByteBuffer) async -> Bool {
        while true {
            let (hasTaken, isOver) = update { state in
                let hasTaken = state.session.takeOutput(into: &buffer)
                return (hasTaken, !hasTaken && state.session.end != nil)
            }
            if hasTaken || isOver { return hasTaken }
            await withCheckedContinuation { (task: RPCCallWaits.Signal) in
                let isReady = state.withLockedValue { state in
                    if state.session.output.readableBytes > 0 || state.session.end != nil { return true }
                    state.writer = task
                    return false
                }
                if isReady { task.resume() }
            }
        }
    }

    // MARK: - The calls

    /// Changes the calls, then wakes whom that concerns.
    @discardableResult
    func update<Value>(_ body: (inout State) -> Value) -> Value {
        let (value, wakes) = state.withLockedValue { state in
            let value = body(&state)
            return (value, settle(&state))
        }
        if let wakes {
            wakes.perform()
            for (id, header) in wakes.opened { opened?(self, id, header) }
        }
        return value
    }

    /// Finds out whom the last change concerns.
    private func settle(_ state: inout State) -> RPCWakes? {
        let hasOutput = state.writer != nil && (state.session.output.readableBytes > 0 || state.session.end != nil)
        if state.session.role == .caller { settleIdleness(&state) }
        guard hasOutput || state.session.hasEvents else { return nil }
        var wakes = RPCWakes()
        if hasOutput { wakes.signal(&state.writer) }
        state.session.takeEvents(into: &state.events)
        for event in state.events {
            switch event {
            case .opened(let id, let header):
                wakes.opened.append((id, header))
                state.waits[id] = RPCCallWaits()
                if let deadline = state.session.calls[id]?.deadline { arm(&state, at: deadline) }
            case .readable(let id):
                if state.waits[id]?.receiver != nil { wakes.signal(&state.waits[id, default: .init()].receiver) }
            case .writable(let id):
                if state.waits[id]?.sender != nil { wakes.signal(&state.waits[id, default: .init()].sender) }
            case .ended(let id):
                ended(id, &state, &wakes)
            }
        }
        return wakes
    }

    private func ended(_ id: CallID, _ state: inout State, _ wakes: inout RPCWakes) {
        guard var waits = state.waits[id] else { return }
        wakes.signal(&waits.receiver)
        wakes.signal(&waits.sender)
        if let task = waits.reply, let reply = state.session.takeReply(id) {
            wakes.replies.append((task, reply))
            waits.reply = nil
        }
        if let handler = waits.handler { wakes.cancelled.append(handler) }
        // A server's entry stays until the handler has ended.
        if state.session.role == .caller, waits.isEmpty {
            state.waits[id] = nil
        } else {
            state.waits[id] = waits
        }
    }

    // MARK: - Time

    private func settleIdleness(_ state: inout State) {
        guard state.session.calls.isEmpty, state.session.end == nil else { return state.idleSince = nil }
        guard state.idleSince == nil else { return }
        let now = time()
        state.idleSince = now
        arm(&state, at: now + limits.idleSessionLifetime)
    }

    /// Sees to it that the timer fires by then.
    ///
    /// It may fire for a call that has ended: that costs a look every few seconds, and not a task for every call.
    func arm(_ state: inout State, at due: Duration) {
        guard state.session.end == nil else { return }
        if let timer = state.timer {
            guard due < timer.due else { return }
            timer.task.cancel()
        }
        let wait = due - time()
        let clock = clock
        let task = Task {
            do { try await clock.sleep(for: max(.zero, wait)) } catch { return }
            fire(due)
        }
        state.timer = (due, task)
    }

    private func fire(_ due: Duration) {
        let now = time()
        update { state in
            // Another may have taken its place while this one woke.
            guard state.timer?.due == due else { return }
            state.timer = nil
            if let next = state.session.expire(at: now) { arm(&state, at: next) }
            guard let idleSince = state.idleSince else { return }
            if idleSince + limits.idleSessionLifetime <= now {
                state.session.fail(.unavailable("the session was not used"))
            } else {
                arm(&state, at: idleSince + limits.idleSessionLifetime)
            }
        }
    }

    // MARK: - Handlers

    /// Has the handler cancelled when its call ends.
    func setHandler(_ task: Task<Void, Never>, of id: CallID) {
        let isOver = state.withLockedValue { state in
            guard state.waits[id] != nil else { return false }
            state.waits[id]?.handler = task
            return state.session.calls[id] == nil
        }
        if isOver { task.cancel() }
    }

    /// A handler has ended.
    func handlerEnded(_ id: CallID) {
        let drained = state.withLockedValue { state in
            state.waits[id] = nil
            guard state.waits.isEmpty, state.session.end != nil else { return nil as RPCCallWaits.Signal? }
            defer { state.drained = nil }
            return state.drained
        }
        drained?.resume()
    }

    private func handlersEnded() async {
        await withCheckedContinuation { (task: RPCCallWaits.Signal) in
            let isDone = state.withLockedValue { state in
                if state.session.role == .caller || state.waits.isEmpty { return true }
                state.drained = task
                return false
            }
            if isDone { task.resume() }
        }
    }
}

extension RPCSessionDriver.State {
    /// Frames taken before what they gave rise to is sent.
    ///
    /// With all that one read of the socket brings at once, each end would wait for the other to be done: half of the
    /// time nobody works. A few frames cost more than the write that they share.
    private static let framesInATurn = 16

    /// Takes bytes of the peer.
    ///
    /// - Returns: whether there is more to take among those at hand.
    fileprivate mutating func receive(_ bytes: ByteBuffer, at now: Duration) -> Result<Bool, RPCError> {
        Result { () throws(RPCError) in
            try session.receive(bytes, at: now, atMost: Self.framesInATurn)
        }
    }
}
