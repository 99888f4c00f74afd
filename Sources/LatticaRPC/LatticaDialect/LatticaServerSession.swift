import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// The calls that arrive on one stream, and their answers.
///
/// One task reads frames and begins calls, one writes what handlers have made ready, one watches over first messages that
/// are held back, and each call whose argument is complete has a task. All have ended when ``run()`` returns. The reader waits while too much is unsent, so a caller who
/// does not read is not read either.
final class LatticaServerSession: Sendable {
    private struct Call {
        var method: RPCMethod
        /// The argument as far as it has arrived; `nil` once the handler has it.
        var argument: ByteBuffer? = ByteBuffer()
        var argumentLength = 0
        var task: Task<Void, Never>?
        /// The first message of the answer, until it is known whether another follows.
        var held: ByteBuffer?
    }

    private struct State {
        var calls: [String: Call] = [:]
        /// Of all calls.
        var argumentBytes = 0
        var out = BincodeWriter()
        /// Calls with a message held back.
        var holding: [String] = []
        var tasks: [Int: Task<Void, Never>] = [:]
        var nextTask = 0
        var isOver = false
        /// When the next group of items may follow, counted from the beginning of the stream.
        var nextGroup: Duration = .zero
    }

    private let stream: any MuxedStream
    private let methods: any LatticaMethods
    private let limits: RPCLimits
    private let bounds: LatticaDialect.Bounds
    private let clock: any Clock<Duration>
    private let budget: PeerBudget
    private let elapsed: @Sendable () -> Duration
    private let state = NIOLockedValueBox(State())
    /// Rung when there is something to write.
    private let work = Bell()
    /// Rung when what was unsent has been taken.
    private let room = Bell()
    /// Rung when a message is held back.
    private let holding = Bell()

    init(
        stream: any MuxedStream,
        methods: any LatticaMethods,
        limits: RPCLimits,
        bounds: LatticaDialect.Bounds,
        clock: any Clock<Duration>,
        budget: PeerBudget
    ) {
        self.stream = stream
        self.methods = methods
        self.limits = limits
        self.bounds = bounds
        self.clock = clock
        self.budget = budget
        elapsed = clock.stopwatch()
    }

