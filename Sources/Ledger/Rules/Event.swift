/// What happened on the ledger: one case an event of the contracts (ledger specification, §5).
///
/// Every change of state has an event, so that a reader can rebuild the state from them.
public enum Event: Hashable, Sendable {
    // LAIToken

    /// Tokens moved. From the zero address: minted; to it: burned.
    case transfer(from: Address, to: Address, value: TokenAmount)

    // UserRegistry: identity

    /// A user registered; `credential` is the root's address, or the commitment of an attested user.
    case userRegistered(user: UserID, kind: UserKind, credential: Bytes32)
    /// A root was added to a user or taken from it.
    case rootChanged(user: UserID, root: KeyID, kind: KeyKind, rpIDHash: Bytes32, isAdded: Bool)
    /// A key was granted, or its cap and validity moved. The figures are those that hold after it.
    case keyGranted(user: UserID, key: KeyID, kind: KeyKind, validUntil: UInt64, cap: Nano)
    /// The registrar proposed a key; it may be granted from `readyAt` on.
    case keyProposed(user: UserID, key: KeyID, kind: KeyKind, validUntil: UInt64, cap: Nano, readyAt: UInt64)
    /// A live key refused the registrar's proposal.
    case keyVetoed(user: UserID, key: KeyID)
    /// A key ends after `validUntil`.
    case keyRevoked(user: UserID, key: KeyID, validUntil: UInt64)
    /// All keys of older generations end after `endsAt`.
    case generationBumped(user: UserID, generation: UInt16, endsAt: UInt64)

    // UserRegistry: money

    /// Someone paid in for a user.
    case deposited(user: UserID, from: Address, amount: Nano)
    /// The faucet gave a user a bonus.
    case bonusCredited(user: UserID, amount: Nano, expires: UInt64)
    /// A bonus went back to the faucet.
    case bonusExpired(user: UserID, amount: Nano)
    /// A withdrawal is pending; `amount` is all of it.
    case withdrawRequested(user: UserID, to: Address, amount: Nano, thawEnd: UInt64)
    /// A pending withdrawal went back to the balance.
    case withdrawCancelled(user: UserID, amount: Nano)
    /// A withdrawal was paid, or ended with nothing left of it.
    case withdrawn(user: UserID, to: Address, amount: Nano)
    /// A voucher was charged up to `paid`.
    case settled(key: KeyID, node: NodeID, amount: Nano, paid: Nano, units: UInt64, receipts: Bytes32)
    /// The entry at `index` of a call of `settle` was not charged.
    case rejected(index: UInt64, status: SettleStatus)

    // NodeRegistry

    /// A node registered.
    case nodeRegistered(
        node: NodeID,
        owner: Address,
        kind: NodeKind,
        model: Bytes32,
        meta: Bytes32,
        payout: Address,
        signer: Address,
        commission: UInt16
    )
    /// A node's description changed.
    case metaSet(node: NodeID, meta: Bytes32)
    /// A node's model changed.
    case modelSet(node: NodeID, model: Bytes32)
    /// A node has another signing address.
    case signerSet(node: NodeID, signer: Address)
    /// A node's earnings may go elsewhere from `readyAt` on.
    case payoutProposed(node: NodeID, payout: Address, readyAt: UInt64)
    /// A node's earnings go elsewhere.
    case payoutSet(node: NodeID, payout: Address)
    /// A node's commission changes at `effectiveAt`.
    case commissionSet(node: NodeID, commission: UInt16, effectiveAt: UInt64)
    /// A node was offered to another owner.
    case nodeOwnerProposed(node: NodeID, owner: Address)
    /// A node has another owner.
    case nodeOwnerSet(node: NodeID, owner: Address)
    /// The attester said what a node can compute.
    case computeSet(node: NodeID, units: UInt64)
    /// A node's status changed; `reason` is zero where none was given.
    case statusChanged(node: NodeID, status: NodeStatus, reason: Bytes32)
    // NetworkStatus

    /// Rows of an epoch were reported; their reputation is as far as it may move.
    case reported(epoch: UInt64, evidence: Bytes32, rows: [ReportRow])
    /// An epoch's report ended; it is final from `finalAt` on.
    case sealed(epoch: UInt64, finalAt: UInt64)
    /// The guardian refused a report.
    case reportRejected(epoch: UInt64)
    // Staking

