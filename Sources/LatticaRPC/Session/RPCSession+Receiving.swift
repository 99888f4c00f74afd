import LatticaCore
import NIOCore

/// Messages on their way in.
extension RPCSession {
    /// The next message of a call, or why there is none.
    mutating func read(_ id: CallID) -> Reading {
        guard let index = calls.index(forKey: id) else { return .failed(.cancelled) }
        guard let message = calls.values[index].inbox.popFirst() else {
            switch calls.values[index].outcome {
            case .ended: return .finished
            case let failure?: return .failed(failure)
            case nil: return calls.values[index].peerHasFinished ? .finished : .waiting
            }
        }
        calls.values[index].window.release(message.readableBytes + RPCReceiveWindow.messageCost)
        refund(calls.values[index].takeLoan())
        // Nothing more comes of a call that is over, so nothing needs to be granted.
        guard calls.values[index].outcome == nil, !calls.values[index].peerHasFinished else { return .message(message) }
        if calls.values[index].window.mayGrow, budget >= calls.values[index].window.growth {
            budget -= calls.values[index].window.growth
            calls.values[index].growth += calls.values[index].window.growth
            calls.values[index].window.grow()
        }
        if let count = calls.values[index].window.grant() {
            RPCFrame(call: id, window: UInt64(count)).write(to: &output)
        }
        lend(to: index, id)
        return .message(message)
    }

    /// Whether reading would not wait.
    func canRead(_ id: CallID) -> Bool {
        guard let call = calls[id] else { return true }
        return !call.inbox.isEmpty || call.outcome != nil || call.peerHasFinished
    }

    /// Takes one frame of the peer.
    mutating func take(_ frame: RPCFrame, at now: Duration) throws(RPCError) {
        switch role {
        case .caller:
            guard frame.header == nil, !frame.isLast, !frame.isCancel else {
                throw .protocolViolation("a frame that only callers send")
            }
            guard frame.call <= lastCall else { throw .protocolViolation("a frame of a call that was not begun") }
        case .server:
            guard frame.status == nil else { throw .protocolViolation("a frame that only servers send") }
            if let header = frame.header {
                try open(frame.call, header, at: now)
            } else if frame.call > lastCall {
                throw .protocolViolation("a call without a header")
            }
        }
        // Frames of a call that has ended here may have been on their way.
        guard let index = calls.index(forKey: frame.call), calls.values[index].outcome == nil else { return }
        if frame.isCancel {
            drop(at: index)
            emit(.ended(frame.call))
            return
        }
        if let window = frame.window { try addCredit(frame.call, window) }
        let wasFinished = calls.values[index].peerHasFinished
        if wasFinished, frame.data != nil || frame.isLast {
            throw .protocolViolation("a frame after the last message")
        }
        var isReadable = false
        if let data = frame.data {
            guard let isWhole = try take(data, length: frame.length, at: index, frame.call) else { return }
            isReadable = isWhole
        }
        if frame.isLast {
            guard calls.values[index].assembly == nil else {
                throw .protocolViolation("the last message is not whole")
            }
            calls.values[index].peerHasFinished = true
            isReadable = true
        }
        if let status = frame.status {
            calls.values[index].outcome = status.error ?? .ended
            calls.values[index].assembly = nil
            calls.values[index].outgoing = nil
            refund(calls.values[index].takeReservation())
            emit(.ended(frame.call))
        } else if isReadable {
            emit(.readable(frame.call))
        }
    }

    private mutating func open(_ id: CallID, _ header: RPCHeader, at now: Duration) throws(RPCError) {
        guard id > lastCall else { throw .protocolViolation("calls are not begun in order") }
        noteOpened(id)
        var call = RPCSessionCall()
        call.deadline = header.deadline.map { now + min($0, limits.maximumDeadline) }
        calls[id] = call
        emit(.opened(id, header))
    }

