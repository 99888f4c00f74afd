public import Ledger

/// A node owner's wish to stand in the node registry, signed with the owner's secp256k1 key.
///
/// On a chain the owner sends the transaction itself and needs no such message. With an embedded ledger Nexus submits
/// the command, and this signature is what entitles it to name the owner as the caller.
public struct NodeRegistration: TypedMessage, Hashable, Sendable {
    /// The type string of the message (EIP-712).
    public static let typeString =
        "NodeRegistration(uint8 kind,bytes32 model,bytes32 metadata,address payout,address signer,uint64 commission)"

    /// Keccak-256 of the type string.
    public static let typeHash = ABI.eventTopic(typeString)

    /// LLM 1, knowledge hub 2, agent hub 3.
    public var kind: UInt8
    /// The hash over the model file.
    public var model: Bytes32
    /// The hash over the operator's description.
    public var metadata: Bytes32
    /// Where earnings are paid.
    public var payout: Address
    /// The address that signs quotes and receipts.
    public var signer: Address
    /// The owner's share before stakers, in hundredths of a percent.
    public var commission: UInt64

    /// Makes a registration.
    public init(
        kind: UInt8,
        model: Bytes32,
        metadata: Bytes32,
        payout: Address,
        signer: Address,
        commission: UInt64
    ) {
        self.kind = kind
        self.model = model
        self.metadata = metadata
        self.payout = payout
        self.signer = signer
        self.commission = commission
    }

    /// The fields in the order of the type string.
    public var fields: [Bytes32] {
        [Bytes32(number: UInt64(kind)), model, metadata, payout.word, signer.word, Bytes32(number: commission)]
    }
}
