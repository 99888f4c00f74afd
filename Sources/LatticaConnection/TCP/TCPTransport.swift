public import LatticaCore
public import Multiformats
public import NIOCore

/// Dials and listens over TCP; every connection is secured and multiplexed by yamux before anyone sees it.
///
/// To be made once for a host: it counts the handshakes under way, and dials from the ports that it listens at.
public struct TCPTransport: Transport {
    private let settings: ConnectionSettings
    private let group: any EventLoopGroup
    let slots: HandshakeSlots
    private let ports = ListeningPorts()
    private let layers: SocketLayers

    /// - Parameters:
    ///   - group: whose event loops carry the connections, each on one of them.
    ///   - privateNetwork: the key that every peer must have; `nil` for the public network.
    public init(settings: ConnectionSettings, group: any EventLoopGroup, privateNetwork: PreSharedKey? = nil) {
        self.settings = settings
        self.group = group
        layers = SocketLayers.none.protected(by: privateNetwork)
        slots = HandshakeSlots(limit: settings.limits.handshakes)
    }

    /// Whether the address is of the form `/ip4|ip6|dns…/…/tcp/PORT`.
    public func canDial(_ address: Multiaddr) -> Bool { address.tcpEndpoint != nil }

    /// Whether the address is of that form; names cannot be listened at.
    public func canListen(at address: Multiaddr) -> Bool { address.tcpEndpoint != nil }

    /// Connects to a peer and secures the connection.
    ///
    /// Cancelling the task closes what has been reached so far.
    ///
    /// - Parameter address: `/ip4|ip6|dns|dns4|dns6/…/tcp/PORT`, with or without the peer's id behind it.
    /// - Parameter peer: who must answer; `nil` takes any, or the one that the address names.
    public func dial(_ address: Multiaddr, expecting peer: PeerID? = nil) async throws(ConnectionError) -> Connection {
        guard let (host, port) = address.tcpEndpoint else { throw .addressNotSupported("\(address)") }
        return try await SocketDialer(settings: settings, group: group, ports: ports)
            .dial(host, port: port, as: address, expecting: peer ?? address.peerID, layers: layers)
    }

    /// Accepts connections at an address.
    ///
    /// - Parameter address: `/ip4|ip6/…/tcp/PORT`; port 0 takes a free one.
    public func listen(at address: Multiaddr) async throws(ListenError) -> any Listener {
        guard let (host, port) = address.tcpEndpoint else { throw .addressNotSupported("\(address)") }
        return try await SocketListener(
            host,
            port: port,
            at: address,
            settings: settings,
            group: group,
            slots: slots,
            ports: ports,
            layers: layers
        )
    }
}
