import NIOCore

/// One call as a session knows it.
struct RPCSessionCall: Sendable {
    /// A message that waits for credit or for its turn, or whose rest does.
    struct Outgoing: Sendable {
        var rest: ByteBuffer
        var hasBegun = false
        /// The caller says with its end that none follows.
        var isLast: Bool
        /// The server ends the call behind it.
        var status: RPCStatus?
    }

    /// A message of which parts are missing.
    struct Assembly: Sendable {
        var bytes: ByteBuffer
        var missing: Int

        /// Begins with the first part.
        ///
        /// - Parameter credit: what the peer may send at once; for more, memory is taken when it is granted.
        init(_ part: ByteBuffer, missing: Int, credit: Int) {
            bytes = ByteBuffer()
            bytes.reserveCapacity(part.readableBytes + min(missing, credit))
            bytes.writeImmutableBuffer(part)
            self.missing = missing
        }

        /// Takes memory for all that is missing.
        mutating func reserve() {
            bytes.reserveCapacity(minimumWritableBytes: missing)
        }

        mutating func append(_ part: ByteBuffer) {
            bytes.writeImmutableBuffer(part)
            missing -= part.readableBytes
        }
    }

    // MARK: What comes in

    var inbox = RPCInbox()
    var window = RPCReceiveWindow()
    var assembly: Assembly?
    /// What this call has of the session's budget for the long message that comes in or is read next.
    var loan = 0
    /// What this call has of the session's budget for the growth of its window.
    var growth = 0
    /// It waits for the session's budget.
    var awaitsBudget = false
    /// The peer sends no more messages.
    var peerHasFinished = false

    // MARK: What goes out

    var credit = RPCReceiveWindow.initialSize
    var outgoing: Outgoing?
    /// It has a place in the queue of those who may send.
    var isQueued = false
    /// This side sends no more messages.
    var hasFinished = false

    // MARK: Its end

    /// When it has to be over, on the session's clock.
    var deadline: Duration?
    /// How it ended; `ended` means well.
    var outcome: RPCError?

    /// Gives up all that it has of the session's budget.
    mutating func takeReservation() -> Int {
        defer { (loan, growth) = (0, 0) }
        return loan + growth
    }

    /// Gives up what it has for a long message.
    mutating func takeLoan() -> Int {
        defer { loan = 0 }
        return loan
    }

    /// Whether a part may be sent now.
    var canSend: Bool {
        guard let outgoing else { return false }
        if outgoing.hasBegun { return credit > 0 || outgoing.rest.readableBytes == 0 }
        return credit >= RPCReceiveWindow.messageCost + min(1, outgoing.rest.readableBytes)
    }

    /// Appends the next part of the message being sent, as much as the credit allows.
    ///
    /// - Parameter header: the call begins with this part.
    /// - Returns: whether the message has left, and with it its status.
    mutating func sendPart(_ id: UInt64, header: RPCHeader? = nil, to output: inout ByteBuffer) -> Bool {
        guard var message = outgoing else { return true }
        var frame = RPCFrame(call: id, header: header)
        let total = message.rest.readableBytes
        if !message.hasBegun { credit -= RPCReceiveWindow.messageCost }
        let count = min(total, credit, RPCFrame.maximumPart)
        credit -= count
        frame.data = message.rest.readSlice(length: count)
        let isDone = count == total
        if !message.hasBegun, !isDone { frame.length = UInt64(total) }
        message.hasBegun = true
        if isDone {
            frame.isLast = message.isLast
            frame.status = message.status
        }
        outgoing = isDone ? nil : message
        frame.write(to: &output)
        return isDone
    }
}
