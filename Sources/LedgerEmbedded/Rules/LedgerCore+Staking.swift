import Ledger

// Pools of stake (ledger specification, §5.6).
extension LedgerCore {
    /// Writes a pool, and what all pools hold with it.
    private mutating func setPool(_ node: NodeID, _ pool: PoolRecord) throws(Reason) {
        let old = state.pools[node]?.assets ?? .zero
        guard let others = Nano(state.counters[.staked] ?? 0).subtracting(old), let sum = others.adding(pool.assets)
        else { throw .overflow }
        if sum != others || old != .zero { state.counters[.staked] = sum.count }
        state.pools[node] = pool
    }

    /// The owner's stake at registration.
    mutating func bond(_ node: NodeID, from owner: Address, _ amount: Nano) throws(Reason) {
        try addStake(node, amount, from: owner, isOwner: true, state.pools[node] ?? PoolRecord())
    }

    mutating func stake(_ node: NodeID, _ amount: Nano) throws(Reason) {
        try checkNotPaused(.staking)
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard record.needsSelfStake else { throw .wrongStatus }
        guard amount != .zero else { throw .badAmount }
        try harvest(node)
        let pool = state.pools[node] ?? PoolRecord()
        try addStake(node, amount, from: caller, isOwner: record.owner == caller, pool)
    }

    private mutating func addStake(
        _ node: NodeID,
        _ amount: Nano,
        from staker: Address,
        isOwner: Bool,
        _ old: PoolRecord
    ) throws(Reason) {
        var pool = old
        guard let shares = pool.shares(for: amount) else { throw .overflow }
        guard shares != 0 else { throw .badAmount }
        guard let assets = pool.assets.adding(amount) else { throw .overflow }
        pool.assets = assets
        pool.shares = try sum(pool.shares, shares)
        let name = StakeName(node: node, staker: staker)
        var part = PoolPart(time: now, incarnation: pool.incarnation)
        if isOwner {
            pool.selfShares = try sum(pool.selfShares, shares)
        } else {
            part.shares = try sum(state.stakes[name]?.shares(in: pool) ?? 0, shares)
            guard UInt128(assets.count) <= UInt128(pool.selfStake.count) * UInt128(PoolRecord.mostDelegation) else {
                throw .tooMuchDelegation
            }
        }
        try setPool(node, pool)
        state.stakes[name] = part
        try move(TokenAmount(amount), from: staker, to: contracts[.staking])
        emit(.staked(node: node, staker: staker, amount: amount, shares: shares))
    }

    /// The self shares come into the hands of another owner, whose own delegation joins them.
    mutating func adopt(_ node: NodeID, by owner: Address) throws(Reason) {
        var pool = state.pools[node] ?? PoolRecord()
        let name = StakeName(node: node, staker: owner)
        pool.selfShares = try sum(pool.selfShares, state.stakes[name]?.shares(in: pool) ?? 0)
        state.stakes[name] = PoolPart(time: now, incarnation: pool.incarnation)
        try setPool(node, pool)
    }

    mutating func requestExit(_ node: NodeID, _ shares: UInt128) throws(Reason) {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard shares != 0 else { throw .badAmount }
        try harvest(node)
        var pool = state.pools[node] ?? PoolRecord()
        let name = StakeName(node: node, staker: caller)
        if record.owner == caller {
            guard shares <= pool.selfShares - min(pool.lockedShares, pool.selfShares) else { throw .insufficient }
            pool.selfShares -= shares
        } else {
            var part = state.stakes[name] ?? PoolPart()
            let held = part.shares(in: pool)
            guard shares <= held else { throw .insufficient }
            part.shares = held - shares
            part.incarnation = pool.incarnation
            state.stakes[name] = part
        }
        guard try beginExit(name, shares, &pool) else { throw .badAmount }
        if record.owner == caller, record.needsSelfStake {
            guard pool.selfStake >= state.parameters.minimumSelfStake(record.kind) else { throw .stakeTooSmall }
        }
    }

    /// Moves all of the owner's stake that may leave into an exit.
    mutating func unbondSelf(_ node: NodeID, _ owner: Address) throws(Reason) {
        try harvest(node)
        var pool = state.pools[node] ?? PoolRecord()
        let shares = pool.selfShares - min(pool.lockedShares, pool.selfShares)
        guard shares != 0 else { return }
        pool.selfShares -= shares
        _ = try beginExit(StakeName(node: node, staker: owner), shares, &pool)
    }

