/// What can be done to the ledger: one case a function of the contracts (ledger specification, §5).
///
/// Where a message is signed, the case holds the message and its `Auth`. A wallet that calls itself needs none.
public enum Command: Hashable, Sendable {
    // LAIToken

    /// Moves the caller's tokens.
    case transfer(to: Address, amount: TokenAmount)
    /// Destroys the caller's tokens.
    case burn(amount: TokenAmount)

    // UserRegistry: identity

    /// Registers a wallet, by itself or with its signature over `RegisterWallet`.
    case registerWallet(owner: Address, signature: LedgerSignature?)
    /// Registers a passkey with an assertion over `RegisterPasskey`.
    case registerPasskey(RegisterPasskey, assertion: Auth)
    /// Registers a user who can sign nothing, by the hash of issuer, subject and salt. Registrar only.
    case registerAttested(commitment: Bytes32)
    /// Grants a key, or moves its cap and validity.
    case grantKey(KeyGrant, auth: Auth?)
    /// Ends a key after the revocation delay.
    case revokeKey(KeyRevoke, auth: Auth?)
    /// Adds a root to a user or takes one from it. The first root of an attested user is approved by a live key.
    case changeRoot(RootChange, auth: Auth?)
    /// Ends all keys of a user after the revocation delay.
    case bumpGeneration(BumpGeneration, auth: Auth?)
    /// Grants a key to an attested user without roots. Registrar only.
    ///
    /// At once while the user has only bonus. Otherwise the call proposes the key, and the next call for the same key and
    /// cap grants it as proposed, once the recovery delay has passed and no live key has refused it.
    case grantKeyAttested(user: UserID, key: KeyID, kind: KeyKind, validUntil: UInt64, cap: Nano)
    /// Refuses the registrar's proposal, by a live key's signature over the `KeyRevoke` of the proposed key.
    case veto(KeyRevoke, signature: LedgerSignature)

    // UserRegistry: money

    /// Pays the caller's tokens into a user's balance.
    case deposit(user: UserID, amount: TokenAmount)
    /// Pays in with a permit (EIP-2612) that the owner of the tokens signed for the registry.
    case depositWithPermit(
        user: UserID,
        owner: Address,
        amount: TokenAmount,
        deadline: UInt64,
        signature: LedgerSignature
    )
    /// Credits a bonus out of the faucet's tokens. Faucet only.
    case creditBonus(user: UserID, amount: Nano)
    /// Returns an expired bonus to the faucet.
    case expireBonus(user: UserID)
    /// Moves an amount from available to thawing; replaces the amount that is pending.
    case requestWithdraw(Withdraw, auth: Auth?)
    /// Takes a pending withdrawal back.
    case cancelWithdraw(CancelWithdraw, auth: Auth?)
    /// Pays a pending withdrawal after the delay.
    case completeWithdraw(user: UserID)
    /// Charges vouchers, at most ``SettleEntry/mostInOneCall``.
    case settle([SettleEntry])

    // NodeRegistry and NetworkStatus

    /// Registers a node; its self stake comes out of the caller's tokens.
    case registerNode(NodeApplication)
    /// Changes a node's description. Owner of the node only.
    case setMeta(node: NodeID, meta: Bytes32)
    /// Changes a node's model. Owner of the node only.
    case setModel(node: NodeID, model: Bytes32)
    /// Takes an active node out. Reporter only.
    case suspend(node: NodeID, reason: Bytes32)
    /// Lets a pending or suspended node in. Reporter only.
    case resume(node: NodeID)
    /// Begins a node's departure. Owner of the node only.
    case exit(node: NodeID)
    /// Shuts a node out for good. Owner of the ledger only.
    case ban(node: NodeID, reason: Bytes32)

    // Staking and Tokenomics

    /// Pays an exiting node's stake to its owner after unbonding.
    case withdrawStake(node: NodeID)
    /// Makes what a node earned claimable, and stake of what came from bonus.
    case harvest(node: NodeID)
    /// Pays a node's claimable amount to its payout address.
    case claim(node: NodeID)
    /// Sends the fees to the treasury, less what is burned.
    case sweep

    // Faucet and parameters

    /// Gives a user the faucet's one grant. Faucet signer only.
    case grant(user: UserID)
    /// Changes a figure that governs the rules. Owner of the ledger only.
    case setParameter(Parameters.Name, value: UInt64)
}

/// What a node says when it registers.
public struct NodeApplication: Hashable, Sendable {
    /// What it does.
    public var kind: NodeKind
    /// The hash of its model.
    public var model: Bytes32
    /// The hash of its description.
    public var meta: Bytes32
    /// Where its earnings go.
    public var payout: Address
    /// Whose signature is on its receipts; serves one node for ever.
    public var signer: Address
    /// The owner's part of what delegators earn, in hundredths of a per cent.
    public var commission: UInt16
    /// What the owner stakes.
    public var selfStake: Nano

    /// Makes an application.
    public init(
        kind: NodeKind,
        model: Bytes32,
        meta: Bytes32,
        payout: Address,
        signer: Address,
        commission: UInt16 = 2_000,
        selfStake: Nano
    ) {
        self.kind = kind
        self.model = model
        self.meta = meta
        self.payout = payout
        self.signer = signer
        self.commission = commission
        self.selfStake = selfStake
    }
}
