import Ledger

// Fees, earnings, rewards and the insurance (ledger specification, §5.5).
extension LedgerCore {
    /// The day, since 1970, of the command in progress.
    var epoch: UInt64 { now / StatusRecord.epochLength }

    /// Keeps the fee, rounded up, and credits the rest.
    ///
    /// The part of the rest that came out of bonus is rounded up: whoever chose the numbers must not turn a nano of faucet
    /// money into one that can be claimed.
    mutating func collect(_ credit: Charges.Credit) throws(Reason) {
        let gross = UInt128(credit.gross.count)
        let fee = (gross * UInt128(parameter(.feeBPS)) + 9_999) / 10_000
        let net = gross - min(fee, gross)
        let bonus = gross == 0 ? 0 : min((net * UInt128(credit.bonus.count) + gross - 1) / gross, net)
        var earnings = state.earnings[credit.node] ?? Earnings()
        guard
            let earned = earnings.earned.adding(Nano(UInt64(clamping: net - bonus))),
            let bonusEarned = earnings.bonusEarned.adding(Nano(UInt64(clamping: bonus))),
            let fees = Nano(state.counters[.fees] ?? 0).adding(Nano(UInt64(clamping: gross - net)))
        else { throw .overflow }
        earnings.earned = earned
        earnings.bonusEarned = bonusEarned
        state.earnings[credit.node] = earnings
        state.counters[.fees] = fees.count
        // Only what deposits paid bounds the reward: gifts earn no reward.
        let place = NodeEpoch(epoch: epoch, node: credit.node)
        let counted = gross == 0 ? 0 : (gross - net) * (gross - UInt128(credit.bonus.count)) / gross
        if counted != 0 {
            guard let sum = (state.fees[place] ?? .zero).adding(Nano(UInt64(clamping: counted))) else {
                throw .overflow
            }
            state.fees[place] = sum
        }
        emit(
            .collected(
                node: credit.node,
                gross: credit.gross,
                bonus: credit.bonus,
                fee: Nano(UInt64(clamping: gross - net))
            )
        )
    }

    /// Shares out what a node earned: the commission to its owner, the rest to its pool, bonus to the owner's locked stake.
    ///
    /// Without stakers all of it is the owner's, also where rounding left a nano in the pool.
    mutating func harvest(_ node: NodeID) throws(Reason) {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard var earnings = state.earnings[node], earnings.earned != .zero || earnings.bonusEarned != .zero else {
            return
        }
        let pool = state.pools[node] ?? PoolRecord()
        let (earned, bonus) = (earnings.earned, earnings.bonusEarned)
        let own = pool.shares == 0 ? earned : share(of: earned, bps: UInt64(record.current(at: now).commission))
        let rest = earned.clampedSubtracting(own)
        guard let claimable = earnings.claimable.adding(own), let sum = rest.adding(bonus) else { throw .overflow }
        earnings = Earnings(claimable: claimable)
        state.earnings[node] = earnings
        try pay(sum, from: .tokenomics, to: contracts[.staking])
        try distribute(node, rest: rest, bonus: bonus)
        emit(.harvested(node: node, claimable: own, pool: rest, stake: bonus))
    }

    /// A part of an amount, rounded down.
    func share(of amount: Nano, bps: UInt64) -> Nano {
        Nano(UInt64(clamping: UInt128(amount.count) * UInt128(bps) / 10_000))
    }

    mutating func claim(_ node: NodeID) throws(Reason) {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard var earnings = state.earnings[node], earnings.claimable != .zero else { return }
        let amount = earnings.claimable
        earnings.claimable = .zero
        state.earnings[node] = earnings
        try pay(amount, from: .tokenomics, to: record.payout)
        emit(.claimed(node: node, to: record.payout, amount: amount))
    }

    mutating func sweep() throws(Reason) {
        let fees = Nano(state.counters[.fees] ?? 0)
        guard fees != .zero else { return }
        let share = UInt128(fees.count) * UInt128(parameter(.burnBPS)) / 10_000
        let burned = min(Nano(UInt64(clamping: share)), fees)
        let rest = fees.clampedSubtracting(burned)
        state.counters[.fees] = 0
        try pay(rest, from: .tokenomics, to: contracts[.treasury])
        try burn(burned, from: .tokenomics)
        emit(.swept(amount: rest, burned: burned))
    }

    mutating func claimReward(_ place: NodeEpoch) throws(Reason) {
        try checkNotPaused(.tokenomics)
        guard state.nodes[place.node] != nil else { throw .unknownNode }
        guard (state.epochs[place.epoch] ?? EpochRecord()).isFinal(at: now) else { throw .notFinal }
        guard epoch <= place.epoch || epoch - place.epoch <= Self.rewardLife else { throw .tooLate }
        guard state.rewards[place] == nil else { throw .alreadyClaimed }
        guard let amount = state.reward(of: place.node, in: place.epoch) else { throw .nothingReported }
        var earnings = state.earnings[place.node] ?? Earnings()
        guard let earned = earnings.earned.adding(amount) else { throw .overflow }
        earnings.earned = earned
        state.earnings[place.node] = earnings
        state.rewards[place] = amount
        try mint(amount, to: .tokenomics)
        emit(.rewardClaimed(epoch: place.epoch, node: place.node, amount: amount))
    }

    /// Rewards can be claimed for this many epochs.
    private static let rewardLife: UInt64 = 90

    /// Takes what came for the insurance.
    mutating func insure(_ amount: Nano) throws(Reason) {
        guard let sum = Nano(state.counters[.insurance] ?? 0).adding(amount) else { throw .overflow }
        state.counters[.insurance] = sum.count
    }

    mutating func payInsurance(to target: Address, _ amount: Nano) throws(Reason) {
        try requireOwner(of: .tokenomics)
        guard let rest = Nano(state.counters[.insurance] ?? 0).subtracting(amount) else { throw .insufficient }
        state.counters[.insurance] = rest.count
        try pay(amount, from: .tokenomics, to: target)
        emit(.insurancePaid(to: target, amount: amount))
    }
}

extension LedgerState {
    /// A node's reward for an epoch as its report stands; `nil` without a valid row (§5.5 "Reward").
    ///
    /// Every product fits: budgets are below 2^47, sums are at least their terms, and uptime counts in thousandths.
    func reward(of node: NodeID, in epoch: UInt64) -> Nano? {
        guard let row = validRow(of: node, in: epoch) else { return nil }
        let sums = epochs[epoch] ?? EpochRecord()
        let budget = UInt128(figure(.epochBudget))
        let computeBudget = budget * UInt128(figure(.alpha)) / 10_000
        let uptime = UInt128(min(max(row.uptime, 9_000) - 9_000, 1_000))
        let compute = sums.compute == 0 ? 0 : computeBudget * UInt128(row.compute) / sums.compute
        let units = sums.units == 0 ? 0 : (budget - computeBudget) * UInt128(row.units) / sums.units
        let share = (compute + units) * uptime / 1_000
        let fee = fees[NodeEpoch(epoch: epoch, node: node)] ?? .zero
        let most = UInt128(fee.count) * UInt128(figure(.lambda)) / 10_000
        return Nano(UInt64(clamping: min(share, most)))
    }

    /// A figure that governs the rules.
    func figure(_ name: Parameters.Name) -> UInt64 {
        params[name] ?? name.standard
    }
}
