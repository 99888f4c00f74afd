import LatticaCore
import NIOCore

/// Many calls on one stream: what goes in are the peer's bytes, what comes out are events and bytes to send.
///
/// It knows no stream, task or clock; moments are durations since the session began. Calls are asked by their number.
/// A call takes memory up to its window; for long messages and for fast readers the session has a budget besides. The
/// session always takes what arrives, so that a call which is not read holds back none but its own sender.
struct RPCSession: Sendable {
    typealias CallID = UInt64

    enum Role: Sendable {
        /// Opened the stream, and begins the calls.
        case caller
        /// Answers them.
        case server
    }

    enum Event: Hashable, Sendable {
        /// The caller began a call.
        case opened(CallID, RPCHeader)
        /// There is a message to read, or there will be no more.
        case readable(CallID)
        /// The message being sent has left.
        case writable(CallID)
        /// The call is over: its status came, the caller gave it up, its deadline passed.
        case ended(CallID)
    }

    enum Reading: Sendable {
        case message(ByteBuffer)
        case waiting
        /// The peer sends no more messages; of a caller's call: and it succeeded.
        case finished
        case failed(RPCError)
    }

    enum Sending: Hashable, Sendable {
        case sent
        /// It waits for credit or its turn; ``Event/writable(_:)`` tells when it has left.
        case waiting
        case refused(RPCError)
    }

    /// Bytes made ready and not yet taken, from which on messages wait.
    ///
    /// It is what a short message may have to wait behind, whatever other calls send.
    static let highWater = 128 << 10

    let role: Role
    let limits: RPCLimits
    var calls: [CallID: RPCSessionCall] = [:]
    private(set) var events: [Event] = []
    var output = ByteBuffer()
    /// Calls with a message that may be sent, in turn.
    var sendQueue = CircularBuffer<CallID>()
    /// What may be lent to calls beyond their first windows.
    var budget: Int
    /// Calls whose long message waits for the budget, in turn.
    var budgetQueue = CircularBuffer<CallID>()
    private var reader = RPCFrameReader()
    /// The last call begun.
    private(set) var lastCall: CallID = 0
    /// Why no more calls can be begun.
    private(set) var end: RPCError?

    init(role: Role, limits: RPCLimits = RPCLimits()) {
        self.role = role
        self.limits = limits
        budget = max(limits.sessionBudget.bytes, limits.maximumMessage.bytes)
    }

    // MARK: - The session

    /// Takes all events since the last time.
    mutating func takeEvents(into taken: inout [Event]) {
        taken.removeAll(keepingCapacity: true)
        swap(&taken, &events)
    }

    var hasEvents: Bool { !events.isEmpty }

    mutating func emit(_ event: Event) {
        events.append(event)
    }

    /// Takes all that is to be sent, and lets those who wait go on.
    ///
    /// - Parameter buffer: empty; its storage is used for what follows, and it becomes what was taken.
    /// - Returns: `false` when there is nothing.
    mutating func takeOutput(into buffer: inout ByteBuffer) -> Bool {
        guard output.readableBytes > 0 else { return false }
        swap(&output, &buffer)
        fill()
        return true
    }

    /// Takes bytes of the peer.
    ///
    /// - Parameter frames: how many frames are taken at most.
    /// - Returns: whether there may be more among the bytes at hand.
    /// - Throws: the session cannot go on; ``fail(_:)`` has been done.
    @discardableResult
    mutating func receive(
        _ bytes: ByteBuffer,
        at now: Duration = .zero,
        atMost frames: Int = .max
    ) throws(RPCError) -> Bool {
        guard end == nil else { return false }
        do throws(RPCError) {
            reader.append(bytes)
            var left = frames
            while left > 0, let frame = try reader.next(limits: limits) {
                try take(frame, at: now)
                left -= 1
            }
            fill()
            // A caller's output is what its own application asks for; a server's answers are what the peer asks for.
            guard role == .caller || output.readableBytes <= limits.unsentAnswers.bytes else {
                throw .protocolViolation("the peer asks for answers and does not read them")
            }
            return left == 0
        } catch {
            fail(error)
            throw error
        }
    }

    /// Ends the session and all its calls, unless that has happened.
    mutating func fail(_ error: RPCError) {
        guard end == nil else { return }
        end = error
        output.clear()
        sendQueue.removeAll()
        budgetQueue.removeAll()
        for id in Array(calls.keys) {
            switch role {
            case .caller:
                if calls[id]?.outcome == nil {
                    calls[id]?.outcome = error
                    calls[id]?.outgoing = nil
                    emit(.ended(id))
                }
            case .server:
                calls[id] = nil
                emit(.ended(id))
            }
        }
    }

