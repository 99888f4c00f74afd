/// What one finished request cost, signed by the node's signing key (ledger specification, §3 and §4).
///
/// A pair of session and sequence number is signed once; two different receipts of one pair are an offence.
public struct Receipt: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString =
        "Receipt(bytes32 session,uint64 seq,uint64 node,address key,bytes32 request,bytes32 response,"
        + "bytes32 quote,uint64 inputTokens,uint64 outputTokens,uint64 cost,uint64 amount,"
        + "uint64 finishedAt)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The session that the request belongs to.
    public let session: Bytes32

    /// The number of the request within the session.
    public let seq: UInt64

    /// The node that served.
    public let node: NodeID

    /// The key that pays.
    public let key: KeyID

    /// The salted hash of the prompt.
    public let request: Bytes32

    /// The salted hash of the answer.
    public let response: Bytes32

    /// The struct hash of the quote.
    public let quote: Bytes32

    /// Tokens of the prompt.
    public let inputTokens: UInt64

    /// Tokens of the answer.
    public let outputTokens: UInt64

    /// The price of this request.
    public let cost: Nano

    /// The cumulative amount that the next voucher must carry.
    public let amount: Nano

    /// When the request ended, in seconds since 1970.
    public let finishedAt: UInt64

    /// Makes the message from its fields.
    public init(
        session: Bytes32,
        seq: UInt64,
        node: NodeID,
        key: KeyID,
        request: Bytes32,
        response: Bytes32,
        quote: Bytes32,
        inputTokens: UInt64,
        outputTokens: UInt64,
        cost: Nano,
        amount: Nano,
        finishedAt: UInt64
    ) {
        self.session = session
        self.seq = seq
        self.node = node
        self.key = key
        self.request = request
        self.response = response
        self.quote = quote
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cost = cost
        self.amount = amount
        self.finishedAt = finishedAt
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [
            session,
            Bytes32(number: seq),
            node.word,
            key.word,
            request,
            response,
            quote,
            Bytes32(number: inputTokens),
            Bytes32(number: outputTokens),
            cost.word,
            amount.word,
            Bytes32(number: finishedAt),
        ]
    }
}
