import LatticaCore
import NIOConcurrencyHelpers

/// Counts what each peer makes this side hold, and refuses what is over the limit.
final class PeerBudget: Sendable {
    private let used = NIOLockedValueBox<[PeerID: Int]>([:])
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Adds to what a peer holds.
    ///
    /// - Returns: `false` if it would pass the limit; nothing is added then.
    func take(_ count: Int, for peer: PeerID) -> Bool {
        used.withLockedValue { used in
            let sum = used[peer, default: 0] + count
            guard sum <= limit else { return false }
            used[peer] = sum
            return true
        }
    }

    func giveBack(_ count: Int, for peer: PeerID) {
        used.withLockedValue { used in
            let left = used[peer, default: 0] - count
            used[peer] = left > 0 ? left : nil
        }
    }

    /// The sum over all peers.
    var total: Int { used.withLockedValue { $0.values.reduce(0, +) } }
}

/// The bytes that one stream holds, charged to its peer as far as they pass what is free.
struct ByteCharge: ~Copyable {
    private let budget: PeerBudget
    private let peer: PeerID
    private let free: Int
    private var charged = 0

    init(_ budget: PeerBudget, peer: PeerID, free: ByteCount) {
        self.budget = budget
        self.peer = peer
        self.free = free.bytes
    }

    deinit {
        if charged > 0 { budget.giveBack(charged, for: peer) }
    }

    /// Tells how much is held.
    ///
    /// - Returns: `false` if the peer may not make this side hold so much.
    mutating func set(_ count: Int) -> Bool {
        let wanted = max(0, count - free)
        if wanted > charged {
            guard budget.take(wanted - charged, for: peer) else { return false }
        } else if wanted < charged {
            budget.giveBack(charged - wanted, for: peer)
        }
        charged = wanted
        return true
    }
}
