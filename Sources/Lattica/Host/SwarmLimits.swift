public import LatticaCore

/// The bounds and deadlines of a host over all its connections.
///
/// How many connections there may be, in all and with one peer, is in `ConnectionLimits`.
public struct SwarmLimits: Sendable, Hashable {
    /// Connections beyond which the least valuable are closed, down to ``lowWater``; `nil` is seven eighths of
    /// `ConnectionLimits.connections`, so that there is room for who comes next.
    public var highWater: Int?

    /// Connections left after pruning; `nil` is three quarters of `ConnectionLimits.connections`.
    public var lowWater: Int?

    /// How old a connection is before it may be pruned: a younger one has not had the time to show what it is for.
    public var pruningGrace: Duration = .seconds(20)

    /// How long a connection may have no streams, and its peer no protection, before it is closed.
    ///
    /// `nil` leaves it open until it is pruned, as the peers of the network do (Lattica wire, §18).
    public var idleTimeout: Duration?

    /// How long two connections with one peer stay side by side once one of them would do.
    public var redundancyGrace: Duration = .seconds(10)

    /// Streams of one peer that are answered at once, over all protocols; one more is reset.
    ///
    /// Above what the muxer takes on one connection.
    public var inboundStreamsPerPeer = 1024

    /// Streams of one peer that are answered at once for one protocol, where ``inboundStreams`` does not say otherwise.
    public var inboundStreamsPerProtocol = 1024

    /// Streams of one peer that are answered at once, for single protocols.
    public var inboundStreams: [ProtocolID: Int] = [:]

    /// Addresses tried at once, for all peers; each is a socket.
    ///
    /// More wait, in turn.
    public var dials = 128

    /// Addresses of one peer tried at once.
    public var dialsPerPeer = 8

    /// Attempts that wait for their turn; one more fails.
    public var waitingDials = 4096

    /// Names that lead to one another behind a `/dnsaddr/…`: a name of the network, one of a region and one of a machine, and one more.
    public var nameDepth = 4

    /// Names that are asked for one dial; more are left.
    ///
    /// As many as a network has places to enter it.
    public var namesPerDial = 32

    /// Addresses that are taken from the names of one dial; more are left.
    public var addressesPerName = 100

    /// Names that are looked up at once, for all peers; more wait, in turn, as many as ``waitingDials``.
    public var lookups = 8

    /// How long looking up the names of one dial may take.
    ///
    /// What has been found by then is dialled.
    public var nameTimeout: Duration = .seconds(5)

    /// The head start of an address before the next one is tried beside it (RFC 8305, §5).
    public var headStart: Duration = .milliseconds(250)

    /// How long an address is left alone after its first failure; twice as long after each further one.
    public var backOff: Duration = .seconds(1)

    /// The longest an address is left alone.
    public var longestBackOff: Duration = .seconds(300)

    /// Different peers that must have seen this host at an address before it is told to others.
    ///
    /// One alone could send everybody astray.
    public var observersNeeded = 4

    /// The defaults.
    public init() {}

    func waterMarks(of connections: Int) -> (low: Int, high: Int) {
        let high = max(1, min(connections, highWater ?? connections - connections / 8))
        return (max(1, min(high, lowWater ?? connections - connections / 4)), high)
    }
}
