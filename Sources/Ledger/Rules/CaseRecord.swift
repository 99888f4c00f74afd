/// What a node is slashed for (ledger specification, §5.7).
public enum Offence: UInt8, Sendable, CaseIterable, Codable {
    /// Two different receipts of one session and sequence number.
    case receipts = 1
    /// A cost above what the quote gives.
    case overcharge = 2
    /// Two different answers to one probe.
    case probes = 3
    /// Bad quality, which the committee proposes and the guardian may veto.
    case quality = 4

    /// The part of the pool that is taken, in hundredths of a per cent; for quality the most in an epoch.
    public var penalty: UInt16 {
        switch self {
        case .receipts: 2_000
        case .overcharge: 1_000
        case .probes, .quality: 500
        }
    }
}

/// How far a case has come.
public enum CaseState: UInt8, Sendable, CaseIterable, Codable {
    /// The committee proposed it, and nothing is taken.
    case proposed = 1
    /// The penalty waits.
    case escrowed = 2
    /// The penalty was paid out and burned.
    case released = 3
    /// The penalty went back to the pool.
    case returned = 4
    /// The guardian refused it.
    case vetoed = 5
}

/// A case of slashing.
public struct CaseRecord: Hashable, Sendable {
    /// What for.
    public var offence: Offence
    /// The node.
    public var node: NodeID
    /// Who proved or proposed it.
    public var reporter: Address
    /// What was taken; zero while it is proposed.
    public var amount: Nano
    /// What marks the evidence as used.
    public var evidence: Bytes32
    /// When the penalty was taken; for a proposed case from when on it may be.
    public var time: UInt64
    /// The penalty in hundredths of a per cent.
    public var bps: UInt16
    /// What the committee's member put up; zero for what is proven.
    public var bond: Nano
    /// How far it has come.
    public var state: CaseState

    /// Makes a record.
    public init(
        offence: Offence,
        node: NodeID,
        reporter: Address,
        amount: Nano,
        evidence: Bytes32,
        time: UInt64,
        bps: UInt16,
        bond: Nano,
        state: CaseState
    ) {
        self.offence = offence
        self.node = node
        self.reporter = reporter
        self.amount = amount
        self.evidence = evidence
        self.time = time
        self.bps = bps
        self.bond = bond
        self.state = state
    }

    /// Seconds for which a penalty waits before it is paid out.
    public static let escrowTime: UInt64 = 7 * 86_400
    /// Seconds in which the guardian may veto.
    public static let vetoTime: UInt64 = 3 * 86_400
    /// Seconds after which evidence is too old.
    public static let evidenceAge: UInt64 = 30 * 86_400
}
