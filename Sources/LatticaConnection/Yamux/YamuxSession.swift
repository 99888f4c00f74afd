import NIOCore

/// Many streams over one ordered connection, each with flow control of its own (hashicorp/yamux, spec.md).
///
/// Bytes go in by ``receive(_:)``, and ``nextEvent()`` tells what they meant; what is to be sent gathers in the output
/// and is taken by ``takeOutput()``. Streams are asked by their number. A stream stays known until ``release(_:)``.
struct YamuxSession {
    enum Role {
        /// Dialled the connection; gives odd numbers.
        case dialer
        /// Accepted it; gives even numbers.
        case listener
    }

    enum Event: Equatable {
        /// The peer opened a stream.
        case opened(UInt32)
        /// There is something to read: bytes, or the end.
        case readable(UInt32)
        /// The window may have room again.
        case writable(UInt32)
        /// The peer reset the stream. What came before can still be read.
        case reset(UInt32)
        /// This side reset the stream, because too much is unread on the connection.
        case overflowed(UInt32)
        /// The answer to the last ping.
        case pong(UInt32)
        /// The peer takes no more streams.
        case goneAway(code: UInt32)
    }

    enum Reading: Equatable {
        case bytes(ByteBuffer)
        /// Nothing yet.
        case waiting
        /// The peer has closed its side, and all is read.
        case end
        /// The peer reset the stream, and all is read.
        case reset
        /// No such stream, or this side reset it.
        case closed
    }

    enum Writing: Equatable {
        /// Everything was taken.
        case done
        /// The window of the stream is used up; the rest is left in the bytes.
        case windowFull
        /// The output is full; the rest is left in the bytes.
        case outputFull
        case reset
        case closed
    }

    /// Why a side goes away, as the protocol counts.
    enum GoAway: UInt32 {
        case normal = 0
        case protocolError = 1
    }

    /// What is left of the data frame whose beginning has been received.
    struct IncomingFrame {
        var stream: UInt32
        var left: Int
        var flags: YamuxHeader.Flags
    }

    let limits: YamuxLimits
    /// The time to the peer and back, which the windows are measured by; `nil` while it is not known.
    var roundTripTime: TimeAmount?
    /// Sees every frame; off unless somebody looks.
    var tap: FrameTap?

    var nextID: UInt32
    var output = ByteBuffer()
    var events = CircularBuffer<Event>(initialCapacity: 1)
    /// Inbound streams that have not been accepted by any frame.
    var unaccepted: [UInt32] = []
    var incoming: IncomingFrame?
    var awaitedPong: UInt32?
    /// This side takes no more streams.
    var hasSentGoAway = false
    /// The peer takes no more streams.
    var hasReceivedGoAway = false
    /// How much the windows of all streams have grown.
    var windowGrowth = 0

    var liveStreams = 0
    var unacknowledgedStreams = 0
    var unreadBytes = 0
    /// Streams that either side has reset.
    var resets = 0

    /// How much was sent at once the last time; as much memory is set aside when something is to be sent again.
    var usualOutput = 0

    private var flows: [UInt32: YamuxFlow] = [:]
    /// The stream asked for last, which the next frame is likely to be about.
    private var recent: YamuxFlow?

    init(role: Role, limits: YamuxLimits = .init()) {
        nextID = role == .dialer ? 1 : 2
        self.limits = limits
    }

    // MARK: - The connection's side

    /// Bytes that wait to be sent.
    var unsentBytes: Int { output.readableBytes }

    /// What happened since, oldest first.
    mutating func nextEvent() -> Event? {
        guard let event = events.popFirst() else { return nil }
        // A rush of events leaves no memory behind.
        if events.isEmpty, events.capacity > 64 { events = CircularBuffer(initialCapacity: 1) }
        return event
    }

    /// Takes all that is to be sent; `nil` when there is nothing.
    mutating func takeOutput() -> ByteBuffer? {
        if !unaccepted.isEmpty {
            for id in unaccepted {
                guard let flow = flow(id), !flow.dueFlags.isEmpty else { continue }
                send(.windowUpdate, on: flow, length: 0)
            }
            unaccepted.removeAll(keepingCapacity: unaccepted.count < limits.streams)
        }
        guard output.readableBytes > 0 else { return nil }
        usualOutput = min(output.readableBytes, limits.sentFrame)
        defer { output = ByteBuffer() }
        return output
    }

    /// Asks the peer for a sign of life.
    mutating func ping(_ value: UInt32) {
        awaitedPong = value
        send(YamuxHeader(kind: .ping, flags: .syn, stream: 0, length: value))
    }

    /// Tells the peer that no more streams will be taken; those that are open go on.
    mutating func goAway(_ reason: GoAway) {
        guard !hasSentGoAway else { return }
        hasSentGoAway = true
        send(YamuxHeader(kind: .goAway, stream: 0, length: reason.rawValue))
    }

    // MARK: - The streams' side

