import Multiformats

/// Where a WebSocket is served.
struct WebSocketEndpoint: Equatable {
    var host: Multiaddr.Host
    var port: UInt16
    /// TLS lies under the WebSocket.
    var isSecure: Bool
    /// The name to ask for in TLS, and that the certificate must hold; `nil` if the host is its own name.
    var serverName: String?
}

extension Multiaddr {
    /// Where to connect, if the address is of a WebSocket: `/ws`, `/wss`, `/tls/ws` or `/tls/sni/NAME/ws` over TCP, and
    /// at most the peer's id behind it.
    ///
    /// Without a TCP port it is that of HTTP: 80, or 443 with TLS (libp2p specs, websockets, "Addressing").
    var webSocketEndpoint: WebSocketEndpoint? {
        var layers = withoutPeerID.components[...]
        let host: Host
        switch layers.popFirst() {
        case .ip4(let address): host = .ip4(address)
        case .ip6(let address): host = .ip6(address)
        case .dns(let name): host = .dns(name)
        case .dns4(let name): host = .dns4(name)
        case .dns6(let name): host = .dns6(name)
        default: return nil
        }
        var port: UInt16?
        if case .tcp(let number) = layers.first {
            port = number
            layers.removeFirst()
        }
        var endpoint = WebSocketEndpoint(host: host, port: port ?? 443, isSecure: true)
        switch Array(layers) {
        case [.ws]:
            endpoint.isSecure = false
            endpoint.port = port ?? 80
        case [.wss], [.tls, .ws]:
            break
        case let layers where layers.count == 3 && layers[0] == .tls && layers[2] == .ws:
            guard case .sni(let name) = layers[1] else { return nil }
            endpoint.serverName = name
        default:
            return nil
        }
        return endpoint
    }

    /// The TCP address under the layers of WebSocket, without the peer's id.
    var underWebSocket: Multiaddr? {
        guard let endpoint = webSocketEndpoint, let host = components.first else { return nil }
        return Multiaddr([host, .tcp(endpoint.port)])
    }

    /// The layers that make a WebSocket of a TCP address: those behind the port.
    var webSocketLayers: [Component] {
        withoutPeerID.components.dropFirst().filter { if case .tcp = $0 { false } else { true } }
    }
}

extension WebSocketEndpoint {
    /// The name or address as TLS and HTTP have it.
    var hostName: String {
        switch host {
        case .ip4(let address): "\(address)"
        case .ip6(let address): "[\(address)]"
        case .dns(let name), .dns4(let name), .dns6(let name): name
        }
    }

    /// The name that the server's certificate must hold; `nil` if it must hold the address instead.
    var verifiedName: String? {
        if let serverName { return serverName }
        return switch host {
        case .ip4, .ip6: nil
        case .dns(let name), .dns4(let name), .dns6(let name): name
        }
    }

    /// What a client says in HTTP whom it wants to talk to.
    var authority: String { "\(serverName ?? hostName):\(port)" }
}
