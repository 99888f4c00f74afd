/// Asks for a payout: the amount thaws for `withdraw_delay` and then goes to the recipient.
public struct Withdraw: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "Withdraw(uint64 user,uint64 amount,address to,uint64 nonce)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The user who is paid out.
    public let user: UserID

    /// The whole amount that is to be thawing.
    public let amount: Nano

    /// The account that receives it.
    public let to: Address

    /// The user's nonce.
    public let nonce: UInt64

    /// Makes the message from its fields.
    public init(user: UserID, amount: Nano, to: Address, nonce: UInt64) {
        self.user = user
        self.amount = amount
        self.to = to
        self.nonce = nonce
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [user.word, amount.word, to.word, Bytes32(number: nonce)]
    }
}

/// Returns a thawing amount to the available balance.
public struct CancelWithdraw: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "CancelWithdraw(uint64 user,uint64 nonce)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The user who asked for the payout.
    public let user: UserID

    /// The user's nonce.
    public let nonce: UInt64

    /// Makes the message from its fields.
    public init(user: UserID, nonce: UInt64) {
        self.user = user
        self.nonce = nonce
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [user.word, Bytes32(number: nonce)]
    }
}
