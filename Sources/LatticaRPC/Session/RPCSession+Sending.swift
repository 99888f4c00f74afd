import NIOCore

/// Messages on their way out.
extension RPCSession {
    /// Sends a message; its length has been checked.
    mutating func send(_ id: CallID, _ message: ByteBuffer) -> Sending {
        guard let index = calls.index(forKey: id) else { return .refused(.cancelled) }
        if let outcome = calls.values[index].outcome { return .refused(outcome) }
        if calls.values[index].hasFinished || calls.values[index].outgoing != nil { return .refused(.ended) }
        calls.values[index].outgoing = RPCSessionCall.Outgoing(rest: message, isLast: false)
        if sendQueue.isEmpty, output.readableBytes < Self.highWater, calls.values[index].canSend,
            calls.values[index].sendPart(id, to: &output)
        {
            return .sent
        }
        enqueue(id)
        fill()
        // Whoever is told so at once needs no event.
        guard calls[id]?.outgoing == nil else { return .waiting }
        return .sent
    }

    /// Takes back the message being sent.
    ///
    /// - Returns: `false` if a part of it has left.
    mutating func withdraw(_ id: CallID) -> Bool {
        guard let index = calls.index(forKey: id), let outgoing = calls.values[index].outgoing else { return true }
        guard !outgoing.hasBegun else { return false }
        calls.values[index].outgoing = nil
        return true
    }

    /// Says that this side sends no more messages.
    mutating func finish(_ id: CallID) -> RPCError? {
        guard let index = calls.index(forKey: id) else { return .cancelled }
        switch calls.values[index].outcome {
        case .ended: return nil
        case let failure?: return failure
        case nil: break
        }
        guard !calls.values[index].hasFinished else { return nil }
        calls.values[index].hasFinished = true
        if calls.values[index].outgoing != nil {
            calls.values[index].outgoing?.isLast = true
        } else {
            RPCFrame(call: id, isLast: true).write(to: &output)
        }
        return nil
    }

    /// The call has something to send: it gets a place in the queue once it may.
    mutating func enqueue(_ id: CallID) {
        guard let index = calls.index(forKey: id), !calls.values[index].isQueued, calls.values[index].canSend else {
            return
        }
        calls.values[index].isQueued = true
        sendQueue.append(id)
    }

    /// Fills the output from the queue, a part of each call in turn.
    mutating func fill() {
        while output.readableBytes < Self.highWater, let id = sendQueue.popFirst() {
            guard let index = calls.index(forKey: id) else { continue }
            calls.values[index].isQueued = false
            guard calls.values[index].canSend else { continue }
            let endsCall = calls.values[index].outgoing?.status != nil
            if calls.values[index].sendPart(id, to: &output) {
                if endsCall {
                    drop(at: index)
                    emit(.ended(id))
                } else {
                    emit(.writable(id))
                }
            } else {
                enqueue(id)
            }
        }
    }

    /// The peer takes more of a call; what may be sent then is left to ``fill()``.
    mutating func addCredit(_ id: CallID, _ count: UInt64) throws(RPCError) {
        guard let index = calls.index(forKey: id) else { return }
        let (credit, overflow) = calls.values[index].credit.addingReportingOverflow(Int(clamping: count))
        guard !overflow else { throw .protocolViolation("a window beyond all bounds") }
        calls.values[index].credit = credit
        enqueue(id)
    }
}