    /// Takes shares, which the caller took from their holder, out of the pool.
    ///
    /// - Returns: whether they were worth anything; if not, nothing is done.
    private mutating func beginExit(
        _ name: StakeName,
        _ shares: UInt128,
        _ pool: inout PoolRecord
    ) throws(Reason) -> Bool {
        let amount = pool.worth(of: shares)
        guard let exitShares = pool.unbondingShares(for: amount) else { throw .overflow }
        guard exitShares != 0 else { return false }
        guard let left = pool.assets.subtracting(amount), let unbonding = pool.unbonding.adding(amount),
            shares <= pool.shares
        else { throw .overflow }
        pool.assets = left
        pool.shares -= shares
        pool.unbonding = unbonding
        pool.unbondingShares = try sum(pool.unbondingShares, exitShares)
        let part = PoolPart(
            shares: try sum(state.exits[name]?.shares(in: pool) ?? 0, exitShares),
            time: try later(by: .unbonding),
            incarnation: pool.incarnation
        )
        state.exits[name] = part
        try setPool(name.node, pool)
        emit(
            .exitRequested(
                node: name.node,
                staker: name.staker,
                shares: shares,
                amount: amount,
                exitShares: exitShares,
                endsAt: part.time
            )
        )
        return true
    }

    mutating func withdrawStake(_ node: NodeID) throws(Reason) {
        let name = StakeName(node: node, staker: caller)
        guard let part = state.exits[name] else { throw .nothingPending }
        guard now >= part.time else { throw .tooEarly }
        var pool = state.pools[node] ?? PoolRecord()
        let shares = part.shares(in: pool)
        let amount = pool.unbondingWorth(of: shares)
        guard let left = pool.unbonding.subtracting(amount), shares <= pool.unbondingShares else { throw .overflow }
        pool.unbonding = left
        pool.unbondingShares -= shares
        try setPool(node, pool)
        state.exits[name] = nil
        try pay(amount, from: .staking, to: caller)
        emit(.stakeWithdrawn(node: node, staker: caller, amount: amount))
    }

    /// Takes in what Tokenomics sent: first what belongs to everyone, then what becomes the owner's locked stake.
    mutating func distribute(_ node: NodeID, rest: Nano, bonus: Nano) throws(Reason) {
        var pool = state.pools[node] ?? PoolRecord()
        guard let grown = pool.assets.adding(rest), let assets = grown.adding(bonus) else { throw .overflow }
        pool.assets = grown
        if bonus != .zero {
            guard let shares = pool.shares(for: bonus) else { throw .overflow }
            pool.assets = assets
            pool.shares = try sum(pool.shares, shares)
            pool.selfShares = try sum(pool.selfShares, shares)
            pool.lockedShares = try sum(pool.lockedShares, shares)
        }
        if rest != .zero || bonus != .zero { try setPool(node, pool) }
    }

    /// Takes a part of a pool, and the same part of what is leaving it, into escrow.
    ///
    /// All of it leaves a pool in which no share of before counts.
    mutating func slash(_ node: NodeID, bps: UInt64) throws(Reason) -> Nano {
        var pool = state.pools[node] ?? PoolRecord()
        let (fromPool, fromUnbonding) = (share(of: pool.assets, bps: bps), share(of: pool.unbonding, bps: bps))
        guard let sum = fromPool.adding(fromUnbonding),
            let escrow = Nano(state.counters[.escrow] ?? 0).adding(sum)
        else { throw .overflow }
        if bps >= 10_000 {
            pool = PoolRecord(incarnation: pool.incarnation &+ 1)
        } else {
            pool.assets = pool.assets.clampedSubtracting(fromPool)
            pool.unbonding = pool.unbonding.clampedSubtracting(fromUnbonding)
        }
        try setPool(node, pool)
        state.counters[.escrow] = escrow.count
        emit(.stakeSlashed(node: node, fromPool: fromPool, fromUnbonding: fromUnbonding))
        return sum
    }

    /// Takes what was slashed out of escrow.
    mutating func leaveEscrow(_ amount: Nano) throws(Reason) {
        guard let rest = Nano(state.counters[.escrow] ?? 0).subtracting(amount) else { throw .insufficient }
        state.counters[.escrow] = rest.count
    }

    /// Returns what was slashed to the pool.
    mutating func unescrow(_ node: NodeID, _ amount: Nano) throws(Reason) {
        try leaveEscrow(amount)
        try distribute(node, rest: amount, bonus: .zero)
    }

    private func sum(_ left: UInt128, _ right: UInt128) throws(Reason) -> UInt128 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow else { throw .overflow }
        return sum
    }
}
