import LatticaCore
import Multiformats

/// Where peers may be reached: what people and other peers said, and what has worked.
///
/// Times are counted from the start of the host: lifetimes run while it does.
struct AddressBook: Sendable {
    /// How an address came to be known; the later, the better it is believed.
    enum Source: String, Sendable, CaseIterable, Comparable {
        /// The peer itself has said so.
        case identify
        /// A connection was made.
        case connected
        /// A person, or the program that uses this host.
        case user

        /// How long an address is kept after it was last heard of.
        var lifetime: Duration? {
            switch self {
            case .identify: .seconds(24 * 3600)
            case .connected: .seconds(7 * 24 * 3600)
            case .user: nil
            }
        }

        static func < (left: Source, right: Source) -> Bool {
            func order(_ source: Source) -> Int { allCases.firstIndex(of: source) ?? 0 }
            return order(left) < order(right)
        }
    }

    /// An address of a peer.
    struct Known: Hashable, Sendable {
        var address: Multiaddr
        var source: Source
        /// `nil` for ever.
        var expires: Duration?
        /// The host has reached the peer there.
        var hasWorked: Bool
    }

    /// More than a machine has networks.
    ///
    /// The oldest of the least believed gives way.
    static let mostAddresses = 16

    /// Peers beyond are forgotten, the one first heard of first, because strangers can announce themselves without end;
    /// those that people have named are passed over while there are others.
    static let mostPeers = 8192

    private var entries: [PeerID: [Known]] = [:]
    private var order: [PeerID] = []
    /// Grows with every change worth keeping over a restart.
    private(set) var revision = 0

    /// Peers of which an address is known.
    var peerCount: Int { entries.count }

    /// All that is known, the peer first heard of first.
    var contents: [(peer: PeerID, addresses: [Known])] {
        order.compactMap { peer in entries[peer].map { (peer, $0) } }
    }

    /// The addresses of a peer, those that worked last first.
    func addresses(of peer: PeerID, at now: Duration = .zero) -> [Known] {
        entries[peer, default: []].filter { $0.expires.map { $0 > now } ?? true }
    }

    /// Remembers an address, or for how long it is to be remembered.
    mutating func add(_ address: Multiaddr, for peer: PeerID, source: Source, at now: Duration) {
        let address = address.withoutPeerID
        guard !address.isUnspecified else { return }
        var known = entries[peer] ?? []
        let expires = source.lifetime.map { now + $0 }
        if let index = known.firstIndex(where: { $0.address == address }) {
            guard known[index].source <= source else { return }
            known[index].source = source
            known[index].expires = expires
        } else {
            guard Self.makeRoom(in: &known, for: source, at: now) else { return }
            known.append(Known(address: address, source: source, expires: expires, hasWorked: false))
        }
        enter(known, for: peer)
    }

    /// Puts an address first, because it has just worked.
    mutating func prefer(_ address: Multiaddr, for peer: PeerID, at now: Duration) {
        let address = address.withoutPeerID
        var known = entries[peer] ?? []
        let old = known.firstIndex { $0.address == address }.map { known.remove(at: $0) }
        if old == nil { _ = Self.makeRoom(in: &known, for: .user, at: now) }
        let source = max(old?.source ?? .connected, .connected)
        let best = Known(address: address, source: source, expires: source.lifetime.map { now + $0 }, hasWorked: true)
        enter([best] + known, for: peer)
    }

    /// Remembers what a peer says about itself.
    ///
    /// Addresses that lead to the peer's own machine are believed only of a peer on this machine.
    ///
    /// - Parameter seen: where the peer's connection comes from.
    mutating func learn(_ announced: [Multiaddr], of peer: PeerID, seen: Multiaddr, at now: Duration) {
        for address in announced where !address.isLoopback || seen.isLoopback {
            add(address, for: peer, source: .identify, at: now)
        }
    }

    /// Forgets what has outlived its time.
    mutating func expire(at now: Duration) {
        let before = entries.count
        for peer in order {
            guard let known = entries[peer] else { continue }
            let left = known.filter { $0.expires.map { $0 > now } ?? true }
            guard left.count < known.count else { continue }
            revision += 1
            entries[peer] = left.isEmpty ? nil : left
        }
        if entries.count < before { order.removeAll { entries[$0] == nil } }
    }

    /// Takes back what was kept over a restart; behind what is known already.
    mutating func restore(_ kept: [(peer: PeerID, addresses: [Known])]) {
        for (peer, addresses) in kept where entries[peer] == nil {
            let fit = addresses.filter { !$0.address.isUnspecified }.prefix(Self.mostAddresses)
            if !fit.isEmpty { enter(Array(fit), for: peer) }
        }
    }

    private static func makeRoom(in known: inout [Known], for source: Source, at now: Duration) -> Bool {
        guard known.count >= mostAddresses else { return true }
        known.removeAll { $0.expires.map { $0 <= now } ?? false }
        guard known.count >= mostAddresses else { return true }
        let least = known.indices.min { left, right in
            (known[left].source, known[left].hasWorked ? 1 : 0) < (known[right].source, known[right].hasWorked ? 1 : 0)
        }
        guard let least, known[least].source <= source else { return false }
        known.remove(at: least)
        return true
    }

    private mutating func enter(_ known: [Known], for peer: PeerID) {
        revision += 1
        guard entries.updateValue(known, forKey: peer) == nil else { return }
        order.append(peer)
        guard order.count > Self.mostPeers else { return }
        // Whom people have named gets another turn, once.
        for _ in 1..<order.count {
            let first = order.removeFirst()
            guard entries[first, default: []].contains(where: { $0.source == .user }) else {
                entries[first] = nil
                return
            }
            order.append(first)
        }
        entries[order.removeFirst()] = nil
    }
}