    /// Answers until the caller closes the stream or breaks the rules.
    ///
    /// - Returns: why it ended, unless in good order.
    func run() async -> RPCError? {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sendReady() }
            group.addTask { await self.releaseHeld() }
            let error = await read()
            if error == nil {
                // A caller who says that it sends no more still gets its answers.
                await withTaskCancellationHandler {
                    for task in tasks { await task.value }
                } onCancel: {
                    for task in tasks { task.cancel() }
                }
            }
            state.withLockedValue { state in
                state.isOver = true
                state.calls = [:]
            }
            let left = tasks
            for task in left { task.cancel() }
            work.ring()
            room.ring()
            holding.ring()
            for task in left { await task.value }
            if error != nil {
                stream.reset()
                group.cancelAll()
            }
            await group.waitForAll()
            return error
        }
    }

    private var tasks: [Task<Void, Never>] { state.withLockedValue { Array($0.tasks.values) } }

    // MARK: - Reading

    private func read() async -> RPCError? {
        var reader = StreamFrameReader()
        var charge = ByteCharge(budget, peer: stream.remotePeer, free: bounds.freeBytes)
        do throws(RPCError) {
            while true {
                while let frame = try reader.next() {
                    handle(frame)
                    try await waitForRoom()
                }
                let bytes: ByteBuffer?
                do throws(StreamError) { bytes = try await stream.read() } catch { throw RPCError(error) }
                guard let bytes else { return nil }
                reader.append(bytes)
                let held = reader.bufferedByteCount + state.withLockedValue(\.argumentBytes)
                guard charge.set(held) else { throw .messageTooLong(limit: bounds.bufferedBytesPerPeer) }
            }
        } catch {
            return error
        }
    }

    private func handle(_ frame: StreamFrame) {
        switch frame {
        case .request(let id, let name, _): begin(id, name)
        case .data(let id, let payload, let isLast): extend(id, payload, isLast: isLast)
        case .cancel(let id), .close(let id), .error(let id, _): cancel(id)
        }
    }

    private func begin(_ id: String, _ name: String) {
        guard let method = RPCMethod(latticaName: name) else {
            return write(.error(id: id, text: LatticaText.invalidMethod))
        }
        guard methods.serves(method) || methods.hasService(method.service) else {
            return write(.error(id: id, text: LatticaText.unknownService(method.service)))
        }
        let isAdmitted = state.withLockedValue { state in
            // An id that is in use says nothing that is not known.
            if state.calls[id] != nil { return true }
            guard state.calls.count < bounds.callsPerPeer else { return false }
            state.calls[id] = Call(method: method)
            return true
        }
        if !isAdmitted { write(.error(id: id, text: LatticaText.tooManyCalls), .close(id: id)) }
    }

    private func extend(_ id: String, _ payload: ByteBuffer, isLast: Bool) {
        let isTaken = state.withLockedValue { state in
            // What comes for a call that is not known, or has its argument, is left.
            guard var call = state.calls[id], var argument = call.argument else { return true }
            call.argumentLength += payload.readableBytes
            guard call.argumentLength <= limits.maximumMessage.bytes else {
                state.argumentBytes -= argument.readableBytes
                state.calls[id] = nil
                return false
            }
            state.argumentBytes += payload.readableBytes
            // The table lets go of the bytes first, or adding would copy them.
            state.calls[id]?.argument = nil
            call.argument = nil
            argument.appendOrTake(payload)
            if isLast {
                call.task = start(id, call.method, argument, &state)
            } else {
                call.argument = argument
            }
            state.calls[id] = call
            return true
        }
        if !isTaken {
            let limit = RPCError.messageTooLong(limit: limits.maximumMessage)
            write(.error(id: id, text: "\(limit)"), .close(id: id))
        }
    }

    /// Begins the task of a call; it cannot end before it is entered, since the state is locked.
    private func start(_ id: String, _ method: RPCMethod, _ argument: ByteBuffer, _ state: inout State)
        -> Task<Void, Never>
    {
        let number = state.nextTask
        state.nextTask += 1
        let leg = LatticaServerLeg(session: self, id: id, argument: argument)
        let task = Task(executorPreference: stream.executor) { [methods, peer = stream.remotePeer] in
            let status = await methods.answer(method, peer: peer, metadata: [:], deadline: nil, leg: leg)
            self.finish(id, status, method)
            self.state.withLockedValue { $0.tasks[number] = nil }
        }
        state.tasks[number] = task
        return task
    }

    private func cancel(_ id: String) {
        let isUnbegun = state.withLockedValue { state in
            guard let call = state.calls[id] else { return false }
            call.task?.cancel()
            guard let argument = call.argument else { return false }
            state.argumentBytes -= argument.readableBytes
            state.calls[id] = nil
            return true
        }
        if isUnbegun { write(.close(id: id)) }
    }

    // MARK: - Answers

    /// Makes a message of an answer ready to be sent, and waits while too much is.
    func send(_ message: ByteBuffer, id: String, number: Int) async throws(RPCError) {
        guard number == 1 || message.readableBytes <= LatticaDialect.maximumPayload.bytes else {
            throw .messageTooLong(limit: LatticaDialect.maximumPayload)
        }
        let isTaken = state.withLockedValue { state in
            guard !state.isOver, state.calls[id] != nil else { return false }
            if number == 1 {
                state.calls[id]?.held = message
                state.holding.append(id)
            } else {
                Self.release(id, isLast: false, in: &state)
                StreamFrame.write(message, id: id, isLast: false, to: &state.out)
            }
            return true
        }
        guard isTaken else { throw .ended }
        if number == 1 { holding.ring() } else { work.ring() }
        try await waitForRoom()
    }

    /// Ends the answer of a call.
    ///
    /// The last message of an answer carries the end mark if it is the only one: so does what the package's stream
    /// methods answer, while the items of its iterators never do. An only message that is empty is not sent at all.
    private func finish(_ id: String, _ status: RPCStatus, _ method: RPCMethod) {
        state.withLockedValue { state in
            guard let call = state.calls[id] else { return }
            if call.held?.readableBytes == 0, status.code == .ok { state.calls[id]?.held = nil }
            Self.release(id, isLast: status.code == .ok, in: &state)
            if status.code != .ok, status.code != .cancelled {
                StreamFrame.error(id: id, text: LatticaText.streamFailure(status, of: method)).write(to: &state.out)
            }
            StreamFrame.close(id: id).write(to: &state.out)
            state.argumentBytes -= call.argumentLength
            state.calls[id] = nil
        }
        work.ring()
    }

    /// Lets a message that was held back go.
    private static func release(_ id: String, isLast: Bool, in state: inout State) {
        guard let held = state.calls[id]?.held else { return }
        state.calls[id]?.held = nil
        StreamFrame.write(held, id: id, isLast: isLast, to: &state.out)
    }

    /// Lets first messages go that neither another has followed nor the end of the handler.
    private func releaseHeld() async {
        var seen = 0
        while let count = await holding.wait(past: seen) {
            seen = count
            let (held, isOver) = state.withLockedValue { state in
                defer { state.holding.removeAll(keepingCapacity: true) }
                return (state.holding, state.isOver)
            }
            if isOver { return }
            do { try await clock.sleep(for: Self.holdingTime) } catch { return }
            state.withLockedValue { state in
                for id in held { Self.release(id, isLast: false, in: &state) }
            }
            work.ring()
        }
    }

    /// Long enough for a handler to return behind its only message, too short to be noticed before a first item.
    private static let holdingTime: Duration = .milliseconds(1)

    private func write(_ frames: StreamFrame...) {
        state.withLockedValue { state in
            for frame in frames { frame.write(to: &state.out) }
        }
        work.ring()
    }

    /// Returns once there is room for more to send.
    private func waitForRoom() async throws(RPCError) {
        while true {
            let seen = room.count
            let (isOver, isFull) = state.withLockedValue { state in
                (state.isOver, state.out.buffer.readableBytes > bounds.unsentBytes.bytes)
            }
            if isOver { throw .unavailable("the stream has ended") }
            guard isFull else { return }
            guard await room.wait(past: seen) != nil else { throw .cancelled }
        }
    }

    /// Keeps behind what the package's client can take in.
    ///
    /// Once the burst of a call is over, its items go out in small groups, at a rate that all calls of the stream share,
    /// since one program takes them in: a pause for each would cost more than the item.
    func pace(_ number: Int) async throws(RPCError) {
        guard number >= bounds.itemBurst, number.isMultiple(of: Self.pacedGroup) else { return }
        let now = elapsed()
        let wait = state.withLockedValue { state in
            let moment = max(now, state.nextGroup)
            state.nextGroup = moment + .seconds(1) * Self.pacedGroup / bounds.itemsPerSecond
            return moment - now
        }
        guard wait > .zero else { return }
        do { try await clock.sleep(for: wait) } catch { throw .cancelled }
    }

    private static let pacedGroup = 16

    // MARK: - Writing

    /// Sends what is ready until the session is over and nothing is left.
    private func sendReady() async {
        var seen = 0
        while let count = await work.wait(past: seen) {
            seen = count
            let (bytes, isOver) = state.withLockedValue { state in
                defer { state.out = BincodeWriter() }
                return (state.out.buffer, state.isOver)
            }
            room.ring()
            do throws(StreamError) {
                if bytes.readableBytes > 0 { try await stream.write(bytes) }
                if isOver { return try await stream.closeWrite() }
            } catch {
                // The reader sees the end of the stream and ends the session.
                return stream.reset()
            }
        }
    }
}

/// The handler's end of a call that shares its stream with others.
private final class LatticaServerLeg: RPCServerLeg {
    private struct State {
        var argument: ByteBuffer?
        var sentCount = 0
    }

    private let session: LatticaServerSession
    private let id: String
    private let state: NIOLockedValueBox<State>

    init(session: LatticaServerSession, id: String, argument: ByteBuffer) {
        self.session = session
        self.id = id
        state = NIOLockedValueBox(State(argument: argument))
    }

    func receive() async throws(RPCError) -> ByteBuffer? {
        state.withLockedValue { state in
            defer { state.argument = nil }
            return state.argument
        }
    }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        if Task.isCancelled { throw .cancelled }
        let number = state.withLockedValue { state in
            state.sentCount += 1
            return state.sentCount
        }
        try await session.send(message, id: id, number: number)
        try await session.pace(number)
    }
}
