/// The prices at which a node serves a session, signed by the node (ledger specification, §4).
public struct Quote: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString =
        "Quote(uint64 node,bytes32 model,uint64 inputPrice,uint64 outputPrice,uint64 validUntil)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The node that serves.
    public let node: NodeID

    /// The hash of the model.
    public let model: Bytes32

    /// Nano for each million input tokens.
    public let inputPrice: Nano

    /// Nano for each million output tokens.
    public let outputPrice: Nano

    /// The last second, since 1970, in which a session may open at these prices.
    public let validUntil: UInt64

    /// Makes the message from its fields.
    public init(node: NodeID, model: Bytes32, inputPrice: Nano, outputPrice: Nano, validUntil: UInt64) {
        self.node = node
        self.model = model
        self.inputPrice = inputPrice
        self.outputPrice = outputPrice
        self.validUntil = validUntil
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [node.word, model, inputPrice.word, outputPrice.word, Bytes32(number: validUntil)]
    }
}

extension Quote {
    /// The two prices.
    public var price: TokenPrice { TokenPrice(input: inputPrice, output: outputPrice) }
}
