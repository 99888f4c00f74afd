public import LatticaCore
public import Multiformats

/// What happens to a host and its connections.
public enum HostEvent: Hashable, Sendable {
    /// The first connection with a peer is ready.
    case connected(PeerID)
    /// The last connection with a peer has ended.
    case disconnected(PeerID)
    /// A peer has said who it is, for the first time or again.
    case identified(PeerID)
    /// A peer could not be reached; `nil` where an address named none.
    case dialFailed(PeerID?, DialError)
    /// Where this host can be reached has changed.
    case addressesChanged([Multiaddr])
    /// A connection was closed to make room, or because nothing used it.
    case pruned(PeerID)
    /// A connection was refused by the ``ConnectionGate``.
    case gated(PeerID?, Multiaddr)
}
