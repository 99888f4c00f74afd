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
    /// To whom the owner offers the node; zero where it does not.
    public var pendingOwner = Address.zero
    /// Where earnings will go from ``payoutReadyAt`` on, when anyone says so; zero where nothing is proposed.
    public var pendingPayout = Address.zero
    /// When the proposed payout address may be taken; zero where none is proposed.
    public var payoutReadyAt: UInt64 = 0
    /// The commission from ``commissionChangesAt`` on, where that is not zero.
    public var nextCommission: UInt16 = 0
    /// When a rise of the commission holds; zero where none waits.
    public var commissionChangesAt: UInt64 = 0
    /// What it can compute, in units that the attester measured.
    public var computeUnits: UInt64 = 0
    /// When the attester said so; zero where it never did.
    public var computeSetAt: UInt64 = 0
    /// From this second on an exiting node is gone when anyone says so; zero where it never exited.
    public var exitEnd: UInt64 = 0

    /// Makes the record of a node that just registered.
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

    /// The record at that second: a rise of the commission whose time has come is the commission.
    public func current(at time: UInt64) -> NodeRecord {
        guard commissionChangesAt != 0, time >= commissionChangesAt else { return self }
        var record = self
        record.commission = nextCommission
        record.nextCommission = 0
        record.commissionChangesAt = 0
        return record
    }

    /// Whether the node's owner is bound to keep the smallest self stake.
    public var needsSelfStake: Bool { status == .pending || status == .active || status == .suspended }
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
