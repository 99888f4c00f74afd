public import LatticaCore
public import Multiformats
public import NIOCore
import NIOSSL

/// Dials and listens over WebSocket, with or without TLS under it: `/ws`, `/wss` and `/tls/ws` (libp2p specs,
/// websockets).
///
/// The same bytes pass as over TCP, in binary frames whose boundaries mean nothing: every connection is secured once
/// more and multiplexed before anyone sees it. To be made once for a host: it counts the handshakes under way, and dials
/// from the ports that it listens at.
public struct WebSocketTransport: Transport {
    private let settings: ConnectionSettings
    private let group: any EventLoopGroup
    private let slots: HandshakeSlots
    private let ports = ListeningPorts()
    private let privateNetwork: PreSharedKey?
    private let clientTLS: @Sendable () throws -> NIOSSLContext
    private let serverTLS: NIOSSLContext?

    /// - Parameters:
    ///   - group: whose event loops carry the connections, each on one of them.
    ///   - tls: certificates and roots for `wss`; the files are read here, and only here.
    ///   - privateNetwork: the key that all peers must have; `nil` outside private networks.
    public init(
        settings: ConnectionSettings,
        group: any EventLoopGroup,
        tls: WebSocketTLS = .init(),
        privateNetwork: PreSharedKey? = nil
    ) throws(WebSocketTLSError) {
        self.settings = settings
        self.group = group
        self.privateNetwork = privateNetwork
        slots = HandshakeSlots(limit: settings.limits.handshakes)
        clientTLS = try tls.clientContext()
        serverTLS = try tls.serverContext()
    }

    /// Whether the address is of the form `/ip4|ip6|dns…/…/tcp/PORT/ws|wss|tls/ws|tls/sni/…/ws`.
    public func canDial(_ address: Multiaddr) -> Bool { address.webSocketEndpoint != nil }

    /// Whether the address is of that form, and there is a certificate if it needs one; names cannot be listened at.
    public func canListen(at address: Multiaddr) -> Bool {
        guard let endpoint = address.webSocketEndpoint else { return false }
        return !endpoint.isSecure || serverTLS != nil
    }

    /// Connects to a peer, opens a WebSocket, and secures the connection inside.
    ///
    /// Cancelling the task closes what has been reached so far.
    ///
    /// - Parameter peer: who must answer; `nil` takes any, or the one that the address names.
    public func dial(_ address: Multiaddr, expecting peer: PeerID? = nil) async throws(ConnectionError) -> Connection {
        guard let endpoint = address.webSocketEndpoint else { throw .addressNotSupported("\(address)") }
        let clientTLS = clientTLS
        let layers = SocketLayers.webSocket(dialing: endpoint.authority) {
            endpoint.isSecure
                ? try NIOSSLClientHandler(context: clientTLS(), serverHostname: endpoint.verifiedName) : nil
        }
        return try await SocketDialer(settings: settings, group: group, ports: ports).dial(
            endpoint.host,
            port: endpoint.port,
            as: address,
            expecting: peer ?? address.peerID,
            layers: layers.protected(by: privateNetwork)
        )
    }

    /// Accepts connections at an address.
    ///
    /// - Parameter address: port 0 takes a free one. One listener serves either `/ws` or `/wss`.
    public func listen(at address: Multiaddr) async throws(ListenError) -> any Listener {
        guard let endpoint = address.webSocketEndpoint else { throw .addressNotSupported("\(address)") }
        var context: NIOSSLContext?
        if endpoint.isSecure {
            guard let serverTLS else {
                throw .cannotListen("\(address)", reason: "no certificate is configured for /wss")
            }
            context = serverTLS
        }
        let layers = SocketLayers.webSocket(dialing: nil) { [context] in
            context.map { NIOSSLServerHandler(context: $0) }
        }
        return try await SocketListener(
            endpoint.host,
            port: endpoint.port,
            at: address,
            suffix: address.webSocketLayers,
            settings: settings,
            group: group,
            slots: slots,
            ports: ports,
            layers: layers.protected(by: privateNetwork)
        )
    }
}
