import NIOCore

/// The tasks that wait for one call, or work for it.
struct RPCCallWaits {
    typealias Signal = CheckedContinuation<Void, Never>
    typealias Reply = CheckedContinuation<Result<ByteBuffer, RPCError>, Never>

    /// Waits for a message.
    var receiver: Signal?
    /// Waits for its message to leave.
    var sender: Signal?
    /// Waits for the whole of a unary call.
    var reply: Reply?
    /// The handler, which is cancelled when the call ends before it.
    var handler: Task<Void, Never>?

    var isEmpty: Bool { receiver == nil && sender == nil && reply == nil && handler == nil }
}

/// What has to be done once the lock of a session is released.
struct RPCWakes {
    var signals: [RPCCallWaits.Signal] = []
    var replies: [(RPCCallWaits.Reply, Result<ByteBuffer, RPCError>)] = []
    var cancelled: [Task<Void, Never>] = []
    var opened: [(RPCSession.CallID, RPCHeader)] = []

    mutating func signal(_ task: inout RPCCallWaits.Signal?) {
        guard let waiting = task else { return }
        task = nil
        signals.append(waiting)
    }

    func perform() {
        for task in signals { task.resume() }
        for (task, reply) in replies { task.resume(returning: reply) }
        for task in cancelled { task.cancel() }
    }
}
