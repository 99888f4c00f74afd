public import LatticaCore
import NIOCore

/// Calls methods of peers.
///
/// Every call has a stream of its own, so that a slow one holds back no other and cancelling is a reset of the stream.
public struct RPCClient: Sendable {
    private let host: any Host
    private let limits: RPCLimits
    private let clock: any Clock<Duration>

    /// Calls through a host.
    public init(host: any Host, limits: RPCLimits = RPCLimits(), clock: any Clock<Duration> = ContinuousClock()) {
        self.host = host
        self.limits = limits
        self.clock = clock
    }

    /// Sends one message and waits for the one that answers it.
    ///
    /// Cancelling the task tells the peer to stop.
    ///
    /// - Parameter deadline: counts from now, dialling included.
    public func call(
        _ method: RPCMethod,
        on peer: PeerID,
        request: [UInt8],
        deadline: Duration,
        metadata: [String: String] = [:]
    ) async throws(RPCError) -> [UInt8] {
        let call = try await start(method, on: peer, deadline: deadline, metadata: metadata, only: request)
        do throws(RPCError) {
            guard let reply = try await call.receive() else {
                throw .protocolViolation("the status is ok, but there is no answer")
            }
            guard try await call.receive() == nil else {
                throw .protocolViolation("there is more than one answer")
            }
            return reply
        } catch {
            call.cancel()
            throw error
        }
    }

    /// Begins a call in which messages go to and fro.
    ///
    /// - Parameter deadline: counts from now, dialling included; without one the call lasts until a side ends it.
    public func open(
        _ method: RPCMethod,
        on peer: PeerID,
        deadline: Duration?,
        metadata: [String: String] = [:]
    ) async throws(RPCError) -> RPCCall {
        try await start(method, on: peer, deadline: deadline, metadata: metadata, only: nil)
    }

    private func start(
        _ method: RPCMethod,
        on peer: PeerID,
        deadline: Duration?,
        metadata: [String: String],
        only request: [UInt8]?
    ) async throws(RPCError) -> RPCCall {
        if let request, request.count > limits.maximumMessage.bytes {
            throw .messageTooLong(limit: limits.maximumMessage)
        }
        let elapsed = clock.stopwatch()
        let stream = try await openStream(to: peer, deadline: deadline)
        let left = deadline.map { $0 - elapsed() }
        let header = RPCFrame.header(RPCHeader(method: method, deadline: left, metadata: metadata))
        var first = RPCFrame.encode(header)
        guard first.readableBytes <= limits.maximumHeader.bytes, metadata.count <= limits.maximumMetadataCount else {
            stream.reset()
            throw .messageTooLong(limit: limits.maximumHeader)
        }
        // One flight for a call with one message.
        if let request { RPCFrame.message(request, isLast: true).write(to: &first) }
        let leg = RPCStreamLeg(
            stream: stream,
            limits: limits,
            deadline: left,
            clock: clock,
            hasFinished: request != nil
        )
        try await leg.begin(first)
        return RPCCall(leg: leg, maximumMessage: limits.maximumMessage)
    }

    private func openStream(to peer: PeerID, deadline: Duration?) async throws(RPCError) -> any MuxedStream {
        let opened: (any MuxedStream)?
        do throws(DialError) {
            guard let deadline else { return try await host.openStream(to: peer, protocols: [.latticeRPC]) }
            opened = try await clock.withDeadline(deadline) {
                [host] () async throws(DialError) -> any MuxedStream in
                try await host.openStream(to: peer, protocols: [.latticeRPC])
            }
        } catch {
            throw Task.isCancelled ? .cancelled : RPCError(error)
        }
        guard let opened else { throw .deadlineExceeded }
        return opened
    }
}