    /// Takes a part of a message.
    ///
    /// - Returns: whether the message is whole; `nil` if it is too long, and the call over.
    private mutating func take(
        _ data: ByteBuffer,
        length: UInt64?,
        at index: Dictionary<CallID, RPCSessionCall>.Index,
        _ id: CallID
    ) throws(RPCError) -> Bool? {
        let isFirst = calls.values[index].assembly == nil
        guard isFirst || length == nil else { throw .protocolViolation("a message inside another") }
        let total = length ?? UInt64(data.readableBytes)
        if isFirst, total > UInt64(limits.maximumMessage.bytes) {
            refuse(at: index, id)
            return nil
        }
        let cost = data.readableBytes + (isFirst ? RPCReceiveWindow.messageCost : 0)
        guard calls.values[index].window.receive(cost) else { throw .protocolViolation("more than the window allows") }
        if isFirst {
            let missing = Int(total) - data.readableBytes
            guard missing >= 0 else { throw .protocolViolation("a message is longer than it says") }
            if missing == 0 {
                calls.values[index].inbox.append(data.compact)
                return true
            }
            calls.values[index].assembly = RPCSessionCall.Assembly(
                data,
                missing: missing,
                credit: calls.values[index].window.outstanding
            )
        } else {
            guard data.readableBytes > 0, let missing = calls.values[index].assembly?.missing,
                missing >= data.readableBytes
            else { throw .protocolViolation("a message is longer than it says") }
            calls.values[index].assembly?.append(data)
            if missing == data.readableBytes, let message = calls.values[index].assembly?.bytes {
                calls.values[index].assembly = nil
                calls.values[index].inbox.append(message)
                return true
            }
        }
        lend(to: index, id)
        return false
    }

    /// A message is longer than this side takes: the call is over.
    private mutating func refuse(at index: Dictionary<CallID, RPCSessionCall>.Index, _ id: CallID) {
        switch role {
        case .caller: cancel(id, as: .messageTooLong(limit: limits.maximumMessage))
        case .server:
            let message = "a message is longer than \(limits.maximumMessage)"
            RPCFrame(call: id, status: RPCStatus(code: .resourceExhausted, message: message)).write(to: &output)
            drop(at: index)
            emit(.ended(id))
        }
    }

    // MARK: - The budget

    /// Grants what a long message needs beyond its window, once the reader has nothing else to read.
    ///
    /// All that is missing is granted at once, so that no two messages wait for one another.
    private mutating func lend(to index: Dictionary<CallID, RPCSessionCall>.Index, _ id: CallID) {
        guard let missing = calls.values[index].assembly?.missing, calls.values[index].inbox.isEmpty,
            !calls.values[index].awaitsBudget
        else { return }
        let needed = missing - calls.values[index].window.outstanding
        guard needed > 0 else { return }
        // Those who wait longer come first.
        guard budgetQueue.isEmpty, needed <= budget else {
            calls.values[index].awaitsBudget = true
            budgetQueue.append(id)
            return
        }
        grant(needed, to: index, id)
    }

    private mutating func grant(_ needed: Int, to index: Dictionary<CallID, RPCSessionCall>.Index, _ id: CallID) {
        budget -= needed
        calls.values[index].loan += needed
        calls.values[index].window.lend(needed)
        calls.values[index].assembly?.reserve()
        RPCFrame(call: id, window: UInt64(needed)).write(to: &output)
    }

    /// Gives back what a call had of the budget, and lets those who wait for it go on.
    mutating func refund(_ amount: Int) {
        guard amount > 0 else { return }
        budget += amount
        while let id = budgetQueue.first {
            guard let index = calls.index(forKey: id), let missing = calls.values[index].assembly?.missing else {
                budgetQueue.removeFirst()
                continue
            }
            let needed = missing - calls.values[index].window.outstanding
            guard needed <= budget else { return }
            budgetQueue.removeFirst()
            calls.values[index].awaitsBudget = false
            if needed > 0 { grant(needed, to: index, id) }
        }
    }
}

extension ByteBuffer {
    /// The same bytes, in a buffer of their own if they would keep a much larger one alive.
    fileprivate var compact: ByteBuffer {
        guard storageCapacity > 4 * readableBytes + 1024 else { return self }
        var copy = ByteBuffer()
        copy.writeImmutableBuffer(self)
        return copy
    }
}
