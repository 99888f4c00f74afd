/// A node's signed answer to a probe of its status (ledger specification, §5.7 "forged status").
///
/// A node answers a challenge once; two different answers are an offence.
public struct Probe: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "Probe(uint64 node,bytes32 challenge,bytes32 status,uint64 at)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The node that answers.
    public let node: NodeID
    /// What it was asked.
    public let challenge: Bytes32
    /// The hash of its answer.
    public let status: Bytes32
    /// When it answered, in seconds since 1970.
    public let at: UInt64

    /// Makes the message from its fields.
    public init(node: NodeID, challenge: Bytes32, status: Bytes32, at: UInt64) {
        self.node = node
        self.challenge = challenge
        self.status = status
        self.at = at
    }

    /// The fields as words.
    public var fields: [Bytes32] { [node.word, challenge, status, Bytes32(number: at)] }
}

/// A message with the signature of a node's signing address, as evidence.
public struct SignedMessage<Message: TypedMessage>: Hashable, Sendable {
    /// What was signed.
    public var message: Message
    /// The signature in the 64 bytes of EIP-2098; the other two words are zero.
    public var signature: LedgerSignature

    /// Puts a message and its signature together.
    public init(_ message: Message, signature: LedgerSignature) {
        self.message = message
        self.signature = LedgerSignature(r: signature.r, vs: signature.s)
    }
}
