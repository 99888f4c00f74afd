import LatticaCore
import Logging
import Metrics
import NIOCore

/// The streams of a connection, as the tasks that use them see them.
extension ConnectionDriver {
    // MARK: - What the muxer tells

    func handleEvents() {
        while let event = session.nextEvent() {
            switch event {
            case .opened(let id):
                accept(id)
            case .readable(let id):
                if let state = streams[id] { progress(state) }
            case .writable(let id):
                if let state = streams[id] { resumeWriter(state) }
            case .reset(let id):
                guard let state = streams[id] else { continue }
                progress(state)
                resumeWriter(state)
            case .overflowed(let id):
                guard let state = streams[id] else { continue }
                logger.debug("a stream was reset: too much is unread on the connection", metadata: ["stream": "\(id)"])
                state.failure = .closed
                progress(state)
                resumeWriter(state)
            case .pong:
                guard let time = keepAlive.pong(at: loop.now) else { continue }
                session.roundTripTime = TimeAmount(time)
                connection?.setRoundTripTime(time)
            case .goneAway(let code):
                logger.debug("the peer takes no more streams", metadata: ["code": "\(code)"])
                connection?.stopOpening()
            }
        }
    }

    private func accept(_ id: UInt32) {
        streams[id] = StreamState(
            id: id,
            negotiation: MultistreamNegotiation(answering: settings.handlers.protocols),
            isInbound: true,
            deadline: negotiationDeadline()
        )
        settings.metrics.streams(isInbound: true).increment()
    }

    /// When a negotiation that begins is given up.
    private func negotiationDeadline() -> NIODeadline {
        scheduleTick()
        return loop.now + TimeAmount(settings.limits.negotiationTimeout)
    }

    /// Goes on with the negotiation, or else with the task that reads.
    private func progress(_ state: StreamState) {
        if state.negotiation != nil { negotiate(state) }
        if state.negotiation == nil || state.failure != nil { resumeReader(state) }
    }

    // MARK: - Agreeing on the protocol

    private func negotiate(_ state: StreamState) {
        guard var negotiation = state.negotiation, state.failure == nil else { return }
        switch session.read(state.id) {
        case .bytes(var bytes):
            if state.leftover.readableBytes > 0 {
                state.leftover.writeBuffer(&bytes)
            } else {
                state.leftover = bytes
            }
        case .waiting: return
        case .end, .reset, .closed: return refuse(state, .resetByPeer)
        }
        var reply = ByteBuffer()
        let outcome = Result { () throws(MultistreamError) in
            try negotiation.receive(&state.leftover, reply: &reply)
        }
        let isRefused = negotiation.refusals > (state.negotiation?.refusals ?? 0)
        state.negotiation = negotiation
        if isRefused {
            refuseInTime(state, reply)
        } else {
            _ = session.write(state.id, &reply, isNegotiation: true)
            scheduleFlush()
        }
        switch outcome {
        case .success(.pending): break
        case .success(.agreed(let id)): agree(state, on: id)
        case .success(.refused): refuse(state, .resetByPeer)
        case .failure(let error):
            logger.debug("the peer broke the rules of multistream-select", metadata: ["error": "\(error)"])
            refuse(state, .resetByPeer)
        }
    }

    /// Answers that a protocol is not spoken; at once a few times, then at the next tick.
    ///
    /// Some peers ask again at once and without end. Making them wait costs nothing, and answering costs a round trip
    /// of work each time.
    private func refuseInTime(_ state: StreamState, _ reply: ByteBuffer) {
        refusals += 1
        if refusals > Self.promptRefusals {
            state.heldReply.writeImmutableBuffer(reply)
            scheduleTick()
            if refusals == Self.promptRefusals + 1 { logger.debug("the peer asks on and on for what is not spoken") }
        } else {
            var reply = reply
            _ = session.write(state.id, &reply, isNegotiation: true)
            scheduleFlush()
        }
    }

    /// Sends the refusals that were held back.
    func sendHeldReplies() {
        guard refusals > Self.promptRefusals else {
            refusals = 0
            return
        }
        refusals = 0
        for state in streams.values where state.heldReply.readableBytes > 0 {
            _ = session.write(state.id, &state.heldReply, isNegotiation: true)
            scheduleFlush()
        }
    }

