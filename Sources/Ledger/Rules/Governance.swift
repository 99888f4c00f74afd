/// The first four bytes of a call, which name the function.
public struct FunctionSelector: Hashable, Sendable, CustomStringConvertible {
    /// The bytes as a number, the first one highest.
    public let number: UInt32

    /// Makes a selector from its number.
    public init(_ number: UInt32) {
        self.number = number
    }

    /// The selector of a function such as `transfer(address,uint256)`.
    public init(_ signature: String) {
        self.init(ABI.selector(signature).reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// The selector of a call; `nil` where the call is shorter.
    public init?(call: [UInt8]) {
        guard call.count >= 4 else { return nil }
        self.init(call.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// `0x` and eight digits.
    public var description: String {
        Hex.encode([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) })
    }
}

/// How far a call in the timelock has come.
public enum QueueState: UInt8, Sendable, CaseIterable, Codable {
    /// It waits, or may be made.
    case queued = 1
    /// It was made.
    case executed = 2
    /// It was taken back.
    case cancelled = 3
}

/// A call that the timelock holds (ledger specification, §5.8).
public struct QueuedCall: Hashable, Sendable {
    /// The contract.
    public var target: Address
    /// keccak256 of the call.
    public var dataHash: Bytes32
    /// From this second on it may be made, for ``lifetime`` seconds.
    public var readyAt: UInt64
    /// How far it has come.
    public var state: QueueState

    /// Makes a record.
    public init(target: Address, dataHash: Bytes32, readyAt: UInt64, state: QueueState = .queued) {
        self.target = target
        self.dataHash = dataHash
        self.readyAt = readyAt
        self.state = state
    }

    /// Seconds in which a call may be made once it is ready.
    public static let lifetime: UInt64 = 14 * 86_400
    /// The longest call in bytes.
    public static let mostBytes = 4_096
}

/// A call that stakers vote on (ledger specification, §5.8).
public struct ProposalRecord: Hashable, Sendable {
    /// Who proposed it.
    public var proposer: Address
    /// The contract.
    public var target: Address
    /// keccak256 of the call.
    public var dataHash: Bytes32
    /// The hash of what it is for.
    public var description: Bytes32
    /// Stakes that were added to after this second do not vote.
    public var snapshot: UInt64
    /// All stakes at that moment.
    public var total: Nano
    /// From this second on nobody votes, and the outcome may be enacted.
    public var endsAt: UInt64
    /// The stake for it.
    public var yes: Nano
    /// The stake against it.
    public var no: Nano
    /// Whether it was handed to the timelock.
    public var isEnacted: Bool

    /// Makes a record.
    public init(
        proposer: Address,
        target: Address,
        dataHash: Bytes32,
        description: Bytes32,
        snapshot: UInt64,
        total: Nano,
        endsAt: UInt64,
        yes: Nano = .zero,
        no: Nano = .zero,
        isEnacted: Bool = false
    ) {
        self.proposer = proposer
        self.target = target
        self.dataHash = dataHash
        self.description = description
        self.snapshot = snapshot
        self.total = total
        self.endsAt = endsAt
        self.yes = yes
        self.no = no
        self.isEnacted = isEnacted
    }

    /// Seconds of a vote.
    public static let votingTime: UInt64 = 5 * 86_400
    /// The most nodes that one call may name.
    public static let mostNodes = 20
}
