/// What stands behind a node (ledger specification, §5.6).
///
/// Stakers own shares. What the node earns raises the assets behind each share, a slash lowers them. A thousand shares and
/// one nano that nobody owns stand in every conversion, so that a first staker cannot make the price of a share so high that
/// the next one's stake is rounded away.
public struct PoolRecord: Hashable, Sendable {
    /// What earns and is slashed.
    public var assets: Nano
    /// Shares of it, the owner's included.
    public var shares: UInt128
    /// The shares in the hands of whoever owns the node, ``lockedShares`` included.
    public var selfShares: UInt128
    /// The shares that were bought by bonus earnings: they never leave, so that faucet money cannot be cashed by serving
    /// oneself (§5.5).
    public var lockedShares: UInt128
    /// What is leaving: earns nothing more, and is slashed alongside.
    public var unbonding: Nano
    /// Shares of what is leaving.
    public var unbondingShares: UInt128
    /// How often the pool was slashed to nothing; shares of an earlier incarnation are worthless.
    public var incarnation: UInt32

    /// Makes a record; all zero without arguments.
    public init(
        assets: Nano = .zero,
        shares: UInt128 = 0,
        selfShares: UInt128 = 0,
        lockedShares: UInt128 = 0,
        unbonding: Nano = .zero,
        unbondingShares: UInt128 = 0,
        incarnation: UInt32 = 0
    ) {
        self.assets = assets
        self.shares = shares
        self.selfShares = selfShares
        self.lockedShares = lockedShares
        self.unbonding = unbonding
        self.unbondingShares = unbondingShares
        self.incarnation = incarnation
    }
}

extension PoolRecord {
    /// What a number of shares of the assets is worth.
    public func worth(of shares: UInt128) -> Nano {
        Self.worth(of: shares, in: assets, self.shares)
    }

    /// What a number of unbonding shares is worth.
    public func unbondingWorth(of shares: UInt128) -> Nano {
        Self.worth(of: shares, in: unbonding, unbondingShares)
    }

    /// The shares that an amount buys; `nil` beyond 128 bits.
    public func shares(for amount: Nano) -> UInt128? {
        Self.shares(for: amount, in: assets, shares)
    }

    /// The unbonding shares that an amount buys; `nil` beyond 128 bits.
    public func unbondingShares(for amount: Nano) -> UInt128? {
        Self.shares(for: amount, in: unbonding, unbondingShares)
    }

    /// What the owner's shares are worth.
    public var selfStake: Nano { worth(of: selfShares) }

    /// What the owner's shares are worth that never leave.
    public var lockedStake: Nano { worth(of: lockedShares) }

    /// The most that the assets may be, as a multiple of the self stake, for more delegation to be taken.
    public static let mostDelegation: UInt64 = 10

    /// `amount * (shares + 1000) / (assets + 1)`, rounded down.
    private static func shares(for amount: Nano, in assets: Nano, _ shares: UInt128) -> UInt128? {
        let (all, overflow) = shares.addingReportingOverflow(1_000)
        guard !overflow else { return nil }
        let divisor = UInt128(assets.count) + 1
        let product = all.multipliedFullWidth(by: UInt128(amount.count))
        guard product.high < divisor else { return nil }
        return divisor.dividingFullWidth(product).quotient
    }

    /// `shares * (assets + 1) / (all shares + 1000)`, rounded down.
    ///
    /// Shares that are in the pool are never worth more than its assets; other numbers saturate.
    private static func worth(of shares: UInt128, in assets: Nano, _ all: UInt128) -> Nano {
        let (divisor, overflow) = all.addingReportingOverflow(1_000)
        guard !overflow else { return .zero }
        let product = shares.multipliedFullWidth(by: UInt128(assets.count) + 1)
        guard product.high < divisor else { return Nano(.max) }
        return Nano(UInt64(clamping: divisor.dividingFullWidth(product).quotient))
    }
}

/// What an address delegated to a node.
public struct StakeRecord: Hashable, Sendable {
    /// Its shares of the pool.
    public var shares: UInt128
    /// When it was last added to, in seconds since 1970.
    public var since: UInt64

    /// Makes a record; all zero without arguments.
    public init(shares: UInt128 = 0, since: UInt64 = 0) {
        self.shares = shares
        self.since = since
    }
}

/// What an address is taking out of a node's pool.
public struct ExitRecord: Hashable, Sendable {
    /// Its shares of what is leaving.
    public var shares: UInt128
    /// From this second on it may be withdrawn; zero where nothing leaves.
    public var end: UInt64

    /// Makes a record; all zero without arguments.
    public init(shares: UInt128 = 0, end: UInt64 = 0) {
        self.shares = shares
        self.end = end
    }
}
