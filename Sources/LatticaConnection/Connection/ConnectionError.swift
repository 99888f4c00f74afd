import NIOCore
import NIOPosix
import NIOSSL

/// Why a connection to a peer could not be made, or ended.
public enum ConnectionError: Error, Hashable {
    /// The transport failed: refused, unreachable, reset; as the system words it.
    case transport(String)
    /// The address cannot be dialled over TCP.
    case addressNotSupported(String)
    /// The peer did not finish the handshake, or gave no sign of life, in time.
    case timedOut
    /// What the peer said is not multistream-select.
    case multistream(MultistreamError)
    /// The connection could not be secured by Noise, or a message on it is not authentic.
    case noise(NoiseError)
    /// The connection could not be secured by TLS.
    case tls(TLSHandshakeError)
    /// What the peer said is not WebSocket.
    case webSocket(WebSocketError)
    /// The peer does not belong to the private network of this host.
    case privateNetwork(PrivateNetworkError)
    /// The peer broke the rules of the muxer.
    case yamux(YamuxError)
    /// The peer does not speak a protocol that every connection needs: `/noise` or `/tls/1.0.0`, and `/yamux/1.0.0`.
    case notSupported(String)
    /// The peer closed the connection.
    case closedByPeer
    /// This host closed the connection.
    case closed
    /// This host has as many connections as it takes.
    case limitReached
    /// The address leads back to this host.
    case isThisHost
    /// This host has nothing to do with the peer or with its network.
    case gated
}

extension ConnectionError: CustomStringConvertible {
    /// What happened, for people.
    public var description: String {
        switch self {
        case .transport(let reason): reason
        case .addressNotSupported(let address): "\(address) is not an address of the form /ip4|ip6|dns…/tcp/PORT"
        case .timedOut: "the peer did not answer in time"
        case .multistream(let error): "the peer does not speak libp2p (multistream-select: \(error))"
        case .noise(.wrongPeer(let expected, let actual)): "expected the peer \(expected) but \(actual) answered"
        case .noise(let error): "the connection could not be secured (\(error))"
        case .tls(.certificate(.wrongPeer(let expected, let actual))):
            "expected the peer \(expected) but \(actual) answered"
        case .tls(let error): "the connection could not be secured (\(error))"
        case .webSocket(let error): "\(error)"
        case .privateNetwork(let error): "\(error)"
        case .yamux(let error): "the peer broke the rules of yamux (\(error))"
        case .notSupported(let name): "the peer does not speak \(name)"
        case .closedByPeer: "the peer closed the connection"
        case .closed: "this host closed the connection"
        case .limitReached: "this host has as many connections as it takes"
        case .isThisHost: "the address leads back to this host"
        case .gated: "this host has nothing to do with the peer or with its network"
        }
    }
}

extension ConnectionError {
    /// What an error of the system, or of a layer between the socket and the connection, means.
    init(_ error: any Error) {
        self =
            switch error {
            case let error as ConnectionError: error
            case let error as WebSocketError: .webSocket(error)
            case let error as PrivateNetworkError: .privateNetwork(error)
            case ChannelError.connectTimeout: .timedOut
            // A peer that has vanished says no farewell, and neither do some that close.
            case NIOSSLError.uncleanShutdown: .closedByPeer
            default: .transport(Self.text(of: error))
            }
    }

    /// An error in the words of the system.
    static func text(of error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return String(describing: error) }
        let reasons = error.connectionErrors.map { String(describing: $0.error) }
        return reasons.isEmpty ? "the name \(error.host) is not known" : reasons.joined(separator: "; ")
    }
}