    /// Someone bought shares of a node's pool.
    case staked(node: NodeID, staker: Address, amount: Nano, shares: UInt128)
    /// Shares left a node's pool; `exitShares` of what is leaving came to the staker's exit.
    case exitRequested(
        node: NodeID,
        staker: Address,
        shares: UInt128,
        amount: Nano,
        exitShares: UInt128,
        endsAt: UInt64
    )
    /// An exit was paid.
    case stakeWithdrawn(node: NodeID, staker: Address, amount: Nano)
    /// A part of a pool, and of what was leaving it, was taken.
    case stakeSlashed(node: NodeID, fromPool: Nano, fromUnbonding: Nano)
    // Tokenomics

    /// A node was credited `gross`, of which `bonus` came out of bonus and `fee` was kept.
    case collected(node: NodeID, gross: Nano, bonus: Nano, fee: Nano)
    /// What a node earned was shared out: `claimable` to its owner, `pool` to its stakers, `stake` from bonus to the
    /// owner's stake.
    case harvested(node: NodeID, claimable: Nano, pool: Nano, stake: Nano)
    /// A node's earnings were paid out.
    case claimed(node: NodeID, to: Address, amount: Nano)
    /// The fees went to the treasury, less what was burned.
    case swept(amount: Nano, burned: Nano)
    /// A node's reward for an epoch was added to what it earned.
    case rewardClaimed(epoch: UInt64, node: NodeID, amount: Nano)
    /// The insurance paid.
    case insurancePaid(to: Address, amount: Nano)
    // Slashing

    /// A penalty was taken and waits.
    case slashed(id: CaseID, node: NodeID, reporter: Address, offence: Offence, amount: Nano, evidence: Bytes32)
    /// A penalty was paid out and burned.
    case slashReleased(id: CaseID, reward: Nano, insured: Nano, burned: Nano)
    /// A penalty went back to the pool.
    case slashReturned(id: CaseID, amount: Nano)
    /// The committee proposed a penalty; it may be taken from `readyAt` on.
    case qualityProposed(id: CaseID, node: NodeID, bps: UInt16, evidence: Bytes32, bond: Nano, readyAt: UInt64)
    /// The guardian refused a proposed penalty.
    case qualityVetoed(id: CaseID)
    // Faucet, treasury, parameters

    /// The faucet gave a user its one grant.
    case granted(user: UserID, amount: Nano)
    /// The treasury paid.
    case paid(to: Address, amount: Nano)
    /// A figure that governs the rules changed; `name` is that of ``Parameters/Name`` in ASCII, padded with zeros.
    case parameterSet(name: Bytes32, value: UInt64)
    // Roles and pauses

    /// A contract was offered to another owner.
    case ownerProposed(Contract, owner: Address)
    /// A contract has another owner.
    case ownerChanged(Contract, owner: Address)
    /// An address holds a role; `role` is its name in ASCII, padded with zeros.
    case roleSet(Contract, role: Bytes32, holder: Address)
    /// A contract is paused until `until`.
    case paused(Contract, until: UInt64)
    /// A pause was ended.
    case unpaused(Contract)
    // Timelock, governor, directory

    /// A call waits; it may be made from `readyAt` on.
    case queued(id: CallID, target: Address, dataHash: Bytes32, readyAt: UInt64)
    /// A queued call was made.
    case executed(id: CallID)
    /// A queued call was taken back.
    case cancelled(id: CallID)
    /// Stakers may, or may no longer, propose calls of a function.
    case functionAllowed(target: Address, function: FunctionSelector, isAllowed: Bool)
    /// A call was put to the vote.
    case proposed(
        id: ProposalID,
        proposer: Address,
        target: Address,
        dataHash: Bytes32,
        description: Bytes32,
        endsAt: UInt64
    )
    /// A stake voted.
    case voted(id: ProposalID, node: NodeID, voter: Address, support: Bool, weight: Nano)
    /// A proposal that won is in the timelock.
    case enacted(id: ProposalID, call: CallID)
    /// The directory names an address.
    case published(name: Bytes32, at: Address)
}
