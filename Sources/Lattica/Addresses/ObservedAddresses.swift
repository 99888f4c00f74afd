import LatticaCore
import Multiformats

/// Where other peers see this host, and which of it is to be believed.
///
/// Each peer may be mistaken or lie, and one machine can be many peers. An address counts once enough machines have seen this
/// host there; behind a NAT that changes the port for everybody no address ever does, which is right.
struct ObservedAddresses: Sendable {
    /// Addresses that are voted on; beyond, the one heard of longest ago is forgotten.
    static let most = 32

    /// Longer than the time between two identifications, so that a vote is renewed while the peer is connected.
    static let lifetime: Duration = .seconds(1800)

    /// Votes kept for one address; more say nothing more.
    static let mostVotes = 32

    private let needed: Int
    private var votes: [Multiaddr: [IPNetwork: Duration]] = [:]

    /// - Parameter needed: machines that must agree.
    init(needed: Int) {
        self.needed = needed
    }

    /// A peer says where it sees this host.
    ///
    /// - Parameter observer: where the peer is; one whose address is a name does not count.
    mutating func saw(_ address: Multiaddr, from observer: Multiaddr, at now: Duration) {
        let address = address.withoutPeerID
        guard let machine = Self.machine(of: observer), address.host != nil,
            !address.isUnspecified, !address.isRelayed, !observer.isRelayed,
            address.isLoopback == observer.isLoopback
        else { return }
        expire(at: now)
        if votes[address] == nil, votes.count >= Self.most {
            let oldest = votes.min { left, right in
                (left.value.values.max() ?? .zero, left.key.bytes.count, "\(left.key)")
                    < (right.value.values.max() ?? .zero, right.key.bytes.count, "\(right.key)")
            }
            if let oldest { votes[oldest.key] = nil }
        }
        guard votes[address]?[machine] != nil || votes[address, default: [:]].count < Self.mostVotes else { return }
        votes[address, default: [:]][machine] = now
    }

    /// The addresses that enough machines agree on, in an order of their own.
    func confirmed(at now: Duration) -> [Multiaddr] {
        votes.filter { $0.value.values.count { now - $0 < Self.lifetime } >= needed }
            .keys.sorted { "\($0)" < "\($1)" }
    }

    private mutating func expire(at now: Duration) {
        for (address, seen) in votes {
            let left = seen.filter { now - $0.value < Self.lifetime }
            votes[address] = left.isEmpty ? nil : left
        }
    }

    /// One address of version 4, or what one customer has of version 6.
    private static func machine(of observer: Multiaddr) -> IPNetwork? {
        switch observer.host {
        case .ip4(let host): IPNetwork(host, prefixLength: 32)
        case .ip6(let host): IPNetwork(host, prefixLength: 56)
        default: nil
        }
    }
}
