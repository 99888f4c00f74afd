import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// The caller's end of a stream or iterator call.
///
/// What is sent is gathered and goes out at once when it is complete, because the peer begins only then, and because a
/// peer that did not accept the stream is sent it again on another: it has seen nothing of the call.
final class LatticaClientLeg: RPCClientLeg {
    private enum Outcome {
        case ok
        case failed(RPCError)
    }

    private struct State {
        /// `nil` once it need not be sent again.
        var argument: ByteBuffer? = ByteBuffer()
        var isComplete = false
        var stream: LatticaClientStream?
        /// Whether the argument has left on the stream; nobody reads from it before.
        var isSent = false
        var attempts = 0
        /// The answer so far, where its parts are one message.
        var answer = ByteBuffer()
        var outcome: Outcome?
        var hasGivenAnswer = false
    }

    let peer: PeerID
    private let name: String
    private let id: String
    private let form: LatticaDialect.Form
    private let streams: LatticaClientStreams
    private let limits: RPCLimits
    private let clock: any Clock<Duration>
    private let deadline: Duration?
    private let elapsed: @Sendable () -> Duration
    private let state: NIOLockedValueBox<State>
    /// Rung when the argument is out, and when the call has ended.
    private let progress: Bell
    private let timers: Timers
    private let timer: Int?

    init(
        name: String,
        id: String,
        peer: PeerID,
        form: LatticaDialect.Form,
        streams: LatticaClientStreams,
        limits: RPCLimits,
        deadline: Duration?,
        timers: Timers,
        clock: any Clock<Duration>
    ) {
        self.name = name
        self.id = id
        self.peer = peer
        self.form = form
        self.streams = streams
        self.limits = limits
        self.deadline = deadline
        self.clock = clock
        elapsed = clock.stopwatch()
        let state = NIOLockedValueBox(State())
        let progress = Bell()
        self.state = state
        self.progress = progress
        self.timers = timers
        // It owns the state but not the call, so that a call let go of ends, and the timer with it.
        timer = deadline.map { deadline in
            timers.start(deadline) { _ = Self.end(.failed(.deadlineExceeded), state, streams, progress) }
        }
    }

