/// What an address may do on a contract besides owning it (ledger specification, §5 "Roles").
public enum Role: String, Sendable, CaseIterable, Codable {
    /// Pauses, rejects reports, vetoes and cancels.
    case guardian
    /// Registers users who can sign nothing, and grants their keys.
    case registrar
    /// Reports how nodes did, and lets them in and out.
    case reporter
    /// Measures what nodes can compute.
    case attester
    /// Gives the faucet's grants.
    case signer
    /// Proposes penalties for bad quality.
    case committee
    /// Queues calls in the timelock.
    case council

    /// The contracts that know the role.
    public var contracts: [Contract] {
        switch self {
        case .guardian: [.userRegistry, .networkStatus, .tokenomics, .staking, .slashing, .timelock]
        case .registrar: [.userRegistry]
        case .reporter: [.networkStatus]
        case .attester: [.nodeRegistry]
        case .signer: [.faucet]
        case .committee: [.slashing]
        case .council: [.timelock]
        }
    }
}

/// Who owns a contract.
public struct OwnerRecord: Hashable, Sendable {
    /// The owner; zero where there is none.
    public var owner: Address
    /// To whom it is offered; zero where to nobody.
    public var pending: Address

    /// Makes a record.
    public init(owner: Address = .zero, pending: Address = .zero) {
        self.owner = owner
        self.pending = pending
    }
}

/// The bounds of pauses (ledger specification, §5 "Pause").
public enum Pause {
    /// Seconds after which a pause ends by itself.
    public static let length: UInt64 = 7 * 86_400
    /// Seconds after the end of a pause before the guardian may pause again.
    public static let interval: UInt64 = 30 * 86_400
    /// Seconds after the end of a pause before withdrawals are paid: settlement goes first.
    public static let settlementLead: UInt64 = 6 * 3_600
    /// The contracts that can be paused.
    public static let contracts: [Contract] = [.userRegistry, .staking, .tokenomics]
}
