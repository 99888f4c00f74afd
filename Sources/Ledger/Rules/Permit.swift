/// Lets a spender take tokens of the owner (EIP-2612); signed for the token's own domain.
public struct Permit: TypedMessage {
    /// The name and the fields, as hashed.
    public static let typeString =
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// Whose tokens they are.
    public let owner: Address
    /// Who may take them: the UserRegistry, for a deposit.
    public let spender: Address
    /// How many.
    public let value: TokenAmount
    /// The owner's permit nonce.
    public let nonce: UInt64
    /// The last second, since 1970, in which the permit holds.
    public let deadline: UInt64

    /// Makes the message from its fields.
    public init(owner: Address, spender: Address, value: TokenAmount, nonce: UInt64, deadline: UInt64) {
        self.owner = owner
        self.spender = spender
        self.value = value
        self.nonce = nonce
        self.deadline = deadline
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [owner.word, spender.word, value.word, Bytes32(number: nonce), Bytes32(number: deadline)]
    }
}
