/// The figures that govern the rules (ledger specification, §8).
public struct Parameters: Hashable, Sendable {
    private var values: [UInt64]

    /// The defaults of the specification.
    public init() {
        values = Name.allCases.map(\.standard)
    }

    /// The value of a figure, in the unit that its name documents.
    public subscript(name: Name) -> UInt64 {
        get { values[name.index] }
        set { values[name.index] = newValue }
    }

    /// The smallest self stake of a node of this kind.
    public func minimumSelfStake(_ kind: NodeKind) -> Nano {
        switch kind {
        case .llm: Nano(self[.minimumStakeLLM])
        case .knowledge: Nano(self[.minimumStakeKnowledge])
        case .agent: Nano(self[.minimumStakeAgent])
        }
    }

    /// A figure that the ledger's owner may change within bounds that are fixed in code.
    public enum Name: String, Sendable, CaseIterable, Codable {
        /// The fee on what nodes are paid, in hundredths of a per cent.
        case feeBPS = "fee_bps"
        /// The part of the fees that is burned, in hundredths of a per cent.
        case burnBPS = "burn_bps"
        /// Seconds between the request of a withdrawal and its completion.
        case withdrawDelay = "withdraw_delay"
        /// Seconds for which a revoked key still settles.
        case revokeDelay = "revoke_delay"
        /// Seconds for which live keys may veto a key that the registrar proposes.
        case recoveryDelay = "recovery_delay"
        /// The longest validity of a key, in seconds from its grant.
        case keyValidity = "key_validity"
        /// Seconds between the request of an exit and the return of the stake.
        case unbonding = "unbonding"
        /// The smallest self stake of an LLM node, in nano.
        case minimumStakeLLM = "min_stake_llm"
        /// The smallest self stake of a knowledge hub, in nano.
        case minimumStakeKnowledge = "min_stake_knowledge"
        /// The smallest self stake of an agent hub, in nano.
        case minimumStakeAgent = "min_stake_agent"
        /// What the faucet gives a user, in nano.
        case grantAmount = "grant_amount"
        /// What the faucet gives in a day, in nano.
        case dailyBudget = "daily_budget"
        /// The part of an epoch's rewards that goes by compute, in hundredths of a per cent; the rest goes by units.
        case alpha
        /// The most that a node's reward may be, in hundredths of a per cent of its fees in the epoch.
        ///
        /// Above 10 000 serving oneself pays.
        case lambda
        /// The rewards of an epoch at most, in nano.
        case epochBudget = "epoch_budget"
        /// The stake behind each unit of compute that counts, in nano.
        case stakePerUnit = "stake_per_unit"
        /// Seconds that a call waits in the timelock.
        case timelock
    }
}

extension Parameters.Name {
    private static let hour: UInt64 = 3600
    private static let day: UInt64 = 86_400
    private static let lai = Nano.lai.count

    /// The default of the specification.
    public var standard: UInt64 {
        switch self {
        case .feeBPS: 500
        case .burnBPS: 0
        case .withdrawDelay: 24 * Self.hour
        case .revokeDelay: 6 * Self.hour
        case .recoveryDelay: 72 * Self.hour
        case .keyValidity: 30 * Self.day
        case .unbonding: 7 * Self.day
        case .minimumStakeLLM: 1_000 * Self.lai
        case .minimumStakeKnowledge, .minimumStakeAgent: 500 * Self.lai
        case .grantAmount: 5 * Self.lai
        case .dailyBudget: 5_000 * Self.lai
        case .alpha: 3_000
        case .lambda: 8_000
        case .epochBudget: 50_000 * Self.lai
        case .stakePerUnit: 100 * Self.lai
        case .timelock: 2 * Self.day
        }
    }

    /// The bounds that no owner can leave.
    ///
    /// The specification gives key validity, grant amount and daily budget no lower bound; a day and zero stand here.
    public var bounds: ClosedRange<UInt64> {
        switch self {
        case .feeBPS: 0...2_000
        case .burnBPS: 0...10_000
        case .withdrawDelay: 12 * Self.hour...7 * Self.day
        case .revokeDelay: 2 * Self.hour...24 * Self.hour
        case .recoveryDelay: 24 * Self.hour...14 * Self.day
        case .keyValidity: Self.day...90 * Self.day
        case .unbonding: 3 * Self.day...28 * Self.day
        case .minimumStakeLLM, .minimumStakeKnowledge, .minimumStakeAgent: Self.lai...100_000 * Self.lai
        case .grantAmount: 0...100 * Self.lai
        case .dailyBudget, .epochBudget: 0...100_000 * Self.lai
        case .alpha: 0...10_000
        case .lambda: 0...30_000
        case .stakePerUnit: Self.lai...10_000 * Self.lai
        case .timelock: Self.day...30 * Self.day
        }
    }

    /// The place of the figure in the order of the specification.
    public var index: Int {
        switch self {
        case .feeBPS: 0
        case .burnBPS: 1
        case .withdrawDelay: 2
        case .revokeDelay: 3
        case .recoveryDelay: 4
        case .keyValidity: 5
        case .unbonding: 6
        case .minimumStakeLLM: 7
        case .minimumStakeKnowledge: 8
        case .minimumStakeAgent: 9
        case .grantAmount: 10
        case .dailyBudget: 11
        case .alpha: 12
        case .lambda: 13
        case .epochBudget: 14
        case .stakePerUnit: 15
        case .timelock: 16
        }
    }
}

extension Parameters {
    /// Nexus settles every channel at least this often, in seconds (§2, §7).
    public static let settleInterval: UInt64 = 3600

    /// Why these figures cannot stand, or `nil` when they can: each within its bounds, and the rule of §2 between
    /// settling, revoking and withdrawing.
    public var fault: Reason? {
        guard Name.allCases.allSatisfy({ $0.bounds.contains(self[$0]) }) else { return .outOfBounds }
        guard
            Self.settleInterval <= self[.revokeDelay] / 2,
            self[.revokeDelay] <= self[.withdrawDelay] / 2
        else { return .breaksRule }
        return nil
    }

    /// The figures after one change, which may at most double or halve the figure, or move it by a twentieth of its range,
    /// whichever is more (§8).
    public func setting(_ name: Name, to value: UInt64) throws(Reason) -> Parameters {
        let old = self[name]
        let twentieth = (name.bounds.upperBound - name.bounds.lowerBound) / 20
        let within = value >= old ? value - old <= max(old, twentieth) : old - value <= max(old - old / 2, twentieth)
        guard name.bounds.contains(value) else { throw .outOfBounds }
        guard within else { throw .stepTooLarge }
        var changed = self
        changed[name] = value
        if let fault = changed.fault { throw fault }
        return changed
    }
}
