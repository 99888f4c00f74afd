public import LatticaCore
public import Logging
import NIOConcurrencyHelpers
public import NIOCore

/// Calls methods of peers.
///
/// All calls of a peer go over one session, a stream that is opened at the first call and closed when it is not used for
/// a while; each call has flow control of its own, so that a slow one holds back no other. Copies of a client share its
/// sessions.
///
/// A peer that does not speak Lattice's protocol is called by that of Lattica, in which `Service/method` is
/// `Service.method` and a call has no metadata; a call with several requests sends them as one, at its end.
///
/// A call is never made twice: when its session is lost, it ends with ``RPCError/unavailable(_:)``, and only who knows
/// what the method does can tell whether it may be repeated.
public struct RPCClient: Sendable {
    private let sessions: RPCSessions
    private let lattica: LatticaDialect.Client
    private let limits: RPCLimits
    private let time: RPCTime
    private let metrics: RPCMetrics

    /// How requests of unary calls are compressed for peers that speak no other protocol than Lattica's; not at all unless asked.
    ///
    /// Requests shorter than ``Compression/threshold``, and those that would not become shorter, go as they are. Lattica's
    /// answers and streams know no compression, nor does Lattice's own protocol (Lattica wire, §13). A copy of a client
    /// shares its sessions, so that single calls can be made by a copy with another value.
    ///
    /// What is secret does not belong into one request with what a stranger has chosen: the length would tell of it.
    public var compression = Compression.none

    /// Calls through a host.
    public init(
        host: any Host,
        limits: RPCLimits = RPCLimits(),
        clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "lattica.rpc")
    ) {
        self.limits = limits
        time = RPCTime(clock)
        sessions = RPCSessions(
            host: host,
            limits: limits,
            clock: clock,
            fallback: [.latticaUnary, .latticaStream],
            logger: logger
        )
        lattica = LatticaDialect.Client(host: host, limits: limits, clock: clock)
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
        let begun = try await begin(method, on: peer, request: nil, deadline: deadline, metadata: metadata)
        let leg: any RPCClientLeg =
            switch begun {
            case .session(let driver, let id): RPCSessionLeg(driver: driver, id: id, of: sessions)
            case .lattica(let deadline):
                try await lattica.open(method, on: peer, form: .iterator, deadline: deadline)
            }
        return RPCCall(leg: leg, maximumMessage: limits.maximumMessage, measurement: metrics.begin(method))
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
        switch try await begin(method, on: peer, request: request, deadline: deadline, metadata: metadata) {
        case .session(let driver, let id): return try await driver.reply(to: id)
        case .lattica(let left):
            do throws(RPCError) {
                return try await lattica.unary(
                    method,
                    on: peer,
                    request: request,
                    deadline: left,
                    compression: compression
                )
            } catch {
                if error.code == .unavailable { sessions.forget(peer) }
                throw error
            }
        }
    }

    /// A call under way, in the dialect that the peer speaks.
    private enum Begun {
        case session(RPCSessionDriver, RPCSession.CallID)
        /// Nothing has left; so much of the deadline is left.
        case lattica(deadline: Duration?)
    }

    /// Begins a call on the session to a peer.
    private func begin(
        _ method: RPCMethod,
        on peer: PeerID,
        request: ByteBuffer?,
        deadline: Duration?,
        metadata: [String: String]
    ) async throws(RPCError) -> Begun {
        var header = RPCHeader(method: method, deadline: deadline, metadata: metadata)
        try check(header)
        if let way = sessions.open(to: peer), case .session(let driver) = way,
            let id = driver.begin(header, message: request, isLast: request != nil, deadline: deadline)
        {
            return .session(driver, id)
        }
        // A session may end between its being found and the call; nothing has left then, and another one does.
        let start = time()
        for _ in 0..<2 {
            let left = deadline.map { $0 - (time() - start) }
            let way = try await sessions.way(to: peer, deadline: left)
            header.deadline = deadline.map { $0 - (time() - start) }
            guard case .session(let driver) = way else { return .lattica(deadline: header.deadline) }
            if let id = driver.begin(header, message: request, isLast: request != nil, deadline: header.deadline) {
                return .session(driver, id)
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