    deinit {
        cancel()
    }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        let refusal: RPCError? = state.withLockedValue { state in
            switch state.outcome {
            case .ok: return .ended
            case .failed(let error): return error
            case nil: break
            }
            guard !state.isComplete, var argument = state.argument else { return .ended }
            guard argument.readableBytes + message.readableBytes <= limits.maximumMessage.bytes else {
                return .messageTooLong(limit: limits.maximumMessage)
            }
            state.argument = nil
            argument.appendOrTake(message)
            state.argument = argument
            return nil
        }
        if let refusal { throw refusal }
    }

    func finish() async throws(RPCError) {
        let isFirst = state.withLockedValue { state in
            defer { state.isComplete = true }
            return !state.isComplete && state.outcome == nil
        }
        if isFirst { try await transmit() }
    }

    func receive() async throws(RPCError) -> ByteBuffer? {
        while true {
            let seen = progress.count
            let (outcome, stream) = state.withLockedValue { ($0.outcome, $0.isSent ? $0.stream : nil) }
            switch outcome {
            case .failed(let error): throw error
            case .ok: return lastAnswer()
            case nil: break
            }
            guard let stream else {
                guard await progress.wait(past: seen) != nil else { throw .cancelled }
                continue
            }
            let frame: StreamFrame
            do throws(RPCError) {
                frame = try await stream.next()
            } catch {
                if error == .cancelled { throw error }
                if try await isReplaced(stream, error) { continue }
                throw end(error)
            }
            if let message = try take(frame) { return message }
        }
    }

    func cancel() {
        _ = Self.end(.failed(.cancelled), state, streams, progress)
        stopTimer()
    }

    // MARK: - Sending

    /// Sends the request and the argument on a stream, or on another if one cannot be used.
    private func transmit() async throws(RPCError) {
        while true {
            let stream = try await takeStream()
            let argument = state.withLockedValue { state -> ByteBuffer? in
                guard state.outcome == nil else { return nil }
                state.stream = stream
                return state.argument ?? ByteBuffer()
            }
            guard let argument else {
                streams.giveBack(stream, isUsable: true)
                return try throwOutcome()
            }
            var writer = BincodeWriter()
            StreamFrame.request(id: id, method: name, data: ByteBuffer()).write(to: &writer)
            StreamFrame.write(argument, id: id, isLast: true, to: &writer)
            do throws(StreamError) {
                try await stream.stream.write(writer.buffer)
                state.withLockedValue { $0.isSent = true }
                return progress.ring()
            } catch {
                if error == .cancelled {
                    cancel()
                    throw .cancelled
                }
                // One that was used before has ended meanwhile; nothing of the call has left.
                if !stream.isFresh, abandon(stream) { continue }
                if try await isReplaceable(stream, RPCError(error)) { continue }
                throw end(RPCError(error))
            }
        }
    }

    private func takeStream() async throws(RPCError) -> LatticaClientStream {
        if let stream = streams.takeUnused(peer) { return stream }
        guard let deadline else { return try await streams.take(peer) }
        let taken: LatticaClientStream?
        do throws(RPCError) {
            taken = try await clock.withDeadline(max(.zero, deadline - elapsed())) {
                [streams, peer] () async throws(RPCError) in
                try await streams.take(peer)
            }
        } catch {
            throw end(error)
        }
        guard let taken else { throw end(.deadlineExceeded) }
        return taken
    }

    /// Puts another stream in the place of one that the peer has reset without a frame.
    private func isReplaced(_ stream: LatticaClientStream, _ error: RPCError) async throws(RPCError) -> Bool {
        guard try await isReplaceable(stream, error) else { return false }
        try await transmit()
        return true
    }

    private func isReplaceable(_ stream: LatticaClientStream, _ error: RPCError) async throws(RPCError) -> Bool {
        guard case .unavailable = error, stream.isFresh else { return false }
        let attempt: Int? = state.withLockedValue { state in
            guard state.outcome == nil, state.argument != nil, state.attempts < streams.bounds.openingAttempts else {
                return nil
            }
            state.attempts += 1
            return state.attempts
        }
        guard let attempt, abandon(stream) else { return false }
        try await streams.pause(attempt: attempt)
        return true
    }

    /// Lets go of a stream that does not work.
    ///
    /// - Returns: `false` if the call has ended meanwhile.
    private func abandon(_ stream: LatticaClientStream) -> Bool {
        let isMine = state.withLockedValue { state in
            guard state.stream === stream else { return false }
            state.stream = nil
            state.isSent = false
            return true
        }
        if isMine { streams.giveBack(stream, isUsable: false) }
        return isMine
    }

    // MARK: - Receiving

    /// What a frame gives to the caller, if anything.
    private func take(_ frame: StreamFrame) throws(RPCError) -> ByteBuffer? {
        // Frames of a call before this one may still come: a close behind an error.
        guard frame.id == id else { return nil }
        switch frame {
        case .data(_, let payload, _):
            let isTooLong = state.withLockedValue { state in
                state.argument = nil
                guard state.answer.readableBytes + payload.readableBytes <= limits.maximumMessage.bytes else {
                    return true
                }
                if form == .stream { state.answer.appendOrTake(payload) }
                return false
            }
            if isTooLong { throw end(.messageTooLong(limit: limits.maximumMessage)) }
            return form == .iterator ? payload : nil
        case .error(_, let text): throw end(LatticaText.error(text))
        case .close:
            finishWell()
            return nil
        case .request, .cancel: throw end(.protocolViolation("a frame that only callers send"))
        }
    }

    /// The one message of a stream call, once.
    private func lastAnswer() -> ByteBuffer? {
        state.withLockedValue { state in
            guard form == .stream, !state.hasGivenAnswer else { return nil }
            state.hasGivenAnswer = true
            defer { state.answer = ByteBuffer() }
            return state.answer
        }
    }

    // MARK: - Ending

    private func finishWell() {
        _ = Self.end(.ok, state, streams, progress)
        stopTimer()
    }

    /// Ends the call for a reason, unless another has ended it before.
    ///
    /// - Returns: the reason that counts.
    private func end(_ error: RPCError) -> RPCError {
        let first = Self.end(.failed(error), state, streams, progress)
        stopTimer()
        if case .failed(let error) = first { return error }
        return .ended
    }

    private func stopTimer() {
        if let timer { timers.cancel(timer) }
    }

    private func throwOutcome() throws(RPCError) {
        switch state.withLockedValue(\.outcome) {
        case .failed(let error): throw error
        case .ok, nil: throw .ended
        }
    }

    private static func end(
        _ outcome: Outcome,
        _ state: NIOLockedValueBox<State>,
        _ streams: LatticaClientStreams,
        _ progress: Bell
    ) -> Outcome {
        let (first, stream) = state.withLockedValue { state in
            if let first = state.outcome { return (first, LatticaClientStream?.none) }
            state.outcome = outcome
            state.argument = nil
            defer { state.stream = nil }
            return (outcome, state.stream)
        }
        if let stream {
            // An answer in good order leaves the stream at the beginning of a frame; a reset tells the peer to stop.
            let isUsable =
                switch outcome {
                case .ok, .failed(.failed): true
                case .failed: false
                }
            streams.giveBack(stream, isUsable: isUsable)
        }
        progress.ring()
        return first
    }
}
