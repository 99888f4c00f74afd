public import LatticaConnection
public import LatticaCore
public import Logging
public import Multiformats
public import NIOCore
public import NIOPosix

/// Who a host is, where it listens and what it allows.
public struct LatticaConfiguration: Sendable {
    /// The protocol version of a network for which nobody has chosen another.
    public static let defaultProtocolVersion = "/lattica/1.0.0"

    /// The identity.
    public var keypair: Keypair

    /// Where to listen; port 0 takes a free one.
    ///
    /// Empty for a host that only dials.
    public var listen: [Multiaddr]

    /// The network that this host belongs to.
    ///
    /// Peers of Lattica drop those that announce another (Lattica wire, §8).
    public var protocolVersion: String

    /// What to do with peers that belong to another network.
    public var strangers = StrangerPolicy.keep

    /// What peers are told about the program.
    public var agentVersion: String

    /// The bounds and deadlines of connections.
    public var limits: ConnectionLimits

    /// The bounds and deadlines over all connections.
    public var swarm = SwarmLimits()

    /// How long looking for a connection to a peer may take, over all its addresses.
    public var dialTimeout: Duration

    /// How long handlers at work may take to end when the host stops; their connections are closed then.
    ///
    /// Peers are not served anything else meanwhile.
    public var stopGrace: Duration = .zero

    /// How often the way to each peer is measured; `nil` leaves it at what the keep-alive tells (Lattica wire, §18).
    public var pingInterval: Duration? = .seconds(15)

    /// How often each peer is asked again who it is (Lattica wire, §18).
    public var identifyInterval: Duration = .seconds(300)

    /// Which peers and networks to have to do with.
    public var gate = ConnectionGate()

    /// The file that keeps the addresses of peers over a restart; `nil` keeps none.
    public var addressBookPath: String?

    /// What secures connections, the preferred first.
    public var security: [SecurityProtocol] = [.tls, .noise]

    /// Dials from the port that the host listens at, so that peers see one address of it, as hole punching needs.
    public var reusesPort = true

    /// Writes down every frame of every connection, for debugging; `nil` writes nothing.
    public var capture: FrameCapture?

    /// The ways to reach peers, the preferred first.
    public var transports: [TransportProvider]

    /// Who looks up addresses of the form `/dnsaddr/…`.
    public var txtResolver: any TXTResolver = DNSResolver()

    /// Where the host tells what it does.
    public var logger: Logger

    /// Whose event loops carry the connections.
    public var eventLoopGroup: any EventLoopGroup

    /// What the host waits by.
    public var clock: any Clock<Duration> = ContinuousClock()

    /// Spreads what would otherwise happen at once everywhere.
    ///
    /// Keys and ciphers have their own, which nobody can choose.
    public var randomness: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()

    /// Where the host's own tasks run; `nil` is the global pool.
    public var executor: (any TaskExecutor)?

    /// Collects what a host needs; the rest is set afterwards.
    public init(
        keypair: Keypair = Keypair(),
        listen: [Multiaddr] = [],
        protocolVersion: String = Self.defaultProtocolVersion,
        agentVersion: String = "lattice/1.0.0",
        limits: ConnectionLimits = .init(),
        dialTimeout: Duration = .seconds(15),
        transports: [TransportProvider] = [.tcp, .webSocket],
        logger: Logger = Logger(label: "lattica"),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.keypair = keypair
        self.listen = listen
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
        self.limits = limits
        self.dialTimeout = dialTimeout
        self.transports = transports
        self.logger = logger
        self.eventLoopGroup = eventLoopGroup
    }
}

/// What a host does with peers whose protocol version is another (Lattica wire, §8).
public enum StrangerPolicy: Hashable, Sendable {
    /// Keeps the connection; whoever builds routing tables asks for the peer's standing.
    case keep
    /// Ends the connection, as the peers of the network do.
    ///
    /// Peers whose version contains `common` serve several networks and may stay.
    case disconnect
}

/// Why a host could not start.
public enum HostError: Error, Hashable {
    /// It cannot listen at one of its addresses.
    case cannotListen(ListenError)
    /// One of its transports cannot be set up, such as for want of a certificate.
    case transportFailed(String)
    /// It has been started before; a host runs once.
    case alreadyStarted
}

extension HostError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .cannotListen(let error): error.description
        case .transportFailed(let reason): "a transport cannot be set up: \(reason)"
        case .alreadyStarted: "the host has been started before; make another one"
        }
    }
}
