/// Every balance of a ledger at one moment.
public struct Balances: Hashable, Sendable {
    /// The block after which they stood so.
    public var block: UInt64
    /// The money of every user that has any.
    public var users: [UserID: Funds]
    /// What every node earned and did not claim.
    public var nodes: [NodeID: Earnings]
    /// What stands behind every node.
    public var pools: [NodeID: PoolRecord]
    /// Every token account that is not empty, those of the contracts included.
    public var accounts: [Address: TokenAmount]
    /// Fees that were not yet swept to the treasury.
    public var fees: Nano
    /// What the insurance holds.
    public var insurance: Nano
    /// Penalties that were taken and not yet released or returned.
    public var escrow: Nano
    /// Bonds of proposed penalties.
    public var bonds: Nano
    /// All tokens there are.
    public var supply: TokenAmount

    /// Makes a list of balances.
    public init(
        block: UInt64,
        users: [UserID: Funds],
        nodes: [NodeID: Earnings],
        pools: [NodeID: PoolRecord],
        accounts: [Address: TokenAmount],
        fees: Nano,
        insurance: Nano = .zero,
        escrow: Nano = .zero,
        bonds: Nano = .zero,
        supply: TokenAmount
    ) {
        self.block = block
        self.users = users
        self.nodes = nodes
        self.pools = pools
        self.accounts = accounts
        self.fees = fees
        self.insurance = insurance
        self.escrow = escrow
        self.bonds = bonds
        self.supply = supply
    }

    /// The sum of all token accounts, which must be ``supply``.
    public var sumOfAccounts: TokenAmount { Self.sum(accounts.values) }

    /// What users own, which must be what the registry's account holds.
    public var sumOfUsers: TokenAmount {
        Self.sum(users.values.lazy.flatMap { [$0.available, $0.bonus, $0.thawing] }.map { TokenAmount($0) })
    }

    /// What nodes earned, the fees and the insurance, which must be what the account of Tokenomics holds.
    public var sumOfEarnings: TokenAmount {
        let earned = nodes.values.lazy.flatMap { [$0.earned, $0.bonusEarned, $0.claimable] }.map { TokenAmount($0) }
        return Self.sum([Self.sum(earned), TokenAmount(fees), TokenAmount(insurance)])
    }

    /// All stakes, what is leaving and what was slashed, which must be what the account of Staking holds.
    public var sumOfStakes: TokenAmount {
        let staked = pools.values.lazy.flatMap { [$0.assets, $0.unbonding] }.map { TokenAmount($0) }
        return Self.sum([Self.sum(staked), TokenAmount(escrow)])
    }

    /// Whether every nano is accounted for (ledger specification, §6 invariants 1 to 3).
    ///
    /// The contracts' accounts may hold more than they owe: anyone can send tokens to an address.
    public func areConserved(contracts: ContractAddresses) -> Bool {
        let owed: [(Contract, TokenAmount)] = [
            (.userRegistry, sumOfUsers), (.tokenomics, sumOfEarnings), (.staking, sumOfStakes),
            (.slashing, TokenAmount(bonds)),
        ]
        return sumOfAccounts == supply && owed.allSatisfy { $0.1 <= accounts[contracts[$0.0], default: .zero] }
    }

    /// Saturates where outside figures would overflow, so that a wrong figure is unequal and never a crash.
    private static func sum(_ amounts: some Sequence<TokenAmount>) -> TokenAmount {
        amounts.reduce(.zero) { $0.adding($1) ?? TokenAmount(units: .max) }
    }
}
