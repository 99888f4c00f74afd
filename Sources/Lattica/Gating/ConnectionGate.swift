public import LatticaCore
public import Multiformats

/// Which peers and networks a host has to do with.
///
/// What is denied is refused even if it is also allowed. It is asked before a dial, for an inbound connection's address, and for the
/// peer once it has proven who it is. Names are not judged by network: nobody knows where they lead before.
public struct ConnectionGate: Hashable, Sendable {
    /// The only peers to have to do with; `nil` for all.
    public var allowedPeers: Set<PeerID>?
    /// Peers to have nothing to do with.
    public var deniedPeers: Set<PeerID>
    /// The only networks to have to do with; `nil` for all.
    public var allowedNetworks: [IPNetwork]?
    /// Networks to have nothing to do with.
    public var deniedNetworks: [IPNetwork]

    /// Lets everything pass unless told otherwise.
    public init(
        allowedPeers: Set<PeerID>? = nil,
        deniedPeers: Set<PeerID> = [],
        allowedNetworks: [IPNetwork]? = nil,
        deniedNetworks: [IPNetwork] = []
    ) {
        self.allowedPeers = allowedPeers
        self.deniedPeers = deniedPeers
        self.allowedNetworks = allowedNetworks
        self.deniedNetworks = deniedNetworks
    }

    /// Whether a peer passes.
    public func allows(_ peer: PeerID) -> Bool {
        !deniedPeers.contains(peer) && allowedPeers?.contains(peer) ?? true
    }

    /// Whether an address passes.
    ///
    /// Of a relayed address the relay's is judged, because that is where the bytes go.
    public func allows(_ address: Multiaddr) -> Bool {
        guard let host = address.host else { return true }
        switch host {
        case .dns, .dns4, .dns6: return true
        case .ip4, .ip6: break
        }
        if deniedNetworks.contains(where: { $0.contains(host) }) { return false }
        return allowedNetworks?.contains { $0.contains(host) } ?? true
    }
}
