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

    /// What peers are told about the program.
    public var agentVersion: String

    /// The bounds and deadlines of connections.
    public var limits: ConnectionLimits

    /// How long looking for a connection to a peer may take, over all its addresses.
    public var dialTimeout: Duration

    /// Where the host tells what it does.
    public var logger: Logger

    /// Whose event loops carry the connections.
    public var eventLoopGroup: any EventLoopGroup

    /// Collects what a host needs.
    public init(
        keypair: Keypair = Keypair(),
        listen: [Multiaddr] = [],
        protocolVersion: String = Self.defaultProtocolVersion,
        agentVersion: String = "lattice/1.0.0",
        limits: ConnectionLimits = .init(),
        dialTimeout: Duration = .seconds(15),
        logger: Logger = Logger(label: "lattica"),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.keypair = keypair
        self.listen = listen
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
        self.limits = limits
        self.dialTimeout = dialTimeout
        self.logger = logger
        self.eventLoopGroup = eventLoopGroup
    }
}

/// Why a host could not start.
public enum HostError: Error, Hashable {
    /// It cannot listen at one of its addresses.
    case cannotListen(ListenError)
    /// It has been started before; a host runs once.
    case alreadyStarted
}

extension HostError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .cannotListen(let error): error.description
        case .alreadyStarted: "the host has been started before; make another one"
        }
    }
}

/// What happens to a host's connections.
public enum HostEvent: Hashable, Sendable {
    /// The first connection with a peer is ready.
    case connected(PeerID)
    /// The last connection with a peer has ended.
    case disconnected(PeerID)
}
