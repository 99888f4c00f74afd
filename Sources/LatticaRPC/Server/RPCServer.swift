public import LatticaCore
public import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Answers the calls of peers.
///
/// Handlers run side by side, each in a task of the connection that the call came over, so that they end with it.
public final class RPCServer: Sendable {
    /// What answers a method.
    ///
    /// What it throws becomes the status of the call; returning means success.
    public typealias Handler = @Sendable (RPCServerCall) async throws -> Void

    private struct State {
        var handlers: [RPCMethod: Handler] = [:]
        var callCount = 0
        var callCounts: [PeerID: Int] = [:]
    }

    private let state = NIOLockedValueBox(State())
    private let limits: RPCLimits
    private let clock: any Clock<Duration>
    private let logger: Logger

    /// Answers on a host from now on; methods may be added at any time.
    public init(
        host: any Host,
        limits: RPCLimits = RPCLimits(),
        clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "lattica.rpc")
    ) {
        self.limits = limits
        self.clock = clock
        self.logger = logger
        host.handle(.latticeRPC) { [self] stream in
            await answer(stream)
        }
    }

    /// Answers a method, in place of the handler that did so before.
    ///
    /// A handler throws ``RPCFailure`` to choose the status. Any other error reaches the caller as `internalError` with
    /// a fixed text, and the log in full.
    public func register(_ method: RPCMethod, handler: @escaping Handler) {
        state.withLockedValue { $0.handlers[method] = handler }
    }

    /// How many calls are being worked on.
    public var callCount: Int { state.withLockedValue(\.callCount) }

    private func answer(_ stream: any MuxedStream) async {
        var logger = logger
        logger[metadataKey: "peer"] = "\(stream.remotePeer)"
        do throws(RPCError) {
            let opening = try await opening(of: stream)
            logger[metadataKey: "method"] = "\(opening.header.method)"
            let work = RPCServerWork(stream: stream, opening: opening, limits: limits, clock: clock, server: self)
            if let status = try await work.run() { try await finish(stream, with: status) }
        } catch {
            stream.reset()
            switch error {
            case .protocolViolation, .messageTooLong:
                logger.debug("a peer broke the rules", metadata: ["error": "\(error)"])
            default:
                logger.trace("a call ended early", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Reads the header.
    private func opening(of stream: any MuxedStream) async throws(RPCError) -> RPCOpening {
        let opening = try await clock.withDeadline(limits.headerDeadline) {
            [limits] () async throws(RPCError) -> RPCOpening in
            var reader = RPCFrameReader()
            while true {
                if let frame = try reader.next(limits: limits, frameLimit: limits.maximumHeader) {
                    guard case .header(let header) = frame else { throw .protocolViolation("a call without a header") }
                    return RPCOpening(header: header, reader: reader)
                }
                let bytes: ByteBuffer?
                do throws(StreamError) { bytes = try await stream.read() } catch { throw RPCError(error) }
                guard let bytes else { throw .cancelled }
                reader.append(bytes)
            }
        }
        guard let opening else { throw .deadlineExceeded }
        return opening
    }

    /// Sends the status and waits for the caller to close its side.
    ///
    /// To reset the stream at once could overtake the status.
    private func finish(_ stream: any MuxedStream, with status: RPCStatus) async throws(RPCError) {
        do {
            try await stream.write(RPCFrame.encode(.status(status)))
            try await stream.closeWrite()
        } catch {
            throw RPCError(error)
        }
        let isClosed: Void? = try await clock.withDeadline(limits.closeDeadline) { () async throws(RPCError) in
            do throws(StreamError) { while try await stream.read() != nil {} } catch { throw RPCError(error) }
        }
        if isClosed == nil { stream.reset() }
    }

    /// Finds the handler of a method, runs it, and tells how it ended.
    ///
    /// The entry of every dialect: it admits the call, counts it, and makes a status of what the handler throws. The
    /// deadline is told to the handler; whoever calls this watches over it, and cancels the task when it has passed or
    /// when the caller has gone.
    func answer(
        _ method: RPCMethod,
        peer: PeerID,
        metadata: [String: String],
        deadline: Duration?,
        leg: any RPCServerLeg
    ) async -> RPCStatus {
        guard let handler = state.withLockedValue({ $0.handlers[method] }) else {
            return RPCStatus(code: .unimplemented, message: "no method \(method)")
        }
        guard admit(peer) else {
            logger.debug("a call was refused: too many are under way", metadata: ["peer": "\(peer)"])
            return RPCStatus(code: .resourceExhausted, message: "too many calls are under way")
        }
        defer { release(peer) }
        let call = RPCServerCall(
            method: method,
            peer: peer,
            metadata: metadata,
            deadline: deadline,
            leg: leg,
            maximumMessage: limits.maximumMessage
        )
        do {
            try await handler(call)
            return .ok
        } catch let failure as RPCFailure {
            return RPCStatus(code: failure.code, message: failure.message)
        } catch is CancellationError {
            return RPCStatus(code: .cancelled, message: "the call was cancelled")
        } catch RPCError.cancelled {
            return RPCStatus(code: .cancelled, message: "the call was cancelled")
        } catch {
            logger.warning(
                "a handler failed",
                metadata: ["peer": "\(peer)", "method": "\(method)", "error": "\(error)"]
            )
            return RPCStatus(code: .internalError, message: "the peer has a fault")
        }
    }

    private func admit(_ peer: PeerID) -> Bool {
        state.withLockedValue { [limits] state in
            let count = state.callCounts[peer, default: 0]
            guard state.callCount < limits.maximumCalls, count < limits.maximumCallsPerPeer else { return false }
            state.callCount += 1
            state.callCounts[peer] = count + 1
            return true
        }
    }

    private func release(_ peer: PeerID) {
        state.withLockedValue { state in
            state.callCount -= 1
            let count = state.callCounts[peer, default: 1] - 1
            state.callCounts[peer] = count > 0 ? count : nil
        }
    }
}

/// A header, and what arrived behind it.
struct RPCOpening: Sendable {
    var header: RPCHeader
    var reader: RPCFrameReader
}
