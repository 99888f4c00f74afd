public import Ledger

/// When a voucher is brought to the ledger (ledger specification, §7).
///
/// A batch costs gas on a chain and next to nothing on the embedded ledger, so that the one waits and the other does not.
public struct SettlementPolicy: Sendable, Hashable {
    /// A channel with as much unsettled is settled.
    public var value: Nano
    /// A channel whose oldest unsettled amount is as old is settled, in seconds.
    public var age: UInt64
    /// What settling one voucher costs, in nano of LAI: its share of a batch's gas.
    public var cost: Nano

    /// Makes a policy; the defaults are those of the specification for a chain.
    public init(value: Nano = .lai, age: UInt64 = Parameters.settleInterval, cost: Nano = .zero) {
        self.value = value
        self.age = age
        self.cost = cost
    }

    /// Settles whatever there is.
    public static let immediate = SettlementPolicy(value: Nano(1), age: 0)

    /// A voucher that is not worth its gas is settled all the same when it is as old.
    static let patience: UInt64 = 24 * 3600
    /// A key that ends sooner has its vouchers settled.
    static let keyMargin: UInt64 = 2 * 3600
}

extension SettlementPolicy {
    /// What is known of a channel with something unsettled.
    struct Channel: Hashable, Sendable {
        /// Signed and not paid.
        var due: Nano
        /// When the oldest of it was signed, in seconds since 1970.
        var since: UInt64
        /// The key that signed.
        var key: KeyRecord
        /// What its user has.
        var funds: Funds
        /// The ledger's part of what is settled, in hundredths of a per cent.
        var feeBPS: UInt64
    }

    /// Why a channel is settled.
    enum Cause: Hashable, Sendable {
        /// Enough has gathered.
        case value
        /// The oldest of it has waited long enough.
        case age
        /// The user takes money out.
        case withdrawal
        /// The key ends, or was revoked.
        case keyEnds
        /// The key may hardly spend more.
        case capNear

        /// Whether waiting may cost the node its money.
        var isSafety: Bool { self != .value && self != .age }
    }

    /// Why a channel is settled at this second; `nil` where it waits.
    func cause(_ channel: Channel, at now: UInt64) -> Cause? {
        if channel.due == .zero { return nil }
        if channel.funds.thawEnd != 0 { return .withdrawal }
        if lastSecond(of: channel) < now.addingClamped(Self.keyMargin) { return .keyEnds }
        let room = channel.key.cap.clampedSubtracting(channel.key.spent).clampedSubtracting(channel.due)
        if room.count <= channel.key.cap.count / 10 { return .capNear }
        let waited = now.subtractingClamped(channel.since)
        let brings = UInt128(channel.due.count) * UInt128(channel.feeBPS) / 10_000
        guard brings >= UInt128(cost.count) || waited >= Self.patience else { return nil }
        if channel.due >= value { return .value }
        return waited >= age ? .age : nil
    }

    /// When the key's vouchers settle for the last time: at its own end, or at that of its generation.
    private func lastSecond(of channel: Channel) -> UInt64 {
        guard channel.key.generation < channel.funds.generation else { return channel.key.validUntil }
        return min(channel.key.validUntil, channel.funds.generationEnd)
    }
}

extension UInt64 {
    fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    fileprivate func subtractingClamped(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
