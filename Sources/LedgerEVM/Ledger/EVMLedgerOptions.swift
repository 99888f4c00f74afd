public import Ledger

/// How a ledger on a chain is run.
public struct EVMLedgerOptions: Sendable {
    /// What is paid for gas.
    public var fees: FeePolicy
    /// The wait between two looks at what is under way; shorter than a block is enough.
    public var pollInterval: Duration
    /// The most transactions of one caller that no block holds yet; further commands wait.
    public var mostInFlight: Int
    /// The most commands that wait for a transaction; more are refused as overload.
    public var mostWaiting: Int
    /// The most gas of one transaction (EIP-7825).
    public var gasCap: UInt64
    /// The codes that are trusted; a contract without an entry is taken as it is.
    public var knownCode: [Contract: [CodeFingerprint]]

    /// Makes options.
    public init(
        fees: FeePolicy = FeePolicy(),
        pollInterval: Duration = .seconds(2),
        mostInFlight: Int = 8,
        mostWaiting: Int = 10_000,
        gasCap: UInt64 = 16_777_216,
        knownCode: [Contract: [CodeFingerprint]] = [:]
    ) {
        self.fees = fees
        self.pollInterval = pollInterval
        self.mostInFlight = mostInFlight
        self.mostWaiting = mostWaiting
        self.gasCap = gasCap
        self.knownCode = knownCode
    }
}

/// Why a ledger on a chain did not open.
public enum EVMLedgerOpenError: Error, Hashable, Sendable {
    /// The endpoint failed.
    case endpoint(RPCError)
    /// The file with submissions and transactions failed.
    case store(SendingStoreError)
    /// There is no contract at the address.
    case noContract(Contract)
    /// The contract's code is not one that is known.
    case unknownCode(Contract)
    /// The registry signs under another domain than its address and chain give.
    case otherDomain
}
