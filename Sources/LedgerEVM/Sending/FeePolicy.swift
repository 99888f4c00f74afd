/// What is paid for gas, and when sending waits for it to get cheaper.
public struct FeePolicy: Hashable, Sendable {
    /// The most a unit of gas may cost for a command that can wait.
    public var limit: Wei
    /// The most for one that cannot: a revocation, a veto, a pause, or anything that waited for ``mostDelay``.
    public var urgentLimit: Wei
    /// The smallest tip; endpoints refuse less.
    public var smallestTip: Wei
    /// The largest tip, whatever an endpoint suggests.
    public var largestTip: Wei
    /// Seconds after which a command no longer waits for gas to get cheaper (ledger specification, §7).
    public var mostDelay: UInt64

    /// Makes a policy.
    public init(
        limit: Wei = Wei.gwei.times(100),
        urgentLimit: Wei = Wei.gwei.times(1_000),
        smallestTip: Wei = Wei(1_000_000),
        largestTip: Wei = Wei.gwei.times(5),
        mostDelay: UInt64 = 86_400
    ) {
        self.limit = limit
        self.urgentLimit = urgentLimit
        self.smallestTip = smallestTip
        self.largestTip = largestTip
        self.mostDelay = mostDelay
    }

    /// The fees of a first attempt, or `nil` while gas is too dear for it.
    ///
    /// Twice the base fee holds for six full blocks in a row, in which it grows by an eighth each.
    func fees(baseFee: Wei, suggestedTip: Wei, isUrgent: Bool) -> Transaction.Fees? {
        let tip = min(max(suggestedTip, smallestTip), largestTip)
        let most = isUrgent ? urgentLimit : limit
        guard baseFee.adding(tip) <= most else { return nil }
        return .market(tip: tip, most: min(baseFee.times(2).adding(tip), most))
    }

    /// The fees of a replacement: an eighth above those before and no less than a first attempt would have; `nil` where
    /// that is beyond the limit.
    func replacement(for old: Transaction.Fees, baseFee: Wei, suggestedTip: Wei, isUrgent: Bool) -> Transaction.Fees? {
        guard case .market(let oldTip, let oldMost) = old else { return nil }
        let limit = isUrgent ? urgentLimit : limit
        var tip = oldTip.raisedForReplacement
        var most = oldMost.raisedForReplacement
        if case .market(let freshTip, let freshMost)? = fees(
            baseFee: baseFee,
            suggestedTip: suggestedTip,
            isUrgent: isUrgent
        ) {
            tip = max(tip, freshTip)
            most = max(most, freshMost)
        }
        guard most <= limit, tip <= most else { return nil }
        return .market(tip: tip, most: most)
    }
}
