public import Ledger

/// Settings of one Nexus.
public struct NexusConfiguration: Sendable {
    /// Who acts for the cluster on the ledger.
    public var roles: NexusRoles
    /// How often nodes show a sign of life.
    ///
    /// A node that misses three gets no work.
    public var announceInterval: Duration
    /// How often vouchers are brought to the ledger: seconds on one machine, an hour where every batch costs gas.
    public var settleInterval: Duration
    /// How often nodes are pinged.
    public var probeInterval: Duration
    /// The most that the gateway may sign in all for a user enrolled here.
    public var keyCap: Nano

    /// Settings; the defaults suit a cluster with the embedded ledger.
    public init(
        roles: NexusRoles,
        announceInterval: Duration = .seconds(2),
        settleInterval: Duration = .seconds(3),
        probeInterval: Duration = .seconds(2),
        keyCap: Nano = Nano(1_000_000_000_000)
    ) {
        self.roles = roles
        self.announceInterval = announceInterval
        self.settleInterval = settleInterval
        self.probeInterval = probeInterval
        self.keyCap = keyCap
    }
}