    /// Opens a stream.
    ///
    /// The peer learns of it by the first frame.
    mutating func open() throws(YamuxRefusal) -> UInt32 {
        guard !hasSentGoAway, !hasReceivedGoAway else { throw .goingAway }
        guard liveStreams < limits.streams else { throw .tooManyStreams(limit: limits.streams) }
        guard unacknowledgedStreams < limits.unacknowledgedStreams else {
            throw .tooManyUnacknowledged(limit: limits.unacknowledgedStreams)
        }
        guard nextID <= .max - 2 else { throw .streamIDsExhausted }
        defer { nextID += 2 }
        keep(YamuxFlow(id: nextID, isOutbound: true))
        unacknowledgedStreams += 1
        return nextID
    }

    /// Takes bytes received on a stream, and grants the peer as many again once half a window has been read.
    ///
    /// - Parameter now: asked for when the window may grow.
    mutating func read(_ id: UInt32, at now: @autoclosure () -> NIODeadline = .distantPast) -> Reading {
        guard let flow = flow(id) else { return .closed }
        guard let bytes = flow.unread.popFirst() else {
            return flow.hasReceivedEnd ? .end : flow.isReset ? .reset : .waiting
        }
        unreadBytes -= bytes.readableBytes
        if !flow.hasReceivedEnd, !flow.isReset {
            let before = flow.receiveWindow.growth
            let granted = flow.receiveWindow.grant(
                unread: flow.unread.count,
                at: now(),
                roundTrip: roundTripTime,
                room: min(limits.largestWindow - flow.receiveWindow.size, roomForWindows)
            )
            if let granted {
                windowGrowth += flow.receiveWindow.growth - before
                send(.windowUpdate, on: flow, length: UInt32(granted))
            }
        }
        settle(flow)
        return .bytes(bytes)
    }

    /// Sends as much as the window and the output take.
    ///
    /// - Parameter isNegotiation: does not wait for room in the output. What a stream says before anything else is short
    ///   and fits its fresh window, so it is always taken whole.
    mutating func write(_ id: UInt32, _ bytes: inout ByteBuffer, isNegotiation: Bool = false) -> Writing {
        guard let flow = flow(id) else { return .closed }
        guard !flow.isReset else { return .reset }
        guard !flow.hasSentEnd else { return .closed }
        while bytes.readableBytes > 0 {
            guard flow.sendWindow > 0 else { return .windowFull }
            guard isNegotiation || output.readableBytes < limits.unsentBytes else { return .outputFull }
            let count = min(bytes.readableBytes, flow.sendWindow, limits.sentFrame)
            guard var part = bytes.readSlice(length: count) else { return .closed }
            // One allocation for what leaves in one write.
            output.reserveCapacity(minimumWritableBytes: min(count + bytes.readableBytes, limits.unsentBytes) + 64)
            send(.data, on: flow, length: UInt32(count), payload: part)
            output.writeBuffer(&part)
            flow.sendWindow -= count
        }
        return .done
    }

    /// Ends this side's direction of a stream.
    mutating func closeWrite(_ id: UInt32) {
        guard let flow = flow(id), !flow.hasSentEnd, !flow.isReset else { return }
        flow.hasSentEnd = true
        send(.data, [.fin], on: flow, length: 0)
        settle(flow)
    }

    /// Forgets a stream; the peer sees a reset unless both sides had closed.
    ///
    /// Only now an inbound stream stops counting: its handler may be at work long after the peer has reset it, and a
    /// peer that opens and resets without end must not gather handlers.
    mutating func release(_ id: UInt32) {
        guard let flow = flow(id) else { return }
        // A stream that the peer has never heard of needs no reset.
        if !flow.isReset, !(flow.hasSentEnd && flow.hasReceivedEnd), !flow.dueFlags.contains(.syn) {
            resets += 1
            send(.data, [.rst], on: flow, length: 0)
        }
        unreadBytes -= flow.unread.count
        flow.unread.removeAll()
        stopCounting(flow)
        flows[id] = nil
        if recent === flow { recent = nil }
    }

    // MARK: - The table of streams

    mutating func flow(_ id: UInt32) -> YamuxFlow? {
        if let recent, recent.id == id { return recent }
        guard let flow = flows[id] else { return nil }
        recent = flow
        return flow
    }

    mutating func keep(_ flow: YamuxFlow) {
        flows[flow.id] = flow
        recent = flow
        liveStreams += 1
    }

    /// An outbound stream that is over makes room for another; its owner may still hold it.
    mutating func settle(_ flow: YamuxFlow) {
        if flow.isOutbound, flow.isOver { stopCounting(flow) }
    }

    private mutating func stopCounting(_ flow: YamuxFlow) {
        guard flow.isLive else { return }
        flow.isLive = false
        liveStreams -= 1
        windowGrowth -= flow.receiveWindow.growth
        if !flow.isAcknowledged {
            flow.isAcknowledged = true
            unacknowledgedStreams -= 1
        }
    }

    /// What all windows together may grow without promising more than may be unread.
    private var roomForWindows: Int {
        limits.unreadBytes - liveStreams * YamuxLimits.initialWindow - windowGrowth
    }
}
