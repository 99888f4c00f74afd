import NIOCore

/// Frames, as they come and go.
extension YamuxSession {
    /// Takes bytes from the peer.
    ///
    /// Bytes of a frame are taken as they come; nothing is set aside for those to follow.
    mutating func receive(_ input: inout ByteBuffer) throws(YamuxError) {
        while true {
            if let frame = incoming {
                guard let part = input.readSlice(length: min(frame.left, input.readableBytes)) else { return }
                take(part, on: frame.stream)
                guard part.readableBytes == frame.left else {
                    incoming?.left -= part.readableBytes
                    return
                }
                incoming = nil
                takeEnding(frame.flags, on: frame.stream)
            }
            guard let header = try YamuxHeader(reading: &input) else { return }
            tap?.received(header, input)
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

    // MARK: - Sending

    mutating func send(_ header: YamuxHeader, payload: ByteBuffer? = nil) {
        tap?.sent(header, payload)
        if output.readableBytes == 0 { output.reserveCapacity(usualOutput) }
        header.write(to: &output)
    }

    mutating func send(
        _ kind: YamuxHeader.Kind,
        _ flags: YamuxHeader.Flags = [],
        on flow: YamuxFlow,
        length: UInt32,
        payload: ByteBuffer? = nil
    ) {
        let header = YamuxHeader(kind: kind, flags: flags.union(flow.dueFlags), stream: flow.id, length: length)
        flow.dueFlags = []
        send(header, payload: payload)
    }

    // MARK: - Receiving

    private mutating func beginData(_ header: YamuxHeader) throws(YamuxError) {
        let length = Int(header.length)
        guard header.stream != 0 else { throw .invalidStreamID(0) }
        guard length <= limits.receivedFrame else {
            throw .frameTooLong(declared: length, limit: limits.receivedFrame)
        }
        try takeBeginning(header)
        if let flow = flow(header.stream), !flow.isReset {
            guard !flow.hasReceivedEnd || length == 0, flow.receiveWindow.receive(length) else {
                throw .windowExceeded(stream: header.stream)
            }
        }
        // Bytes for a stream that is not known are passed over: it may have been reset while they were under way.
        guard length > 0 else { return takeEnding(header.flags, on: header.stream) }
        incoming = IncomingFrame(stream: header.stream, left: length, flags: header.flags)
    }

    private mutating func updateWindow(_ header: YamuxHeader) throws(YamuxError) {
        guard header.stream != 0 else { throw .invalidStreamID(0) }
        try takeBeginning(header)
        if header.length > 0, let flow = flow(header.stream) {
            let window = flow.sendWindow + Int(header.length)
            guard window <= UInt32.max else { throw .windowOverflow(stream: header.stream) }
            flow.sendWindow = window
            events.append(.writable(header.stream))
        }
        takeEnding(header.flags, on: header.stream)
    }

    private mutating func answerPing(_ header: YamuxHeader) {
        if header.flags.contains(.syn) {
            send(YamuxHeader(kind: .ping, flags: .ack, stream: 0, length: header.length))
        } else if header.flags.contains(.ack), awaitedPong == header.length {
            awaitedPong = nil
            events.append(.pong(header.length))
        }
    }

    private mutating func goneAway(_ header: YamuxHeader) {
        hasReceivedGoAway = true
        events.append(.goneAway(code: header.length))
    }

    /// Handles the flags that come before what a frame carries.
    private mutating func takeBeginning(_ header: YamuxHeader) throws(YamuxError) {
        if header.flags.contains(.syn) { try accept(header.stream) }
        if header.flags.contains(.ack) { acknowledge(header.stream) }
    }

    private mutating func accept(_ id: UInt32) throws(YamuxError) {
        guard id % 2 != nextID % 2, flow(id) == nil else { throw .invalidStreamID(id) }
        guard liveStreams < limits.streams, !hasSentGoAway else {
            resets += 1
            return send(YamuxHeader(kind: .data, flags: .rst, stream: id, length: 0))
        }
        keep(YamuxFlow(id: id, isOutbound: false))
        unaccepted.append(id)
        events.append(.opened(id))
    }

    private mutating func acknowledge(_ id: UInt32) {
        guard let flow = flow(id), !flow.isAcknowledged else { return }
        flow.isAcknowledged = true
        unacknowledgedStreams -= 1
    }

    private mutating func take(_ part: ByteBuffer, on id: UInt32) {
        guard part.readableBytes > 0, let flow = flow(id), !flow.isReset else { return }
        guard unreadBytes + part.readableBytes <= limits.unreadBytes else {
            release(id)
            events.append(.overflowed(id))
            return
        }
        unreadBytes += part.readableBytes
        flow.unread.append(part)
        becameReadable(id)
    }

    /// Handles the flags that come after what a frame carries.
    private mutating func takeEnding(_ flags: YamuxHeader.Flags, on id: UInt32) {
        guard !flags.isDisjoint(with: [.fin, .rst]), let flow = flow(id) else { return }
        if flags.contains(.fin), !flow.hasReceivedEnd {
            flow.hasReceivedEnd = true
            becameReadable(id)
        }
        if flags.contains(.rst), !flow.isReset {
            flow.isReset = true
            resets += 1
            events.append(.reset(id))
        }
        settle(flow)
    }

    /// One event for a row of frames.
    private mutating func becameReadable(_ id: UInt32) {
        if events.last != .readable(id) { events.append(.readable(id)) }
    }
}
