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
    ///
    /// The permit names no user. So only the owner of the tokens chooses one; anybody else may hand it in for a user of whom
    /// the owner's wallet is a root.
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

    // NodeRegistry

    /// Registers a node; its self stake comes out of the caller's tokens.
    case registerNode(NodeApplication)
    /// Changes a node's description. Owner of the node only.
    case setMeta(node: NodeID, meta: Bytes32)
    /// Changes a node's model. Owner of the node only.
    case setModel(node: NodeID, model: Bytes32)
    /// Gives a node another signing address; what the old one signed still counts. Owner of the node only.
    case setSigner(node: NodeID, signer: Address)
    /// Proposes where earnings go from a day later on. Owner of the node only.
    case proposePayout(node: NodeID, payout: Address)
    /// Takes the proposed payout address once its day is over.
    case acceptPayout(node: NodeID)
    /// Changes the commission: a cut at once, a rise after seven days. Owner of the node only.
    case setCommission(node: NodeID, commission: UInt16)
    /// Offers a node to another owner, or to nobody. Owner of the node only.
    case transferNode(node: NodeID, to: Address)
    /// Takes an offered node, with its self stake.
    case acceptNode(node: NodeID)
    /// Begins a node's departure; its self stake leaves the pool. Owner of the node only.
    case exit(node: NodeID)
    /// Ends a node's departure once the unbonding time is over.
    case completeExit(node: NodeID)
    /// Says what a node can compute, at most twice or half as much a day. Attester only.
    case setCompute(node: NodeID, units: UInt64)
    /// Shuts a node out for good. Owner of the contract only.
    case ban(node: NodeID, reason: Bytes32)

    // NetworkStatus

    /// Reports how nodes did in an epoch, at most ``ReportRow/mostInOneCall`` of them. Reporter only.
    case report(epoch: UInt64, evidence: Bytes32, rows: [ReportRow])
    /// Ends the report of an epoch. Reporter only.
    case seal(epoch: UInt64)
    /// Refuses a sealed report, once an epoch. Guardian only.
    case reject(epoch: UInt64)
    /// Takes an active node out. Reporter only.
    case suspend(node: NodeID, reason: Bytes32)
    /// Lets a pending or suspended node in. Reporter only.
    case resume(node: NodeID)

    // Staking

    /// Buys shares of a node's pool out of the caller's tokens.
    case stake(node: NodeID, amount: Nano)
    /// Takes shares out of a node's pool; what they are worth leaves after the unbonding time.
    case requestExit(node: NodeID, shares: UInt128)
    /// Pays the caller's exit from a node's pool after the unbonding time.
    case withdrawStake(node: NodeID)

    // Tokenomics

    /// Makes the owner's commission on what a node earned claimable, and gives the rest to its pool.
    case harvest(node: NodeID)
    /// Pays a node's claimable amount to its payout address.
    case claim(node: NodeID)
    /// Sends the fees to the treasury, less what is burned.
    case sweep
    /// Mints a node's reward for a final epoch.
    case claimReward(epoch: UInt64, node: NodeID)
    /// Pays out of the insurance. Owner of the contract only.
    case payInsurance(to: Address, amount: Nano)

    // Slashing

    /// Proves that a node signed two receipts for one sequence number of a session.
    case proveReceipts(SignedMessage<Receipt>, SignedMessage<Receipt>)
    /// Proves that a node asked more than its quote gives.
    case proveOvercharge(SignedMessage<Quote>, SignedMessage<Receipt>)
    /// Proves that a node gave two answers to one probe.
    case proveProbes(SignedMessage<Probe>, SignedMessage<Probe>)
    /// Pays out and burns a penalty whose seven days are over.
    case releaseSlash(CaseID)
    /// Returns a penalty to the pool before it is released. Owner of the contract only.
    case giveBackSlash(CaseID)
    /// Proposes a penalty for bad quality, with a bond. Committee only.
    case proposeQuality(node: NodeID, bps: UInt16, evidence: Bytes32)
    /// Refuses a proposed penalty; the bond goes to the insurance. Guardian only.
    case vetoQuality(CaseID)
    /// Takes a proposed penalty that nobody vetoed.
    case executeQuality(CaseID)

    // Faucet, treasury, parameters

    /// Gives a user the faucet's one grant. Faucet signer only.
    case grant(user: UserID)
    /// Pays out of the treasury. Owner of the contract only.
    case payFromTreasury(to: Address, amount: Nano)
    /// Changes a figure that governs the rules. Owner of the figure's contract only.
    case setParameter(Parameters.Name, value: UInt64)

    // Roles and pauses, on every contract that has them

    /// Offers a contract to another owner. Owner only.
    case proposeOwner(Contract, owner: Address)
    /// Takes an offered contract.
    case acceptOwner(Contract)
    /// Gives a role to an address. Owner of the contract only.
    case setRole(Contract, Role, holder: Address)
    /// Pauses a contract for seven days. Its guardian, or its owner.
    case pause(Contract)
    /// Ends a pause. Owner of the contract only.
    case unpause(Contract)

    // Timelock, governor, directory

    /// Puts a call into the timelock. Council only.
    case queue(target: Address, call: [UInt8])
    /// Makes a queued call, in the timelock's name.
    case executeQueued(CallID, target: Address, call: [UInt8])
    /// Takes a queued call back. Guardian or council.
    case cancelQueued(CallID)
    /// Says whether stakers may propose calls of a function. Owner of the governor only.
    case allowFunction(target: Address, FunctionSelector, isAllowed: Bool)
    /// Puts a call to the vote, by who holds one per cent of all stakes; the nodes in ascending order.
    case propose(target: Address, call: [UInt8], description: Bytes32, nodes: [NodeID])
    /// Votes with the caller's stakes in these nodes.
    case vote(ProposalID, support: Bool, nodes: [NodeID])
    /// Hands a proposal that won to the timelock.
    case enact(ProposalID, target: Address, call: [UInt8])
    /// Names an address. Owner of the directory only.
    case publish(name: Bytes32, at: Address)
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
