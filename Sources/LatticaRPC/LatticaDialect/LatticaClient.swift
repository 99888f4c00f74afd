import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

extension LatticaDialect {
    /// How the answer of a call is taken; on the wire both begin alike.
    enum Form: Hashable, Sendable {
        /// The parts of the answer are one message; the package calls it a stream method.
        case stream
        /// Every part is a message of its own; the package calls it an iterator.
        case iterator
    }

    /// Calls methods of peers that speak Lattica's dialect.
    ///
    /// The package puts all calls to a peer on one stream; this client gives each call a stream while it lasts, and uses
    /// it again afterwards. So a reader that is slow holds back the sender of its own call and nobody else: nothing is
    /// kept here beyond the stream's window, and nothing is lost.
    final class Client: Sendable {
        private let host: any Host
        private let limits: RPCLimits
        private let bounds: Bounds
        private let clock: any Clock<Duration>
        private let unaryTurns: PeerTurns
        private let streams: LatticaClientStreams
        private let timers: Timers
        private let nextID = NIOLockedValueBox<UInt64>(0)

        /// Calls through a host.
        init(
            host: any Host,
            limits: RPCLimits = RPCLimits(),
            bounds: Bounds? = nil,
            clock: any Clock<Duration> = ContinuousClock()
        ) {
            let bounds = bounds ?? Bounds(limits)
            self.host = host
            self.limits = limits
            self.bounds = bounds
            self.clock = clock
            unaryTurns = PeerTurns(limit: bounds.unaryCallsPerPeer, waitingLimit: bounds.waitingCallsPerPeer)
            streams = LatticaClientStreams(host: host, bounds: bounds, clock: clock)
            timers = Timers(clock: clock)
        }

        /// Sends one message and waits for the one that answers it.
        ///
        /// More calls than the package works on at once wait here for their turn, since it drops them in silence. A peer
        /// is not told when the caller gives up: the protocol has no words for it.
        ///
        /// - Parameters:
        ///   - deadline: counts from now, dialling and waiting included; never longer than the package's own.
        ///   - compression: used when the request is long enough, and becomes shorter by it.
        func unary(
            _ method: RPCMethod,
            on peer: PeerID,
            request: ByteBuffer,
            deadline: Duration?,
            compression: Compression = .none
        ) async throws(RPCError) -> ByteBuffer {
            let name = try name(of: method)
            guard request.readableBytes <= limits.maximumMessage.bytes else {
                throw .messageTooLong(limit: limits.maximumMessage)
            }
            let deadline = min(deadline ?? bounds.unaryDeadline, bounds.unaryDeadline)
            let reply = try await clock.withDeadline(deadline) { () async throws(RPCError) in
                try await self.unaryTurns.take(peer)
                defer { self.unaryTurns.giveBack(peer) }
                let message = try await self.message(name, request, compression)
                return try await self.exchange(message, with: peer)
            }
            guard let reply else { throw .deadlineExceeded }
            return reply
        }

        /// Begins a call whose answer comes in parts.
        ///
        /// The messages sent are one argument: it goes out when the sender says that it is done, and the peer begins then.
        ///
        /// - Parameter deadline: counts from now, dialling and waiting included; without one the call lasts until a side
        ///   ends it.
        func open(
            _ method: RPCMethod,
            on peer: PeerID,
            form: Form,
            deadline: Duration?
        ) async throws(RPCError) -> any RPCClientLeg {
            LatticaClientLeg(
                name: try name(of: method),
                id: id(),
                peer: peer,
                form: form,
                streams: streams,
                limits: limits,
                deadline: deadline,
                timers: timers,
                clock: clock
            )
        }

        private func name(of method: RPCMethod) throws(RPCError) -> String {
            guard let name = method.latticaName else {
                throw .failed(code: .unimplemented, message: "Lattica's dialect has no name for \(method)")
            }
            return name
        }

        private func id() -> String {
            let number = nextID.withLockedValue { next in
                next += 1
                return next
            }
            return "\(number)"
        }

        private func message(
            _ name: String,
            _ request: ByteBuffer,
            _ compression: Compression
        ) async throws(RPCError) -> UnaryMessage {
            if request.readableBytes >= compression.threshold.bytes {
                do throws(CompressionError) {
                    let data = try await compression.compressAside(request)
                    if data.readableBytes < request.readableBytes {
                        return .request(id: id(), method: name, data: data, compression: compression)
                    }
                } catch {
                    throw .failed(code: .internalError, message: "\(error)")
                }
            }
            return .request(id: id(), method: name, data: request, compression: .none)
        }

        private func exchange(_ message: UnaryMessage, with peer: PeerID) async throws(RPCError) -> ByteBuffer {
            let stream: any MuxedStream
            do throws(DialError) {
                stream = try await host.openStream(to: peer, protocols: [.latticaUnary])
            } catch {
                throw Task.isCancelled ? .cancelled : RPCError(error)
            }
            let limit = limits.maximumMessage.bytes + LatticaDialect.unaryOverhead.bytes
            var bytes = ByteBuffer()
            do throws(StreamError) {
                try await stream.write(message.encode())
                try await stream.closeWrite()
                while bytes.readableBytes <= limit, let part = try await stream.read() { bytes.appendOrTake(part) }
            } catch {
                stream.reset()
                throw RPCError(error)
            }
            guard bytes.readableBytes <= limit else {
                stream.reset()
                throw .messageTooLong(limit: limits.maximumMessage)
            }
            guard bytes.readableBytes > 0 else { throw .unavailable("the peer ended the call without an answer") }
            return try await reply(in: bytes)
        }

        private func reply(in bytes: ByteBuffer) async throws(RPCError) -> ByteBuffer {
            let message: UnaryMessage
            do throws(BincodeError) {
                message = try UnaryMessage(bytes)
            } catch {
                throw .protocolViolation("an answer is malformed: \(error)")
            }
            switch message {
            case .request: throw .protocolViolation("a request where an answer belongs")
            case .error(_, let text): throw LatticaText.error(text)
            case .response(_, let data, let compression):
                do throws(CompressionError) {
                    return try await compression.decompressAside(data, limit: limits.maximumMessage)
                } catch {
                    throw .protocolViolation("an answer is malformed: \(error)")
                }
            }
        }
    }
}
