import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// A call under way, as its caller sees it.
///
/// One task may send while another receives; no two tasks may do the same. A call that is let go of before its status
/// has arrived is cancelled: the stream is reset, and the peer's handler with it.
final class RPCStreamLeg: RPCClientLeg {
    private struct State {
        var reader = RPCFrameReader()
        var outcome: Outcome?
        var hasFinished: Bool
        var isSending = false
    }

    private enum Outcome {
        case ok
        case failed(RPCError)
    }

    private let stream: any MuxedStream
    private let limits: RPCLimits
    private let state: NIOLockedValueBox<State>
    private let timer: Task<Void, Never>?

    init(
        stream: any MuxedStream,
        limits: RPCLimits,
        deadline: Duration?,
        clock: any Clock<Duration>,
        hasFinished: Bool
    ) {
        self.stream = stream
        self.limits = limits
        let state = NIOLockedValueBox(State(hasFinished: hasFinished))
        self.state = state
        // It owns the stream and the state but not the call, so that a call let go of ends, and the timer with it.
        timer = deadline.map { deadline in
            Task {
                do { try await clock.sleep(for: deadline) } catch { return }
                Self.end(.failed(.deadlineExceeded), state)
                stream.reset()
            }
        }
    }

    deinit {
        cancel()
    }

    /// The peer that is called.
    var peer: PeerID { stream.remotePeer }

    /// Sends a message; returns when the peer's window has taken it.
    ///
    /// Cancelling the task in the middle of a message cancels the call, since the peer could not read on.
    func send(_ message: ByteBuffer) async throws(RPCError) {
        try await write(RPCFrame.encode(.message(Array(buffer: message), isLast: false)))
    }

    /// Tells the peer that no more messages will be sent.
    ///
    /// Receiving goes on. Harmless a second time, and once the peer has answered that all is well.
    func finish() async throws(RPCError) {
        let isDone = state.withLockedValue { state in
            if case .ok = state.outcome { return true }
            defer { state.hasFinished = true }
            return state.hasFinished
        }
        if !isDone { try await write(RPCFrame.encode(.end), isFinish: true) }
    }

    /// The next message of the peer; `nil` after the last, when the peer has said that the call succeeded.
    ///
    /// Cancelling the task ends the wait with ``RPCError/cancelled`` and leaves the call as it is.
    func receive() async throws(RPCError) -> ByteBuffer? {
        while true {
            switch step() {
            case .message(let message): return ByteBuffer(bytes: message)
            case .ended(.ok):
                await close()
                return nil
            case .ended(.failed(let error)):
                await close()
                throw error
            case .waits: break
            }
            let bytes: ByteBuffer?
            do {
                bytes = try await stream.read()
            } catch {
                if error == .cancelled { throw .cancelled }
                throw end(RPCError(error))
            }
            guard let bytes else { throw end(.unavailable("the peer closed the call without a status")) }
            state.withLockedValue { $0.reader.append(bytes) }
        }
    }

    /// Ends the call and tells the peer to stop.
    ///
    /// Harmless on a call that has ended.
    func cancel() {
        timer?.cancel()
        let isUnderWay = state.withLockedValue { state in
            guard state.outcome == nil else { return false }
            state.outcome = .failed(.cancelled)
            return true
        }
        if isUnderWay { stream.reset() }
    }

    /// Sends the first flight.
    func begin(_ bytes: ByteBuffer) async throws(RPCError) {
        try await write(bytes, isFinish: true)
    }

    private func write(_ bytes: ByteBuffer, isFinish: Bool = false) async throws(RPCError) {
        let refusal: RPCError? = state.withLockedValue { state in
            switch state.outcome {
            case .ok: return .ended
            case .failed(let error): return error
            case nil where state.hasFinished && !isFinish: return .ended
            case nil:
                state.isSending = true
                return nil
            }
        }
        if let refusal { throw refusal }
        defer { state.withLockedValue { $0.isSending = false } }
        do {
            try await stream.write(bytes)
        } catch {
            if error == .cancelled {
                cancel()
                throw .cancelled
            }
            // The status may have come in the meantime, or be on its way: the receiver decides how the call ended.
            throw state.withLockedValue { state in
                switch state.outcome {
                case .ok: .ended
                case .failed(let known): known
                case nil: RPCError(error)
                }
            }
        }
    }

    private enum Step {
        case message([UInt8])
        case ended(Outcome)
        case waits
    }

    /// What the bytes at hand amount to.
    private func step() -> Step {
        state.withLockedValue { state in
            if let outcome = state.outcome { return .ended(outcome) }
            do throws(RPCError) {
                guard let frame = try state.reader.next(limits: limits, frameLimit: limits.maximumMessage) else {
                    return .waits
                }
                switch frame {
                case .message(let message, isLast: false): return .message(message)
                case .status(let status) where status.code == .ok: state.outcome = .ok
                case .status(let status):
                    state.outcome = .failed(.failed(code: status.code, message: status.message))
                case .message, .header, .end: throw .protocolViolation("a frame that only callers send")
                }
            } catch {
                state.outcome = .failed(error)
            }
            return state.outcome.map(Step.ended) ?? .waits
        }
    }

    /// Closes this side of a call that has its status, so that the server need not wait.
    private func close() async {
        timer?.cancel()
        let isSending = state.withLockedValue(\.isSending)
        if case .failed(let error) = state.withLockedValue(\.outcome), !error.isAnswer {
            stream.reset()
        } else if isSending {
            // Closing would wait behind the sender, who waits for a peer that reads no more.
            stream.reset()
        } else {
            try? await stream.closeWrite()
        }
    }

    /// Ends the call for a reason, unless another has ended it before.
    ///
    /// - Returns: the reason that counts.
    private func end(_ error: RPCError) -> RPCError {
        let first = Self.end(.failed(error), state)
        timer?.cancel()
        stream.reset()
        if case .failed(let error) = first { return error }
        return .ended
    }

    @discardableResult
    private static func end(_ outcome: Outcome, _ state: NIOLockedValueBox<State>) -> Outcome {
        state.withLockedValue { state in
            let first = state.outcome ?? outcome
            state.outcome = first
            return first
        }
    }
}

extension RPCError {
    /// Whether the peer ended the call in good order.
    fileprivate var isAnswer: Bool {
        if case .failed = self { true } else { false }
    }
}
