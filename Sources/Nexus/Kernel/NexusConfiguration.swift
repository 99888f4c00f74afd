public import Ledger

/// Settings of one Nexus.
public struct NexusConfiguration: Sendable {
    /// Who acts for the cluster on the ledger.
    public var roles: NexusRoles
    /// How often nodes show a sign of life.
    ///
    /// A node that misses three gets no work.
    public var announceInterval: Duration
    /// How often it is looked for vouchers that are to be brought to the ledger.
    public var settleInterval: Duration
    /// Which of them are.
    public var settlement: SettlementPolicy
    /// Whether Nexus owns the nodes that it registers and pays out to their operators.
    ///
    /// The embedded ledger takes its word for who calls; on a chain it can sign for itself only.
    public var ownsSponsoredNodes: Bool
    /// How often nodes are pinged.
    public var probeInterval: Duration
    /// The most that the gateway may sign in all for a user enrolled here.
    public var keyCap: Nano

    /// Settings; the defaults suit a cluster with the embedded ledger.
    public init(
        roles: NexusRoles,
        announceInterval: Duration = .seconds(2),
        settleInterval: Duration = .seconds(3),
        settlement: SettlementPolicy = .immediate,
        ownsSponsoredNodes: Bool = false,
        probeInterval: Duration = .seconds(2),
        keyCap: Nano = Nano(1_000_000_000_000)
    ) {
        self.roles = roles
        self.announceInterval = announceInterval
        self.settleInterval = settleInterval
        self.settlement = settlement
        self.ownsSponsoredNodes = ownsSponsoredNodes
        self.probeInterval = probeInterval
        self.keyCap = keyCap
    }
}
