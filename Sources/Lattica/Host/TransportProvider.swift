public import LatticaConnection
public import NIOCore

/// Makes a transport for a host once it knows what all its connections share.
///
/// A host is configured with the ways to reach peers before it exists; the settings, which let connections in through
/// the host, exist only after.
public struct TransportProvider: Sendable {
    private let provide: @Sendable (ConnectionSettings, any EventLoopGroup) throws -> any Transport

    /// - Parameter provide: called once for each host, when it starts; what it throws keeps the host from starting.
    public init(_ provide: @escaping @Sendable (ConnectionSettings, any EventLoopGroup) throws -> any Transport) {
        self.provide = provide
    }

    /// TCP: `/ip4|ip6|dns…/…/tcp/PORT`.
    public static let tcp = tcp(privateNetwork: nil)

    /// TCP in a private network: peers with another key, or none, are turned away.
    public static func tcp(privateNetwork: PreSharedKey?) -> TransportProvider {
        TransportProvider { TCPTransport(settings: $0, group: $1, privateNetwork: privateNetwork) }
    }

    /// WebSocket over TCP without certificates of its own.
    public static let webSocket = webSocket()

    /// WebSocket over TCP: `…/tcp/PORT/ws` and `/wss`.
    public static func webSocket(tls: WebSocketTLS = .init(), privateNetwork: PreSharedKey? = nil) -> TransportProvider
    {
        TransportProvider {
            try WebSocketTransport(settings: $0, group: $1, tls: tls, privateNetwork: privateNetwork)
        }
    }

    func transport(_ settings: ConnectionSettings, on group: any EventLoopGroup) throws -> any Transport {
        try provide(settings, group)
    }
}