    private func agree(_ state: StreamState, on id: ProtocolID) {
        state.negotiation = nil
        state.deadline = nil
        guard let connection else { return }
        if let opener = state.opener {
            state.opener = nil
            opener.finish(.success(YamuxStream(connection: connection, state: state, protocolID: id)))
        } else if state.isInbound {
            guard let handler = settings.handlers.handler(for: id) else { return release(state) }
            let stream = YamuxStream(connection: connection, state: state, protocolID: id)
            tasks.add(on: executor) { await handler(stream) }
        }
    }

    private func refuse(_ state: StreamState, _ failure: StreamError) {
        state.failure = failure
        state.deadline = nil
        state.opener?.finish(.failure(.notSupported))
        state.opener = nil
        resumeWriter(state)
        resumeReader(state)
        release(state)
    }

    // MARK: - Opening

    /// Opens a stream for the one protocol that is acceptable, without waiting.
    ///
    /// The proposal travels with the first data, trusting that the peer speaks it, as the peer does with us: a call then
    /// takes one round trip.
    func openNow(_ id: ProtocolID) -> Result<YamuxStream, StreamOpenError> {
        guard let connection else { return .failure(.connectionOver) }
        return Result { () throws(StreamOpenError) in
            let state = try openState([id], deadline: nil)
            state.proposal = state.negotiation?.openingFlight()
            return YamuxStream(connection: connection, state: state, protocolID: id)
        }
    }

    func open(_ protocols: [ProtocolID], wait: StreamState.OpenWait) {
        guard let preferred = protocols.first else { return wait.finish(.failure(.notSupported)) }
        guard protocols.count > 1 else { return wait.finish(openNow(preferred)) }
        do throws(StreamOpenError) {
            let state = try openState(protocols, deadline: negotiationDeadline())
            if var flight = state.negotiation?.openingFlight() {
                _ = session.write(state.id, &flight, isNegotiation: true)
            }
            scheduleFlush()
            state.opener = wait
        } catch {
            wait.finish(.failure(error))
        }
    }

    private func openState(
        _ protocols: [ProtocolID],
        deadline: NIODeadline?
    ) throws(StreamOpenError) -> StreamState {
        guard connection != nil, end == nil else { throw .connectionOver }
        let id: UInt32
        do throws(YamuxRefusal) {
            id = try session.open()
        } catch {
            switch error {
            case .goingAway, .streamIDsExhausted: throw .connectionOver
            case .tooManyStreams(let limit): throw .limitReached("\(limit) streams are open on the connection")
            case .tooManyUnacknowledged(let limit): throw .limitReached("the peer has not accepted \(limit) streams")
            }
        }
        let state = StreamState(
            id: id,
            negotiation: MultistreamNegotiation(proposing: protocols),
            isInbound: false,
            deadline: deadline
        )
        streams[id] = state
        settings.metrics.streams(isInbound: false).increment()
        return state
    }

    func cancelOpening(_ wait: StreamState.OpenWait) {
        wait.finish(.failure(.timedOut))
        if let state = streams.values.first(where: { $0.opener === wait }) { release(state) }
    }

    // MARK: - Reading

    /// What a reader gets without waiting; `nil` when it must wait.
    func readNow(_ state: StreamState) -> Result<ByteBuffer?, StreamError>? {
        propose(state)
        if state.negotiation == nil, state.leftover.readableBytes > 0 {
            defer { state.leftover = ByteBuffer() }
            // A slice, so that its indices begin at 0 as those of all that is read.
            return .success(state.leftover.slice())
        }
        if state.negotiation == nil {
            switch session.read(state.id, at: loop.now) {
            case .bytes(let bytes):
                if session.unsentBytes > 0 { scheduleFlush() }
                return .success(bytes)
            case .end: return .success(nil)
            case .reset: return .failure(.resetByPeer)
            case .closed: return .failure(state.failure ?? .closed)
            case .waiting: break
            }
        }
        return state.failure.map { .failure($0) }
    }

