/// The most that a node may charge one key in total (ledger specification, §1 and §3).
///
/// Cumulative: of all vouchers of a key for a node only the one of the greatest amount counts.
public struct Voucher: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "Voucher(uint64 node,uint64 amount,uint64 units,bytes32 receipts)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The node that is paid.
    public let node: NodeID

    /// All that the key ever owes the node.
    public let amount: Nano

    /// All units of work that the node ever did for the key.
    public let units: UInt64

    /// The head of the receipt chain behind the amount.
    public let receipts: Bytes32

    /// Makes the message from its fields.
    public init(node: NodeID, amount: Nano, units: UInt64, receipts: Bytes32) {
        self.node = node
        self.amount = amount
        self.units = units
        self.receipts = receipts
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [node.word, amount.word, Bytes32(number: units), receipts]
    }
}