    /// Ends the calls whose deadline has passed.
    ///
    /// - Returns: when to come again; `nil` if no call has a deadline.
    mutating func expire(at now: Duration) -> Duration? {
        var next: Duration?
        var expired: [CallID] = []
        for (id, call) in calls where call.outcome == nil {
            guard let deadline = call.deadline else { continue }
            if deadline <= now { expired.append(id) } else { next = min(next ?? deadline, deadline) }
        }
        for id in expired {
            switch role {
            case .caller: cancel(id, as: .deadlineExceeded)
            case .server:
                answer(id, status: RPCStatus(code: .deadlineExceeded, message: "the deadline passed"))
                emit(.ended(id))
            }
        }
        return next
    }

    // MARK: - A caller's calls

    /// Begins a call, with its first message when there is one.
    ///
    /// The session has not ended.
    mutating func open(
        _ header: RPCHeader,
        message: ByteBuffer? = nil,
        isLast: Bool = false,
        deadline: Duration? = nil
    ) -> CallID {
        lastCall += 1
        var call = RPCSessionCall()
        call.deadline = deadline
        call.hasFinished = isLast
        if let message {
            call.outgoing = RPCSessionCall.Outgoing(rest: message, isLast: isLast)
            if output.readableBytes < Self.highWater, sendQueue.isEmpty {
                let isDone = call.sendPart(lastCall, header: header, to: &output)
                calls[lastCall] = call
                if !isDone { enqueue(lastCall) }
                return lastCall
            }
        }
        RPCFrame(call: lastCall, header: header, isLast: isLast && message == nil).write(to: &output)
        calls[lastCall] = call
        if message != nil { enqueue(lastCall) }
        return lastCall
    }

    /// Gives a call up; its messages are dropped.
    mutating func cancel(_ id: CallID, as error: RPCError = .cancelled) {
        guard let index = calls.index(forKey: id), calls.values[index].outcome == nil else { return }
        calls.values[index].outcome = error
        calls.values[index].inbox.removeAll()
        calls.values[index].assembly = nil
        calls.values[index].outgoing = nil
        refund(calls.values[index].takeReservation())
        if end == nil { RPCFrame(call: id, isCancel: true).write(to: &output) }
        emit(.ended(id))
    }

    /// Ends a call from this side, whichever that is.
    mutating func abandon(_ id: CallID) {
        switch role {
        case .caller: cancel(id)
        case .server:
            answer(id, status: RPCStatus(code: .cancelled, message: "the call was cancelled"))
            emit(.ended(id))
        }
    }

    /// Forgets a call; one that goes on is given up.
    mutating func release(_ id: CallID) {
        cancel(id)
        calls[id] = nil
    }

    /// The one message that answers a call which is over, and forgets the call; `nil` while it goes on.
    mutating func takeReply(_ id: CallID) -> Result<ByteBuffer, RPCError>? {
        guard let index = calls.index(forKey: id) else { return .failure(.cancelled) }
        guard let outcome = calls.values[index].outcome else { return nil }
        defer { calls.remove(at: index) }
        guard outcome == .ended else { return .failure(outcome) }
        guard let reply = calls.values[index].inbox.popFirst() else {
            return .failure(.protocolViolation("the status is ok, but there is no answer"))
        }
        guard calls.values[index].inbox.isEmpty else {
            return .failure(.protocolViolation("there is more than one answer"))
        }
        return .success(reply)
    }

    // MARK: - A server's calls

    /// Ends a call with its status, and its last message before it.
    mutating func answer(_ id: CallID, message: ByteBuffer? = nil, status: RPCStatus) {
        guard let index = calls.index(forKey: id), end == nil else { return }
        if status.code == .ok, let message, calls.values[index].outgoing == nil {
            calls.values[index].outgoing = RPCSessionCall.Outgoing(rest: message, isLast: false, status: status)
            if output.readableBytes < Self.highWater, sendQueue.isEmpty,
                calls.values[index].sendPart(id, to: &output)
            {
                drop(at: index)
            } else {
                enqueue(id)
            }
            return
        }
        if status.code == .ok, calls.values[index].outgoing != nil {
            // A sender that was cancelled has left its message behind; half of it may be on its way.
            calls.values[index].outgoing?.status = status
            return
        }
        RPCFrame(call: id, status: status).write(to: &output)
        drop(at: index)
    }

    /// Forgets a call of the peer.
    mutating func drop(at index: Dictionary<CallID, RPCSessionCall>.Index) {
        var call = calls.remove(at: index).value
        refund(call.takeReservation())
    }

    mutating func noteOpened(_ id: CallID) {
        lastCall = id
    }
}
