import LatticaCore
import NIOCore

/// What the two ends of a call ask of their session.
extension RPCSessionDriver {
    /// Begins a call.
    ///
    /// - Returns: `nil` if the session has ended, and nothing of the call has left.
    func begin(
        _ header: RPCHeader,
        message: ByteBuffer?,
        isLast: Bool,
        deadline: Duration?
    ) -> CallID? {
        let due = deadline.map { time() + $0 }
        return update { state in
            guard state.session.end == nil else { return nil }
            if let due { arm(&state, at: due) }
            return state.session.open(header, message: message, isLast: isLast, deadline: due)
        }
    }

    /// Waits for the one message that answers a call; cancelling the task gives the call up.
    func reply(to id: CallID) async throws(RPCError) -> ByteBuffer {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (task: RPCCallWaits.Reply) in
                let reply = update { state -> Result<ByteBuffer, RPCError>? in
                    if let reply = state.session.takeReply(id) { return reply }
                    state.waits[id] = RPCCallWaits(reply: task)
                    return nil
                }
                if let reply { task.resume(returning: reply) }
            }
        } onCancel: {
            update { $0.session.cancel(id) }
        }
        return try outcome.get()
    }

    /// The next message; `nil` at their end.
    func receive(_ id: CallID) async throws(RPCError) -> ByteBuffer? {
        while true {
            switch update({ $0.session.read(id) }) {
            case .message(let message): return message
            case .finished: return nil
            case .failed(let error): throw error
            case .waiting: break
            }
            guard await wait(for: id, at: \.receiver, unless: { $0.session.canRead(id) }) else { throw .cancelled }
        }
    }

    /// Sends a message; returns when all of it has left.
    func send(_ message: ByteBuffer, on id: CallID) async throws(RPCError) {
        switch update({ $0.session.send(id, message) }) {
        case .sent: return
        case .refused(let error): throw error
        case .waiting: break
        }
        let hasLeft = await wait(for: id, at: \.sender, unless: { $0.session.calls[id]?.outgoing == nil })
        if !hasLeft {
            // What follows half a message would be taken for its rest.
            update { if !$0.session.withdraw(id) { $0.session.abandon(id) } }
            throw .cancelled
        }
        let outcome = update { state -> RPCError? in
            guard let call = state.session.calls[id] else { return .cancelled }
            return call.outcome
        }
        if let outcome { throw outcome }
    }

    /// Forgets a call of this side; one that goes on is given up.
    func release(_ id: CallID) {
        update { state in
            state.session.release(id)
            state.waits[id] = nil
        }
    }

    /// Ends a call of the peer.
    ///
    /// Returns when the answer has left, or nobody waits for it any more.
    func answer(_ id: CallID, message: ByteBuffer? = nil, status: RPCStatus) async {
        let hasLeft = update { state in
            state.session.answer(id, message: message, status: status)
            return state.session.calls[id] == nil
        }
        if !hasLeft {
            let isOver = await wait(for: id, at: \.sender, unless: { $0.session.calls[id] == nil })
            if !isOver { update { $0.session.answer(id, status: RPCStatus(code: .cancelled, message: "")) } }
        }
    }

    /// Ends a call of the peer for which no handler is begun.
    func refuse(_ id: CallID, with status: RPCStatus) {
        update { $0.session.answer(id, status: status) }
        handlerEnded(id)
    }

    /// Waits to be woken for a call.
    ///
    /// - Returns: `false` if the task is cancelled.
    private func wait(
        for id: CallID,
        at place: any WritableKeyPath<RPCCallWaits, RPCCallWaits.Signal?> & Sendable,
        unless isReady: (State) -> Bool
    ) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (task: RPCCallWaits.Signal) in
                let isReady = update { state in
                    if isReady(state) || Task.isCancelled { return true }
                    precondition(state.waits[id]?[keyPath: place] == nil, "two tasks wait where one may")
                    state.waits[id, default: RPCCallWaits()][keyPath: place] = task
                    return false
                }
                if isReady { task.resume() }
            }
            return !Task.isCancelled
        } onCancel: {
            let task = update { state in
                defer { state.waits[id]?[keyPath: place] = nil }
                return state.waits[id]?[keyPath: place]
            }
            task?.resume()
        }
    }
}
