import LatticaCore
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// What the dialect's server calls to answer.
protocol LatticaMethods: Sendable {
    /// Runs the handler of a method and tells how it ended.
    ///
    /// For a method that nobody serves the status is `unimplemented` with the text `no method …`.
    func answer(
        _ method: RPCMethod,
        peer: PeerID,
        metadata: [String: String],
        deadline: Duration?,
        leg: any RPCServerLeg
    ) async -> RPCStatus

    /// Whether the method is served.
    func serves(_ method: RPCMethod) -> Bool

    /// Whether a method is served whose name begins with the service and a slash.
    func hasService(_ name: Substring) -> Bool
}

extension LatticaDialect {
    /// Answers the calls of peers that speak Lattica's dialect.
    ///
    /// Each call has a task of its own, so that no slow one holds up another. A unary call whose caller leaves is noticed
    /// when the answer is written: its stream has ended in the direction that is read.
    final class Server: Sendable {
        private let methods: any LatticaMethods
        private let limits: RPCLimits
        private let bounds: Bounds
        private let clock: any Clock<Duration>
        private let logger: Logger
        private let unaryCalls: PeerBudget
        private let streams: PeerBudget
        private let buffered: PeerBudget

        /// Answers on a host from here on.
        init(
            host: any Host,
            methods: any LatticaMethods,
            limits: RPCLimits = RPCLimits(),
            bounds: Bounds? = nil,
            clock: any Clock<Duration> = ContinuousClock(),
            logger: Logger = Logger(label: "lattica.rpc")
        ) {
            self.methods = methods
            self.limits = limits
            let bounds = bounds ?? Bounds(limits)
            self.bounds = bounds
            self.clock = clock
            self.logger = logger
            unaryCalls = PeerBudget(limit: bounds.unaryCallsPerPeer)
            streams = PeerBudget(limit: bounds.streamsPerPeer)
            buffered = PeerBudget(limit: bounds.bufferedBytesPerPeer.bytes)
            host.handle(.latticaUnary) { [self] stream in await answerUnary(stream) }
            host.handle(.latticaStream) { [self] stream in await answerStream(stream) }
        }

        /// Unary calls that are worked on, and streams that carry other calls.
        var load: (unary: Int, streams: Int, bufferedBytes: Int) {
            (unaryCalls.total, streams.total, buffered.total)
        }

        // MARK: - Calls on one stream

        private func answerStream(_ stream: any MuxedStream) async {
            guard streams.take(1, for: stream.remotePeer) else {
                logger.debug("a stream was refused: the peer has too many", metadata: ["peer": "\(stream.remotePeer)"])
                return stream.reset()
            }
            defer { streams.giveBack(1, for: stream.remotePeer) }
            let session = LatticaServerSession(
                stream: stream,
                methods: methods,
                limits: limits,
                bounds: bounds,
                clock: clock,
                budget: buffered
            )
            if let error = await session.run() {
                logger.debug(
                    "a stream of calls ended",
                    metadata: ["peer": "\(stream.remotePeer)", "error": "\(error)"]
                )
            }
        }

        // MARK: - Unary calls

        private func answerUnary(_ stream: any MuxedStream) async {
            guard unaryCalls.take(1, for: stream.remotePeer) else {
                logger.debug("a call was dropped: too many are under way", metadata: ["peer": "\(stream.remotePeer)"])
                return stream.reset()
            }
            defer { unaryCalls.giveBack(1, for: stream.remotePeer) }
            do throws(RPCError) {
                let isDone: Void? = try await clock.withDeadline(bounds.unaryDeadline) { () async throws(RPCError) in
                    try await self.exchange(on: stream)
                }
                if isDone == nil { throw .deadlineExceeded }
            } catch {
                stream.reset()
                logger.debug(
                    "a unary call ended without an answer",
                    metadata: ["peer": "\(stream.remotePeer)", "error": "\(error)"]
                )
            }
        }

