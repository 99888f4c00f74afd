public import LatticaCore

/// How the two sides of a connection prove who they are and encrypt.
public enum SecurityProtocol: String, Sendable, Hashable, CaseIterable {
    /// TLS 1.3 with libp2p's certificate extension; the faster one, because processors help with its ciphers.
    ///
    /// For links that are channels, such as TCP and WebSocket; others offer Noise alone.
    case tls
    /// Noise XX, which every libp2p peer speaks.
    case noise

    /// What multistream-select calls it.
    public var protocolID: ProtocolID {
        switch self {
        case .tls: "/tls/1.0.0"
        case .noise: "/noise"
        }
    }

    init?(_ id: ProtocolID) {
        guard let match = Self.allCases.first(where: { $0.protocolID == id }) else { return nil }
        self = match
    }
}
