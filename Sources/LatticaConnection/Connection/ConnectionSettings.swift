public import LatticaCore
public import Logging

/// What all connections of a host share.
public struct ConnectionSettings: Sendable {
    /// Who this host is.
    public var keypair: Keypair

    /// The bounds and deadlines.
    public var limits: ConnectionLimits

    /// What answers the streams that peers open.
    public var handlers: StreamHandlers

    /// Where connections tell what they decide.
    public var logger: Logger

    /// Asked on the event loop for every connection that is ready, before any stream.
    ///
    /// A reason closes it.
    public var admit: @Sendable (Connection) -> ConnectionError?

    /// Collects what connections need.
    public init(
        keypair: Keypair,
        limits: ConnectionLimits = .init(),
        handlers: StreamHandlers = .init(),
        logger: Logger,
        admit: @escaping @Sendable (Connection) -> ConnectionError? = { _ in nil }
    ) {
        self.keypair = keypair
        self.limits = limits
        self.handlers = handlers
        self.logger = logger
        self.admit = admit
    }
}
