/// One voucher as it is handed to `settle` (ledger specification, §5.2).
public struct SettleEntry: Hashable, Sendable {
    /// The node to be paid.
    public var node: NodeID
    /// The cumulative amount that the key signed for this node.
    public var amount: Nano
    /// The cumulative units of work.
    public var units: UInt64
    /// The head of the receipt chain behind the amount.
    public var receipts: Bytes32
    /// The key's signature over the voucher; `x` is zero for secp256k1.
    public var signature: LedgerSignature

    /// Makes an entry.
    public init(node: NodeID, amount: Nano, units: UInt64, receipts: Bytes32, signature: LedgerSignature) {
        self.node = node
        self.amount = amount
        self.units = units
        self.receipts = receipts
        self.signature = signature
    }

    /// Makes an entry from a voucher.
    public init(_ voucher: Voucher, signature: LedgerSignature) {
        self.init(
            node: voucher.node,
            amount: voucher.amount,
            units: voucher.units,
            receipts: voucher.receipts,
            signature: signature
        )
    }

    /// What the key signed.
    public var voucher: Voucher {
        Voucher(node: node, amount: amount, units: units, receipts: receipts)
    }

    /// The most entries in one call.
    public static let mostInOneCall = 200
}

/// What became of one entry (ledger specification, §5.2).
public enum SettleStatus: UInt8, Sendable, CaseIterable {
    /// Charged in full.
    case settled = 0
    /// The balance or the cap was short; the same voucher works again later.
    case partial = 1
    /// The amount is not above what was paid.
    case nothingNew = 2
    /// A bad signature, or a key that was never granted.
    case unknownKey = 3
    /// Past the key's validity, or of an old generation.
    case keyExpired = 4
    /// Node zero, or above the last.
    case unknownNode = 5
    /// The user has nothing left.
    case noFunds = 6
    /// The key's cap is used up.
    case capReached = 7

    /// Whether the entry moved money.
    public var isPaid: Bool { self == .settled || self == .partial }
}
