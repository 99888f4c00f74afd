public import LatticaCore
public import Logging
import NIOConcurrencyHelpers
public import NIOCore

/// Calls methods of peers.
///
/// All calls of a peer go over one session, a stream that is opened at the first call and closed when it is not used for
/// a while; each call has flow control of its own, so that a slow one holds back no other. A peer that does not speak
/// Lattice's protocol is called by that of Lattica. Copies of a client share its sessions.
///
/// A call is never made twice: when its session is lost, it ends with ``RPCError/unavailable(_:)``, and only who knows
/// what the method does can tell whether it may be repeated.
public struct RPCClient: Sendable {
    private let sessions: RPCSessions
    private let limits: RPCLimits
    private let time: RPCTime
    private let metrics: RPCMetrics

    /// Calls through a host.
    public init(
        host: any Host,
        limits: RPCLimits = RPCLimits(),
        clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "lattica.rpc")
    ) {
        self.limits = limits
        time = RPCTime(clock)
        sessions = RPCSessions(host: host, limits: limits, clock: clock, fallback: [], logger: logger)
        metrics = RPCMetrics(side: .client)
    }

    /// Sends one message and waits for the one that answers it.
    ///
    /// Cancelling the task tells the peer to stop.
    ///
    /// - Parameter deadline: counts from now, dialling included.
    public func call(
        _ method: RPCMethod,
        on peer: PeerID,
        request: ByteBuffer,
        deadline: Duration,
        metadata: [String: String] = [:]
    ) async throws(RPCError) -> ByteBuffer {
        let measurement = metrics.begin(method)
        do throws(RPCError) {
            let reply = try await unary(method, on: peer, request: request, deadline: deadline, metadata: metadata)
            measurement.end(.ok)
            return reply
        } catch {
            measurement.end(error.code)
            throw error
        }
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
        let request = ByteBuffer(bytes: request)
        return Array(
            buffer: try await call(method, on: peer, request: request, deadline: deadline, metadata: metadata)
        )
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
        let (driver, id) = try await begin(
            method,
            on: peer,
            request: nil,
            deadline: deadline,
            metadata: metadata
        )
        return RPCCall(
            leg: RPCSessionLeg(driver: driver, id: id, of: sessions),
            maximumMessage: limits.maximumMessage,
            measurement: metrics.begin(method)
        )
    }

    /// Where calls of a peer cost no change of threads: the event loop of the session's connection; `nil` if all places are
    /// alike.
    ///
    /// For a task that makes many brief calls one after the other and computes little between them; it is run there by
    /// `withTaskExecutorPreference`, or as a `Task(executorPreference:)`.
    public func executor(for peer: PeerID, deadline: Duration) async throws(RPCError) -> (any TaskExecutor)? {
        guard case .session(let driver) = try await sessions.way(to: peer, deadline: deadline) else { return nil }
        return driver.stream.executor
    }

    private func unary(
        _ method: RPCMethod,
        on peer: PeerID,
        request: ByteBuffer,
        deadline: Duration,
        metadata: [String: String]
    ) async throws(RPCError) -> ByteBuffer {
        guard request.readableBytes <= limits.maximumMessage.bytes else {
            throw .messageTooLong(limit: limits.maximumMessage)
        }
        let (driver, id) = try await begin(
            method,
            on: peer,
            request: request,
            deadline: deadline,
            metadata: metadata
        )
        return try await driver.reply(to: id)
    }

    /// Begins a call on the session to a peer.
    private func begin(
        _ method: RPCMethod,
        on peer: PeerID,
        request: ByteBuffer?,
        deadline: Duration?,
        metadata: [String: String]
    ) async throws(RPCError) -> (RPCSessionDriver, RPCSession.CallID) {
        var header = RPCHeader(method: method, deadline: deadline, metadata: metadata)
        try check(header)
        if let way = sessions.open(to: peer), case .session(let driver) = way,
            let id = driver.begin(header, message: request, isLast: request != nil, deadline: deadline)
        {
            return (driver, id)
        }
        // A session may end between its being found and the call; nothing has left then, and another one does.
        let start = time()
        for _ in 0..<2 {
            let left = deadline.map { $0 - (time() - start) }
            guard case .session(let driver) = try await sessions.way(to: peer, deadline: left) else {
                throw .unavailable("the peer speaks another protocol")
            }
            header.deadline = deadline.map { $0 - (time() - start) }
            if let id = driver.begin(header, message: request, isLast: request != nil, deadline: header.deadline) {
                return (driver, id)
            }
        }
        throw .unavailable("the session ended")
    }

    private func check(_ header: RPCHeader) throws(RPCError) {
        guard !header.method.name.isEmpty, header.method.name.utf8.count <= RPCMethod.maximumLength else {
            throw .failed(
                code: .invalidArgument,
                message: "a method has a name of 1 to \(RPCMethod.maximumLength) bytes"
            )
        }
        guard !header.metadata.isEmpty else { return }
        guard header.encodedLength <= limits.maximumHeader.bytes, header.metadata.count <= limits.maximumMetadataCount
        else { throw .messageTooLong(limit: limits.maximumHeader) }
    }
}
