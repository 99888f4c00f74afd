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
    /// The connection could not be secured, or a message on it is not authentic.
    case noise(NoiseError)
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
        case .yamux(let error): "the peer broke the rules of yamux (\(error))"
        case .notSupported(let name): "the peer does not speak \(name)"
        case .closedByPeer: "the peer closed the connection"
        case .closed: "this host closed the connection"
        case .limitReached: "this host has as many connections as it takes"
        case .isThisHost: "the address leads back to this host"
        }
    }
}

extension ConnectionError {
    /// The connection could not be secured by TLS.
    static func tls(_ error: TLSHandshakeError) -> ConnectionError {
        if case .certificate(.wrongPeer(let expected, let actual)) = error {
            return .noise(.wrongPeer(expected: expected, actual: actual))
        }
        return .transport("the connection could not be secured (\(error))")
    }
}
