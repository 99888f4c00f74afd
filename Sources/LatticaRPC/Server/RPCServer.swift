public import LatticaCore
public import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Answers the calls of peers, in Lattice's protocol and in that of Lattica.
///
/// Handlers run side by side, each in a task that is cancelled when its caller gives up, when its deadline passes, and
/// when its connection ends, which waits for them.
public final class RPCServer: Sendable {
    /// What answers a method.
    ///
    /// What it throws becomes the status of the call; returning means success.
    public typealias Handler = @Sendable (RPCServerCall) async throws -> Void

    let limits: RPCLimits
    let clock: any Clock<Duration>
    let logger: Logger
    let admission: RPCAdmission
    private let registrations = NIOLockedValueBox<[RPCMethod: RPCRegistration]>([:])
    private let metrics = RPCMetrics(side: .server)

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
        admission = RPCAdmission(limits: limits)
        host.handle(.latticeRPC) { [self] stream in
            await admission.withLoad(of: stream.remotePeer) { load in await serve(stream, load) }
        }
        // The host keeps it, as it keeps this server.
        _ = LatticaDialect.Server(host: host, methods: self, limits: limits, clock: clock, logger: logger)
    }

    /// Answers a method, in place of the handler that did so before.
    ///
    /// A handler throws ``RPCFailure`` to choose the status. Any other error reaches the caller as `internalError` with
    /// a fixed text, and the log in full.
    public func register(_ method: RPCMethod, on place: RPCHandlerPlace = .pool, handler: @escaping Handler) {
        add(method, on: place, .call(handler))
    }

    /// How many calls are being worked on.
    public var callCount: Int { admission.callCount }

    func add(_ method: RPCMethod, on place: RPCHandlerPlace, _ handler: RPCRegistration.Handler) {
        let registration = RPCRegistration(
            method: method,
            place: place,
            handler: handler,
            metrics: metrics.method(method)
        )
        registrations.withLockedValue { $0[method] = registration }
    }

    func registration(of method: RPCMethod) -> RPCRegistration? {
        registrations.withLockedValue { $0[method] }
    }

    // MARK: - Sessions

    /// Serves one session of a peer to its end.
    private func serve(_ stream: any MuxedStream, _ load: RPCAdmission.Load) async {
        let peer = load.peer
        guard admission.admitSession(of: load) else {
            logger.debug("a session was refused: the peer has too many", metadata: ["peer": "\(peer)"])
            return stream.reset()
        }
        defer { admission.releaseSession(of: load) }
        let driver = RPCSessionDriver(role: .server, stream: stream, limits: limits, clock: clock) {
            [self] driver, id, header in
            begin(id, header, on: driver, load)
        }
        let reason = await withTaskCancellationHandler {
            await driver.run()
        } onCancel: {
            driver.fail(.cancelled)
        }
        switch reason {
        case .protocolViolation, .messageTooLong:
            logger.debug("a peer broke the rules", metadata: ["peer": "\(peer)", "error": "\(reason)"])
        default:
            logger.trace("a session has ended", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
        }
    }

    /// Begins the work on a call that has arrived.
    private func begin(
        _ id: RPCSession.CallID,
        _ header: RPCHeader,
        on driver: RPCSessionDriver,
        _ load: RPCAdmission.Load
    ) {
        guard let registration = registration(of: header.method) else {
            return driver.refuse(id, with: .unimplemented(header.method))
        }
        guard admission.admitCall(of: load) else {
            logger.debug("a call was refused: too many are under way", metadata: ["peer": "\(load.peer)"])
            return driver.refuse(id, with: .tooManyCalls)
        }
        switch registration.place {
        case .pool:
            let task = Task { await work(on: id, registration, header, driver, load) }
            driver.setHandler(task, of: id)
        case .eventLoop:
            let task = Task.immediate(executorPreference: driver.stream.executor) {
                await work(on: id, registration, header, driver, load)
            }
            driver.setHandler(task, of: id)
        }
    }

    /// Works on a call that has been admitted, to its end.
    private func work(
        on id: RPCSession.CallID,
        _ registration: RPCRegistration,
        _ header: RPCHeader,
        _ driver: RPCSessionDriver,
        _ load: RPCAdmission.Load
    ) async {
        let measurement = registration.metrics.begin()
        let leg = RPCSessionServerLeg(driver: driver, id: id)
        let (reply, status) = await run(registration, header, load.peer, leg)
        await driver.answer(id, message: reply, status: status)
        measurement.end(status.code)
        admission.releaseCall(of: load)
        driver.handlerEnded(id)
    }

    // MARK: - Handlers

    /// Finds the handler of a method, runs it, and tells how it ended.
    ///
    /// The entry of dialects other than Lattice's own: it admits the call, counts it, and makes a status of what the
    /// handler throws. The deadline is told to the handler; whoever calls this watches over it, and cancels the task when
    /// it has passed or when the caller has gone.
    func answer(
        _ method: RPCMethod,
        peer: PeerID,
        metadata: [String: String],
        deadline: Duration?,
        leg: any RPCServerLeg
    ) async -> RPCStatus {
        guard let registration = registration(of: method) else { return .unimplemented(method) }
        return await admission.withLoad(of: peer) { load in
            guard admission.admitCall(of: load) else {
                logger.debug("a call was refused: too many are under way", metadata: ["peer": "\(peer)"])
                return .tooManyCalls
            }
            defer { admission.releaseCall(of: load) }
            let measurement = registration.metrics.begin()
            let header = RPCHeader(method: method, deadline: deadline, metadata: metadata)
            let status: RPCStatus
            switch registration.place {
            case .eventLoop: status = await answer(registration, header, peer, leg)
            case .pool:
                status = await withTaskExecutorPreference(globalConcurrentExecutor) {
                    await answer(registration, header, peer, leg)
                }
            }
            measurement.end(status.code)
            return status
        }
    }

    private func answer(
        _ registration: RPCRegistration,
        _ header: RPCHeader,
        _ peer: PeerID,
        _ leg: any RPCServerLeg
    ) async -> RPCStatus {
        let (reply, status) = await run(registration, header, peer, leg)
        guard let reply, status.code == .ok else { return status }
        do throws(RPCError) {
            try await leg.send(reply)
            return .ok
        } catch {
            return self.status(of: error, registration.method, peer)
        }
    }

    /// Runs a handler.
    ///
    /// - Returns: how it ended, and the message that is still to be sent.
    private func run(
        _ registration: RPCRegistration,
        _ header: RPCHeader,
        _ peer: PeerID,
        _ leg: some RPCServerLeg
    ) async -> (reply: ByteBuffer?, status: RPCStatus) {
        do {
            switch registration.handler {
            case .unary(let handler):
                guard let request = try await leg.receive(), try await leg.receive() == nil else {
                    throw RPCFailure(code: .invalidArgument, message: "\(header.method) takes one message")
                }
                let context = RPCContext(
                    method: registration.method,
                    peer: peer,
                    metadata: header.metadata,
                    deadline: header.deadline
                )
                let reply = try await handler(request, context)
                guard reply.readableBytes <= limits.maximumMessage.bytes else {
                    throw RPCError.messageTooLong(limit: limits.maximumMessage)
                }
                return (reply, .ok)
            case .call(let handler):
                let call = RPCServerCall(
                    method: registration.method,
                    peer: peer,
                    metadata: header.metadata,
                    deadline: header.deadline,
                    leg: leg,
                    maximumMessage: limits.maximumMessage
                )
                try await handler(call)
                return (nil, .ok)
            }
        } catch {
            return (nil, status(of: error, registration.method, peer))
        }
    }

    /// What the caller is told of what a handler threw.
    private func status(of error: any Error, _ method: RPCMethod, _ peer: PeerID) -> RPCStatus {
        switch error {
        case let failure as RPCFailure: return RPCStatus(code: failure.code, message: failure.message)
        case is CancellationError, RPCError.cancelled:
            return RPCStatus(code: .cancelled, message: "the call was cancelled")
        default:
            let metadata: Logger.Metadata = ["peer": "\(peer)", "method": "\(method)", "error": "\(error)"]
            logger.warning("a handler failed", metadata: metadata)
            return RPCStatus(code: .internalError, message: "the peer has a fault")
        }
    }
}

extension RPCServer: LatticaMethods {
    /// Whether the method is served.
    func serves(_ method: RPCMethod) -> Bool {
        registration(of: method) != nil
    }

    /// Whether a method is served whose name begins with the service and a slash.
    func hasService(_ name: Substring) -> Bool {
        registrations.withLockedValue { $0.keys.contains { $0.service == name } }
    }
}

extension RPCStatus {
    fileprivate static let tooManyCalls = RPCStatus(code: .resourceExhausted, message: "too many calls are under way")

    /// Nobody serves the method.
    static func unimplemented(_ method: RPCMethod) -> RPCStatus {
        RPCStatus(code: .unimplemented, message: "no method \(method)")
    }
}
