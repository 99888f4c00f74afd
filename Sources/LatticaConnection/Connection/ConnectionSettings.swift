public import LatticaCore
public import Logging
public import Multiformats

/// What all connections of a host share.
public struct ConnectionSettings: Sendable {
    /// Who this host is.
    public let keypair: Keypair

    /// The bounds and deadlines.
    public var limits: ConnectionLimits

    /// What answers the streams that peers open.
    public var handlers: StreamHandlers

    /// Where connections tell what they decide.
    public var logger: Logger

    /// What secures connections, the preferred first.
    ///
    /// A dialer proposes them in this order, and a peer that speaks none of them is not reached.
    public var security: [SecurityProtocol]

    /// Dials from the port that this host listens at.
    ///
    /// Peers then see one address of this host, as hole punching needs it. A port that is taken makes the system choose.
    public var reusesPort: Bool

    /// Writes down every frame of every connection; off by default.
    public var capture: FrameCapture?

    /// Counts connections, handshakes, streams and bytes.
    public var metrics: ConnectionMetrics

    /// Asked on the event loop for every inbound connection, before a handshake is begun.
    ///
    /// `false` closes it.
    public var accept: @Sendable (_ remote: Multiaddr) -> Bool

    /// Asked on the event loop for every connection that is ready, before any stream.
    ///
    /// A reason closes it.
    public var admit: @Sendable (Connection) -> ConnectionError?

    /// The certificate of this host, made when the first connection needs it.
    let tls: TLSOffer

    /// Collects what connections need.
    public init(
        keypair: Keypair,
        limits: ConnectionLimits = .init(),
        handlers: StreamHandlers = .init(),
        logger: Logger,
        security: [SecurityProtocol] = [.tls, .noise],
        reusesPort: Bool = true,
        capture: FrameCapture? = nil,
        metrics: ConnectionMetrics = .init(),
        admit: @escaping @Sendable (Connection) -> ConnectionError? = { _ in nil },
        accept: @escaping @Sendable (_ remote: Multiaddr) -> Bool = { _ in true }
    ) {
        self.keypair = keypair
        self.limits = limits
        self.handlers = handlers
        self.logger = logger
        self.security = security
        self.reusesPort = reusesPort
        self.capture = capture
        self.metrics = metrics
        tls = TLSOffer(keypair: keypair)
        self.accept = accept
        self.admit = admit
    }
}
