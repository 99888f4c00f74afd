import LatticaCore
import Multiformats

/// Puts the addresses of a peer into the order in which they are worth trying.
///
/// Direct ones before relayed ones. Among the direct ones first what worked last, then what is nearest: this machine, the
/// same site, the world, and last private addresses of other sites, where a stranger answers at best. Versions 6 and 4 of
/// the protocol take turns (RFC 8305, §4), so that a broken one costs one head start.
struct AddressRanking: Sendable {
    private enum Reach: Int, CaseIterable {
        case worked, machine, site, world, otherSite, relayed
    }

    private let ownNetworks: [IPNetwork]

    /// - Parameter own: the addresses of this host; they tell which private networks are its own.
    init(own: [Multiaddr]) {
        ownNetworks = own.compactMap { address in
            // The sizes in which homes and sites cut their networks most.
            switch address.host {
            case .ip4(let host) where host.bits >> 16 == 0xc0a8: IPNetwork(host, prefixLength: 24)
            case .ip4(let host) where host.isPrivate: IPNetwork(host, prefixLength: 16)
            case .ip6(let host) where host.isPrivate: IPNetwork(host, prefixLength: 48)
            default: nil
            }
        }
    }

    /// The addresses in the order to try them.
    func rank(_ addresses: [AddressBook.Known]) -> [Multiaddr] {
        var byReach: [Reach: [Multiaddr]] = [:]
        for known in addresses { byReach[reach(of: known), default: []].append(known.address) }
        return Reach.allCases.flatMap { reach in
            // What worked is tried as it worked; its order is the memory of that.
            reach == .worked ? byReach[reach] ?? [] : Self.interleave(byReach[reach] ?? [])
        }
    }

    private func reach(of known: AddressBook.Known) -> Reach {
        let address = known.address
        if address.isRelayed { return .relayed }
        if known.hasWorked { return .worked }
        if address.isLoopback { return .machine }
        guard let host = address.host else { return .world }
        let isPrivate =
            switch host {
            case .ip4(let host): host.isPrivate
            case .ip6(let host): host.isPrivate
            case .dns, .dns4, .dns6: false
            }
        guard isPrivate else { return .world }
        return ownNetworks.contains { $0.contains(host) } ? .site : .otherSite
    }

    private static func interleave(_ addresses: [Multiaddr]) -> [Multiaddr] {
        func isVersion6(_ address: Multiaddr) -> Bool {
            switch address.host {
            case .ip6, .dns6: true
            default: false
            }
        }
        let version6 = addresses.filter(isVersion6)
        let others = addresses.filter { !isVersion6($0) }
        var mixed: [Multiaddr] = []
        for index in 0..<max(version6.count, others.count) {
            if index < version6.count { mixed.append(version6[index]) }
            if index < others.count { mixed.append(others[index]) }
        }
        return mixed
    }
}