    func read(_ state: StreamState, wait: StreamState.ReadWait) {
        if let result = readNow(state) { return wait.finish(result) }
        // Two tasks must not read at once; the second is turned away.
        guard state.reader == nil else { return wait.finish(.failure(.closed)) }
        state.reader = wait
    }

    func cancelRead(_ state: StreamState, wait: StreamState.ReadWait) {
        if state.reader === wait { state.reader = nil }
        wait.finish(.failure(.cancelled))
    }

    func resumeReader(_ state: StreamState) {
        guard let reader = state.reader, let result = readNow(state) else { return }
        state.reader = nil
        reader.finish(result)
    }

    // MARK: - Writing

    /// Sends what can be sent without waiting; `nil` when the rest, left in the bytes, must wait.
    func writeNow(_ state: StreamState, _ bytes: inout ByteBuffer) -> Result<Void, StreamError>? {
        if let failure = state.failure { return .failure(failure) }
        propose(state)
        switch session.write(state.id, &bytes) {
        case .done:
            scheduleFlush()
            return .success(())
        case .windowFull:
            scheduleFlush()
            return nil
        case .outputFull:
            scheduleFlush()
            if !state.isWaitingForOutput {
                state.isWaitingForOutput = true
                waitingForOutput.append(state.id)
            }
            return nil
        case .reset: return .failure(.resetByPeer)
        case .closed: return .failure(.closed)
        }
    }

    func write(_ state: StreamState, _ bytes: ByteBuffer, hasBegun: Bool, wait: StreamState.WriteWait) {
        guard state.writer == nil else { return wait.finish(.failure(.closed)) }
        state.writer = (wait, bytes, hasBegun)
        resumeWriter(state)
    }

    func cancelWrite(_ state: StreamState, wait: StreamState.WriteWait) {
        if let writer = state.writer, writer.wait === wait {
            state.writer = nil
            // What follows half a message would be taken for its rest.
            if writer.hasBegun { reset(state) }
        }
        wait.finish(.failure(.cancelled))
    }

    func resumeWriter(_ state: StreamState) {
        guard var writer = state.writer else { return }
        let before = writer.rest.readableBytes
        guard let result = writeNow(state, &writer.rest) else {
            writer.hasBegun = writer.hasBegun || writer.rest.readableBytes != before
            state.writer = writer
            return
        }
        state.writer = nil
        writer.wait.finish(result)
    }

    /// Gives the room in the output to those who wait for it, in turn.
    func letWritersGoOn() {
        for _ in 0..<waitingForOutput.count {
            guard session.unsentBytes < session.limits.unsentBytes, let id = waitingForOutput.popFirst() else { return }
            guard let state = streams[id] else { continue }
            state.isWaitingForOutput = false
            resumeWriter(state)
        }
    }

    func closeWrite(_ state: StreamState) -> Result<Void, StreamError> {
        propose(state)
        if let failure = state.failure { return .failure(failure) }
        if let writer = state.writer {
            state.writer = nil
            writer.wait.finish(.failure(.closed))
        }
        session.closeWrite(state.id)
        scheduleFlush()
        return .success(())
    }

    /// Sends the proposal that was kept back.
    private func propose(_ state: StreamState) {
        guard var proposal = state.proposal, state.failure == nil else { return }
        state.proposal = nil
        state.deadline = negotiationDeadline()
        _ = session.write(state.id, &proposal, isNegotiation: true)
        scheduleFlush()
    }

    // MARK: - Ending

    func reset(_ state: StreamState) {
        if state.failure == nil { state.failure = .closed }
        release(state)
    }

    /// Lets go of a stream; the peer sees a reset unless both sides had closed it.
    func release(_ state: StreamState) {
        if state.failure == nil { state.failure = .closed }
        session.release(state.id)
        if streams.removeValue(forKey: state.id) != nil {
            settings.metrics.streams(isInbound: state.isInbound).decrement()
            endWhenDrained()
        }
        state.opener?.finish(.failure(.timedOut))
        state.opener = nil
        resumeReader(state)
        resumeWriter(state)
        if session.unsentBytes > 0 { scheduleFlush() }
    }
}
