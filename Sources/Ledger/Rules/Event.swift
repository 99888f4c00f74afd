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

    // NodeRegistry and NetworkStatus

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
    /// A node's status changed; `reason` is zero where none was given.
    case statusChanged(node: NodeID, status: NodeStatus, reason: Bytes32)

    // Staking

    /// A node's self stake grew.
    case selfStaked(node: NodeID, amount: Nano)
    /// A node leaves; its stake may be withdrawn from `endsAt` on.
    case exitRequested(node: NodeID, endsAt: UInt64)
    /// A node's stake was paid out.
    case stakeWithdrawn(node: NodeID, to: Address, amount: Nano)

    // Tokenomics

    /// A node was credited `gross`, of which `bonus` came out of bonus and `fee` was kept.
    case collected(node: NodeID, gross: Nano, bonus: Nano, fee: Nano)
    /// What a node earned was made claimable; what came from bonus became stake.
    case harvested(node: NodeID, claimable: Nano, stake: Nano)
    /// A node's earnings were paid out.
    case claimed(node: NodeID, to: Address, amount: Nano)
    /// The fees went to the treasury, less what was burned.
    case swept(amount: Nano, burned: Nano)

    // Faucet and parameters

    /// The faucet gave a user its one grant.
    case granted(user: UserID, amount: Nano)
    /// A figure that governs the rules changed; `name` is that of ``Parameters/Name`` in ASCII, padded with zeros.
    case parameterSet(name: Bytes32, value: UInt64)
}
