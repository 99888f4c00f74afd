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

    private struct Stream {
        let isOutbound: Bool
        /// What this side may still send.
        var sendWindow = YamuxLimits.initialWindow
        /// What the peer may still send.
        var receiveWindow = YamuxLimits.initialWindow
        /// Read, and not granted to the peer again.
        var consumed = 0
        var unread = ByteBuffer()
        /// SYN or ACK, due on the next frame of the stream, whatever it is.
        var dueFlags: YamuxHeader.Flags
        var isAcknowledged: Bool
        var hasSentEnd = false
        var hasReceivedEnd = false
        var isReset = false
        /// Counts against the limit on streams.
        var isLive = true

        var isOver: Bool { (isReset || hasSentEnd && hasReceivedEnd) && unread.readableBytes == 0 }
    }

    let limits: YamuxLimits
    private var nextID: UInt32
    private var streams: [UInt32: Stream] = [:]
    private var output = ByteBuffer()
    private var events = CircularBuffer<Event>()
    /// Inbound streams that have not been accepted by any frame.
    private var unaccepted: [UInt32] = []
    /// What is left of the data frame whose beginning has been received.
    private var incoming: (stream: UInt32, left: Int, flags: YamuxHeader.Flags)?
    private var awaitedPong: UInt32?
    private var isGoingAway = false

    private(set) var liveStreams = 0
    private(set) var unacknowledgedStreams = 0
    private(set) var unreadBytes = 0

    init(role: Role, limits: YamuxLimits = .init()) {
        nextID = role == .dialer ? 1 : 2
        self.limits = limits
    }

    // MARK: - The connection's side

    /// Bytes that wait to be sent.
    var unsentBytes: Int { output.readableBytes }

    /// Takes bytes from the peer.
    ///
    /// Bytes of a frame are taken as they come; nothing is set aside for those to follow.
    mutating func receive(_ input: inout ByteBuffer) throws(YamuxError) {
        while true {
            if let (stream, left, flags) = incoming {
                guard let part = input.readSlice(length: min(left, input.readableBytes)) else { return }
                take(part, on: stream)
                guard part.readableBytes == left else {
                    incoming = (stream, left - part.readableBytes, flags)
                    return
                }
                incoming = nil
                takeEnding(flags, on: stream)
            }
            guard let header = try YamuxHeader(reading: &input) else { return }
            switch header.kind {
            case .data: try beginData(header)
            case .windowUpdate: try updateWindow(header)
            case .ping: answerPing(header)
            case .goAway: goneAway(header)
            }
            guard output.readableBytes <= limits.unsentAnswers else {
                throw .answersNotRead(limit: limits.unsentAnswers)
            }
        }
    }

    /// What happened since, oldest first.
    mutating func nextEvent() -> Event? {
        events.popFirst()
    }

    /// Takes all that is to be sent; `nil` when there is nothing.
    mutating func takeOutput() -> ByteBuffer? {
        for id in unaccepted where streams[id]?.dueFlags.isEmpty == false {
            send(.windowUpdate, on: id, length: 0)
        }
        unaccepted.removeAll(keepingCapacity: true)
        guard output.readableBytes > 0 else { return nil }
        defer { output = ByteBuffer() }
        return output
    }

    /// Asks the peer for a sign of life.
    mutating func ping(_ value: UInt32) {
        awaitedPong = value
        YamuxHeader(kind: .ping, flags: .syn, stream: 0, length: value).write(to: &output)
    }

    /// Tells the peer that no more streams will be taken.
    mutating func goAway(_ reason: GoAway) {
        guard !isGoingAway else { return }
        isGoingAway = true
        YamuxHeader(kind: .goAway, stream: 0, length: reason.rawValue).write(to: &output)
    }

    // MARK: - The streams' side

    /// Opens a stream.
    ///
    /// The peer learns of it by the first frame.
    mutating func open() throws(YamuxRefusal) -> UInt32 {
        guard !isGoingAway else { throw .goingAway }
        guard liveStreams < limits.streams else { throw .tooManyStreams(limit: limits.streams) }
        guard unacknowledgedStreams < limits.unacknowledgedStreams else {
            throw .tooManyUnacknowledged(limit: limits.unacknowledgedStreams)
        }
        guard nextID <= .max - 2 else { throw .streamIDsExhausted }
        defer { nextID += 2 }
        streams[nextID] = Stream(isOutbound: true, dueFlags: .syn, isAcknowledged: false)
        liveStreams += 1
        unacknowledgedStreams += 1
        return nextID
    }

    /// Takes all bytes received on a stream, and grants the peer as many again once half a window has been read.
    mutating func read(_ id: UInt32) -> Reading {
        guard let stream = streams[id] else { return .closed }
        let count = stream.unread.readableBytes
        guard count > 0 else {
            return stream.hasReceivedEnd ? .end : stream.isReset ? .reset : .waiting
        }
        streams[id]?.unread = ByteBuffer()
        unreadBytes -= count
        let consumed = stream.consumed + count
        if !stream.hasReceivedEnd, !stream.isReset, consumed >= YamuxLimits.initialWindow / 2 {
            streams[id]?.consumed = 0
            streams[id]?.receiveWindow += consumed
            send(.windowUpdate, on: id, length: UInt32(consumed))
        } else {
            streams[id]?.consumed = consumed
        }
        settle(id)
        return .bytes(stream.unread)
    }

    /// Sends as much as the window and the output take.
    ///
    /// - Parameter isNegotiation: does not wait for room in the output. What a stream says before anything else is short
    ///   and fits its fresh window, so it is always taken whole.
    mutating func write(_ id: UInt32, _ bytes: inout ByteBuffer, isNegotiation: Bool = false) -> Writing {
        guard let stream = streams[id] else { return .closed }
        guard !stream.isReset else { return .reset }
        guard !stream.hasSentEnd else { return .closed }
        var window = stream.sendWindow
        defer { streams[id]?.sendWindow = window }
        while bytes.readableBytes > 0 {
            guard window > 0 else { return .windowFull }
            guard isNegotiation || output.readableBytes < limits.unsentBytes else { return .outputFull }
            let count = min(bytes.readableBytes, window, limits.sentFrame)
            send(.data, on: id, length: UInt32(count))
            if count == bytes.readableBytes {
                output.writeBuffer(&bytes)
            } else if var part = bytes.readSlice(length: count) {
                output.writeBuffer(&part)
            }
            window -= count
        }
        return .done
    }

    /// Ends this side's direction of a stream.
    mutating func closeWrite(_ id: UInt32) {
        guard let stream = streams[id], !stream.hasSentEnd, !stream.isReset else { return }
        streams[id]?.hasSentEnd = true
        send(.data, [.fin], on: id, length: 0)
        settle(id)
    }

    /// Forgets a stream; the peer sees a reset unless both sides had closed.
    ///
    /// Only now an inbound stream stops counting: its handler may be at work long after the peer has reset it, and a
    /// peer that opens and resets without end must not gather handlers.
    mutating func release(_ id: UInt32) {
        guard let stream = streams[id] else { return }
        // A stream that the peer has never heard of needs no reset.
        if !stream.isReset, !(stream.hasSentEnd && stream.hasReceivedEnd), !stream.dueFlags.contains(.syn) {
            send(.data, [.rst], on: id, length: 0)
        }
        unreadBytes -= stream.unread.readableBytes
        streams[id]?.unread = ByteBuffer()
        stopCounting(id)
        streams[id] = nil
    }

    // MARK: - Frames

    private mutating func send(_ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags = [], on id: UInt32, length: UInt32)
    {
        let due = streams[id]?.dueFlags ?? []
        if !due.isEmpty { streams[id]?.dueFlags = [] }
        YamuxHeader(kind: kind, flags: flags.union(due), stream: id, length: length).write(to: &output)
    }

    private mutating func beginData(_ header: YamuxHeader) throws(YamuxError) {
        let length = Int(header.length)
        guard header.stream != 0 else { throw .invalidStreamID(0) }
        guard length <= limits.receivedFrame else {
            throw .frameTooLong(declared: length, limit: limits.receivedFrame)
        }
        try takeBeginning(header)
        if let stream = streams[header.stream], !stream.isReset {
            guard !stream.hasReceivedEnd || length == 0, length <= stream.receiveWindow else {
                throw .windowExceeded(stream: header.stream)
            }
            streams[header.stream]?.receiveWindow -= length
        }
        // Bytes for a stream that is not known are passed over: it may have been reset while they were under way.
        guard length > 0 else { return takeEnding(header.flags, on: header.stream) }
        incoming = (header.stream, length, header.flags)
    }

    private mutating func updateWindow(_ header: YamuxHeader) throws(YamuxError) {
        guard header.stream != 0 else { throw .invalidStreamID(0) }
        try takeBeginning(header)
        if header.length > 0, let stream = streams[header.stream] {
            let window = stream.sendWindow + Int(header.length)
            guard window <= UInt32.max else { throw .windowOverflow(stream: header.stream) }
            streams[header.stream]?.sendWindow = window
            events.append(.writable(header.stream))
        }
        takeEnding(header.flags, on: header.stream)
    }

    private mutating func answerPing(_ header: YamuxHeader) {
        if header.flags.contains(.syn) {
            YamuxHeader(kind: .ping, flags: .ack, stream: 0, length: header.length).write(to: &output)
        } else if header.flags.contains(.ack), awaitedPong == header.length {
            awaitedPong = nil
            events.append(.pong(header.length))
        }
    }

    private mutating func goneAway(_ header: YamuxHeader) {
        isGoingAway = true
        events.append(.goneAway(code: header.length))
    }

    /// Handles the flags that come before what a frame carries.
    private mutating func takeBeginning(_ header: YamuxHeader) throws(YamuxError) {
        if header.flags.contains(.syn) { try accept(header.stream) }
        if header.flags.contains(.ack) { acknowledge(header.stream) }
    }

    private mutating func accept(_ id: UInt32) throws(YamuxError) {
        guard id % 2 != nextID % 2, streams[id] == nil else { throw .invalidStreamID(id) }
        guard liveStreams < limits.streams, !isGoingAway else {
            YamuxHeader(kind: .data, flags: .rst, stream: id, length: 0).write(to: &output)
            return
        }
        streams[id] = Stream(isOutbound: false, dueFlags: .ack, isAcknowledged: true)
        liveStreams += 1
        unaccepted.append(id)
        events.append(.opened(id))
    }

    private mutating func acknowledge(_ id: UInt32) {
        guard streams[id]?.isAcknowledged == false else { return }
        streams[id]?.isAcknowledged = true
        unacknowledgedStreams -= 1
    }

    private mutating func take(_ part: ByteBuffer, on id: UInt32) {
        guard let stream = streams[id], !stream.isReset else { return }
        guard unreadBytes + part.readableBytes <= limits.unreadBytes else {
            release(id)
            events.append(.overflowed(id))
            return
        }
        unreadBytes += part.readableBytes
        // Copied: a small slice would keep the whole received buffer alive.
        streams[id]?.unread.writeImmutableBuffer(part)
        events.append(.readable(id))
    }

    /// Handles the flags that come after what a frame carries.
    private mutating func takeEnding(_ flags: YamuxHeader.Flags, on id: UInt32) {
        guard !flags.isDisjoint(with: [.fin, .rst]), let stream = streams[id] else { return }
        if flags.contains(.fin), !stream.hasReceivedEnd {
            streams[id]?.hasReceivedEnd = true
            events.append(.readable(id))
        }
        if flags.contains(.rst), !stream.isReset {
            streams[id]?.isReset = true
            events.append(.reset(id))
        }
        settle(id)
    }

    private mutating func settle(_ id: UInt32) {
        guard let stream = streams[id], stream.isOutbound, stream.isOver else { return }
        stopCounting(id)
    }

    private mutating func stopCounting(_ id: UInt32) {
        guard let stream = streams[id], stream.isLive else { return }
        streams[id]?.isLive = false
        liveStreams -= 1
        if !stream.isAcknowledged {
            streams[id]?.isAcknowledged = true
            unacknowledgedStreams -= 1
        }
    }
}