        private func exchange(on stream: any MuxedStream) async throws(RPCError) {
            var charge = ByteCharge(buffered, peer: stream.remotePeer, free: bounds.freeBytes)
            let limit = limits.maximumMessage.bytes + LatticaDialect.unaryOverhead.bytes
            var bytes = ByteBuffer()
            do throws(StreamError) {
                while let part = try await stream.read() {
                    bytes.appendOrTake(part)
                    guard bytes.readableBytes <= limit else { throw StreamError.closed }
                    guard charge.set(bytes.readableBytes) else { throw StreamError.closed }
                }
            } catch {
                throw bytes.readableBytes > limit
                    ? .messageTooLong(limit: limits.maximumMessage)
                    : RPCError(error)
            }
            let answer = try await answer(to: bytes, from: stream.remotePeer).encode()
            do throws(StreamError) {
                try await stream.write(answer)
                try await stream.closeWrite()
            } catch {
                throw RPCError(error)
            }
        }

        private func answer(to bytes: ByteBuffer, from peer: PeerID) async throws(RPCError) -> UnaryMessage {
            let message: UnaryMessage
            do throws(BincodeError) {
                message = try UnaryMessage(bytes)
            } catch {
                throw .protocolViolation("a request is malformed: \(error)")
            }
            guard case .request(let id, let name, let data, let compression) = message else {
                throw .protocolViolation("an answer where a request belongs")
            }
            guard let method = RPCMethod(latticaName: name) else {
                return .error(id: id, text: LatticaText.invalidMethod)
            }
            guard methods.serves(method) || methods.hasService(method.service) else {
                return .error(id: id, text: LatticaText.unknownService(method.service))
            }
            let request: ByteBuffer
            do throws(CompressionError) {
                request = try await compression.decompressAside(data, limit: limits.maximumMessage)
            } catch {
                return .error(id: id, text: LatticaText.notDecompressed(error))
            }
            let leg = UnaryServerLeg(request)
            let status = await methods.answer(
                method,
                peer: peer,
                metadata: [:],
                deadline: bounds.unaryDeadline,
                leg: leg
            )
            guard status.code == .ok else {
                return .error(id: id, text: LatticaText.unaryFailure(status, of: method))
            }
            return .response(id: id, data: leg.reply, compression: .none)
        }
    }
}

/// The handler's end of a unary call: one message in, at most one out; none is what Python calls `None`.
private final class UnaryServerLeg: RPCServerLeg {
    private struct State {
        var request: ByteBuffer?
        var reply: ByteBuffer?
    }

    private let state: NIOLockedValueBox<State>

    init(_ request: ByteBuffer) {
        state = NIOLockedValueBox(State(request: request))
    }

    var reply: ByteBuffer { state.withLockedValue { $0.reply ?? ByteBuffer() } }

    func receive() async throws(RPCError) -> ByteBuffer? {
        state.withLockedValue { state in
            defer { state.request = nil }
            return state.request
        }
    }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        let isFirst = state.withLockedValue { state in
            guard state.reply == nil else { return false }
            state.reply = message
            return true
        }
        guard isFirst else { throw .failed(code: .failedPrecondition, message: "a unary call has one answer") }
    }
}

extension ByteBuffer {
    /// Adds bytes at the end, without a copy if there is nothing yet.
    mutating func appendOrTake(_ bytes: ByteBuffer) {
        if readableBytes == 0 {
            self = bytes
        } else {
            writeImmutableBuffer(bytes)
        }
    }
}

extension Compression {
    /// Longer work than this leaves the event loop.
    private static let longWork = 16 << 10

    /// Restores bytes, away from the event loop if it may take long.
    func decompressAside(_ bytes: ByteBuffer, limit: ByteCount) async throws(CompressionError) -> ByteBuffer {
        guard self != .none else { return try decompress(bytes, limit: limit) }
        // A few bytes may become many, so their count says little.
        let result = await withTaskExecutorPreference(globalConcurrentExecutor) {
            Result { () throws(CompressionError) in try decompress(bytes, limit: limit) }
        }
        return try result.get()
    }

    /// Compresses bytes, away from the event loop if it may take long.
    func compressAside(_ bytes: ByteBuffer) async throws(CompressionError) -> ByteBuffer {
        guard self != .none, bytes.readableBytes > Self.longWork else { return try compress(bytes) }
        let result = await withTaskExecutorPreference(globalConcurrentExecutor) {
            Result { () throws(CompressionError) in try compress(bytes) }
        }
        return try result.get()
    }
}
