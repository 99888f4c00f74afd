import LatticaConnection
import LatticaCore
import Multiformats

/// Where peers may be reached: what people and other peers said, and what has worked.
struct AddressBook {
    /// More than a machine has networks.
    ///
    /// The oldest that never worked gives way.
    static let mostAddresses = 16

    /// Peers beyond are forgotten, the one first heard of first: strangers can announce themselves without end.
    static let mostPeers = 8192

    private var addresses: [PeerID: [Multiaddr]] = [:]
    private var order: [PeerID] = []

    /// The addresses of a peer, those that worked last first.
    func addresses(of peer: PeerID) -> [Multiaddr] {
        addresses[peer] ?? []
    }

    /// Remembers an address; one without TCP is of no use here, and is passed over.
    mutating func add(_ address: Multiaddr, for peer: PeerID) {
        let address = address.withoutPeerID
        guard address.tcpEndpoint != nil, !address.isUnspecified else { return }
        var known = addresses[peer] ?? []
        guard !known.contains(address) else { return }
        if known.count == Self.mostAddresses { known.removeLast() }
        known.append(address)
        enter(known, for: peer)
    }

    /// Puts an address first, because it has just worked.
    mutating func prefer(_ address: Multiaddr, for peer: PeerID) {
        let address = address.withoutPeerID
        guard address.tcpEndpoint != nil else { return }
        let others = addresses(of: peer).filter { $0 != address }
        enter([address] + others.prefix(Self.mostAddresses - 1), for: peer)
    }

    /// Remembers what a peer says about itself.
    ///
    /// Addresses that lead to the peer's own machine are believed only of a peer on this machine.
    ///
    /// - Parameter seen: where the peer's connection comes from.
    mutating func learn(_ announced: [Multiaddr], of peer: PeerID, seen: Multiaddr) {
        for address in announced where !address.isRelayed && (!address.isLoopback || seen.isLoopback) {
            add(address, for: peer)
        }
    }

    private mutating func enter(_ known: [Multiaddr], for peer: PeerID) {
        if addresses.updateValue(known, forKey: peer) == nil {
            order.append(peer)
            if order.count > Self.mostPeers { addresses[order.removeFirst()] = nil }
        }
    }
}
