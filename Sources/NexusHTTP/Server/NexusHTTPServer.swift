internal import Hummingbird
internal import HummingbirdCore
public import Logging
internal import NIOCore
public import Nexus
public import ServiceLifecycle

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// The HTTP face of Nexus: the OpenAI API, listings, metrics and the page.
///
/// A value without state of its own: what clients ask for comes from the ``ChatBackend``. On graceful shutdown it takes no
/// more connections, lets answers run on for ``HTTPConfiguration/drainDeadline`` and then stops them.
public struct NexusHTTPServer: Service {
    private let configuration: HTTPConfiguration
    private let responder: APIResponder
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// Prepares a server; nothing is opened before ``run()``.
    ///
    /// - Parameters:
    ///   - metrics: what `/metrics` shows; pass the registry that the process bootstrapped.
    ///   - onListening: called once with the port that is listened on.
    /// - Throws: ``HTTPServerError/publicAddress(host:)`` or ``HTTPServerError/invalidPort(_:)``.
    public init(
        backend: any ChatBackend,
        configuration: HTTPConfiguration,
        metrics: PrometheusRegistry = PrometheusRegistry(),
        logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) throws(HTTPServerError) {
        try configuration.validate()
        self.configuration = configuration
        self.responder = APIResponder(backend: backend, configuration: configuration, registry: metrics, logger: logger)
        self.logger = logger
        self.onListening = onListening
    }

    /// Listens and answers until the task is cancelled or a graceful shutdown was asked for.
    ///
    /// - Throws: ``HTTPServerError`` when the address cannot be listened on.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.serve() }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: self.configuration.drainDeadline)
            }
            // The first to end decides: the server by itself, or the deadline that cuts the answers still running.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func serve() async throws {
        let limits = ConnectionPolicy.Limits(configuration)
        var channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(limits: limits)],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: configuration.headLimit,
                maxHeaderListSize: configuration.headLimit,
                maxHeaderFieldCount: 100
            )
        )
        channel.idleTimeout = nil  // `ConnectionGuard` keeps the deadlines.
        let application = Application(
            responder: responder,
            server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "Lattice",
                availableConnectionsDelegate: .maximum(configuration.maximumConnections, logger: logger)
            ),
            onServerRunning: { [onListening] channel in
                guard let port = channel.localAddress?.port else { return }
                await onListening(port)
            },
            logger: logger
        )
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw HTTPServerError.portInUse(host: configuration.host, port: configuration.port)
        } catch let error as IOError {
            throw HTTPServerError.cannotListen(
                host: configuration.host,
                port: configuration.port,
                reason: "errno \(error.errnoCode)"
            )
        } catch let error as SocketAddressError {
            throw HTTPServerError.cannotListen(
                host: configuration.host,
                port: configuration.port,
                reason: String(describing: error)
            )
        }
    }
}
