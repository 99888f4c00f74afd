/// The bounds and deadlines of connections.
public struct ConnectionLimits: Sendable, Hashable {
    /// Connections at once, both sides' together.
    ///
    /// Beyond, inbound ones are closed and dials fail.
    public var connections = 512

    /// Connections with one peer at once.
    ///
    /// Two are normal: both sides may dial at the same time.
    public var connectionsPerPeer = 4

    /// Inbound connections whose handshake is not finished.
    ///
    /// One more is closed at once: a stranger can hold each for as long as ``upgradeTimeout``.
    public var handshakes = 128

    /// How long a connection may take to be secured and multiplexed.
    public var upgradeTimeout: Duration = .seconds(10)

    /// How long a stream may take to agree on its protocol, as other libp2p implementations allow.
    public var negotiationTimeout: Duration = .seconds(10)

    /// How long a connection is quiet before the peer is asked for a sign of life.
    public var pingInterval: Duration = .seconds(10)

    /// How long the peer may take to give it before the connection is given up.
    public var pingTimeout: Duration = .seconds(10)

    /// The bounds of the muxer.
    public var yamux = YamuxLimits()

    /// The defaults.
    public init() {}

    /// Often enough to keep every deadline within a quarter.
    var tick: Duration {
        min(.seconds(1), min(upgradeTimeout, negotiationTimeout, pingInterval, pingTimeout) / 4)
    }
}
