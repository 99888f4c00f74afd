/// What a node does.
public enum NodeKind: UInt8, Sendable, CaseIterable, Codable {
    /// Serves a language model.
    case llm = 1
    /// Serves documents.
    case knowledge = 2
    /// Runs agents.
    case agent = 3
}

/// Where a node stands (ledger specification, §5.3).
///
/// Only active nodes are routed; all are paid.
public enum NodeStatus: UInt8, Sendable, CaseIterable, Codable {
    /// Registered, and not yet let in.
    case pending = 1
    /// Serving.
    case active = 2
    /// Taken out until it is let in again.
    case suspended = 3
    /// Leaving; its stake is still held.
    case exiting = 4
    /// Gone, with its stake.
    case exited = 5
    /// Shut out for good.
    case banned = 6
}

/// A node.
public struct NodeRecord: Hashable, Sendable {
    /// Who controls it.
    public var owner: Address
    /// Where its earnings go.
    public var payout: Address
    /// Whose signature is on its receipts.
    public var signer: Address
    /// What it does.
    public var kind: NodeKind
    /// The hash of its model.
    public var model: Bytes32
    /// The hash of its description.
    public var meta: Bytes32
    /// The owner's part of what delegators earn, in hundredths of a per cent.
    public var commission: UInt16
    /// Where it stands.
    public var status: NodeStatus
    /// When it registered, in seconds since 1970.
    public var registered: UInt64

    /// Makes a record.
    public init(
        owner: Address,
        payout: Address,
        signer: Address,
        kind: NodeKind,
        model: Bytes32,
        meta: Bytes32,
        commission: UInt16,
        status: NodeStatus,
        registered: UInt64
    ) {
        self.owner = owner
        self.payout = payout
        self.signer = signer
        self.kind = kind
        self.model = model
        self.meta = meta
        self.commission = commission
        self.status = status
        self.registered = registered
    }
}

/// What a node earned (ledger specification, §5.5).
public struct Earnings: Hashable, Sendable {
    /// Paid by users out of deposits, after the fee.
    public var earned: Nano
    /// Paid by users out of bonus, after the fee; becomes stake.
    public var bonusEarned: Nano
    /// Harvested, and waiting to be claimed.
    public var claimable: Nano

    /// Makes a record; all zero without arguments.
    public init(earned: Nano = .zero, bonusEarned: Nano = .zero, claimable: Nano = .zero) {
        self.earned = earned
        self.bonusEarned = bonusEarned
        self.claimable = claimable
    }

    /// The sum of the three.
    public var total: Nano { earned.clampedAdding(bonusEarned).clampedAdding(claimable) }
}

/// What stands behind a node.
public struct PoolRecord: Hashable, Sendable {
    /// The owner's stake, ``lockedStake`` included.
    public var selfStake: Nano
    /// The part of it that came from bonus earnings: never withdrawn, so that faucet money cannot be cashed by serving
    /// oneself (§5.5).
    public var lockedStake: Nano
    /// From this second on an exiting node's stake may be withdrawn; zero while it does not exit.
    public var exitEnd: UInt64

    /// Makes a record; all zero without arguments.
    public init(selfStake: Nano = .zero, lockedStake: Nano = .zero, exitEnd: UInt64 = 0) {
        self.selfStake = selfStake
        self.lockedStake = lockedStake
        self.exitEnd = exitEnd
    }
}
