import LatticaCore
import Multiformats

/// Which addresses are to be left alone for a while because they have failed.
///
/// The pause doubles with every failure, up to a longest, and is forgotten when the address works. It is spread by a quarter
/// to both sides, so that peers that lost each other at the same moment do not come back at the same moment.
struct DialBackOff: Sendable {
    private struct Key: Hashable {
        /// `nil` where an address is dialled without knowing who is there.
        var peer: PeerID?
        var address: Multiaddr
    }

    private struct Entry {
        var failures: Int
        var until: Duration
    }

    /// Addresses remembered; beyond, those whose pause ends first are forgotten.
    static let most = 4096

    private let first: Duration
    private let longest: Duration
    private var entries: [Key: Entry] = [:]

    init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// How long an address is still to be left alone; `nil` if it may be tried.
    func remaining(_ address: Multiaddr, of peer: PeerID?, at now: Duration) -> Duration? {
        guard let entry = entries[Key(peer: peer, address: address)], entry.until > now else { return nil }
        return entry.until - now
    }

    /// An address has failed.
    mutating func failed(
        _ address: Multiaddr,
        of peer: PeerID?,
        at now: Duration,
        using random: inout some RandomNumberGenerator
    ) {
        let key = Key(peer: peer, address: address)
        makeRoom(for: key, at: now)
        // What has been quiet for the longest pause starts afresh.
        var failures = entries[key]?.failures ?? 0
        if let entry = entries[key], now - entry.until >= longest { failures = 0 }
        // Past 2^16 every base has reached the longest pause.
        let pause = min(longest, first * (1 << min(failures, 16)))
        let spread = pause * Int.random(in: 750...1250, using: &random) / 1000
        entries[key] = Entry(failures: failures + 1, until: now + spread)
    }

    /// An address has worked.
    mutating func succeeded(_ address: Multiaddr, of peer: PeerID?) {
        entries[Key(peer: peer, address: address)] = nil
    }

    private mutating func makeRoom(for key: Key, at now: Duration) {
        guard entries[key] == nil, entries.count >= Self.most else { return }
        entries = entries.filter { $0.value.until > now }
        guard entries.count >= Self.most else { return }
        // A quarter at once, so that the search is not made for every failure.
        let sooner = entries.sorted { $0.value.until < $1.value.until }.prefix(Self.most / 4)
        for (key, _) in sooner { entries[key] = nil }
    }
}
