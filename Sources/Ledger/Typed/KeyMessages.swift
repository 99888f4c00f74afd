/// Lets a key sign vouchers for a user.
public struct KeyGrant: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString =
        "KeyGrant(uint64 user,address key,uint8 kind,uint64 validUntil,uint64 cap,uint64 nonce)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The user who pays.
    public let user: UserID

    /// The key that will sign.
    public let key: KeyID

    /// The curve of the key.
    public let kind: KeyKind

    /// The last second, since 1970, in which the key's vouchers settle.
    public let validUntil: UInt64

    /// The most that the key may ever spend, over all nodes.
    public let cap: Nano

    /// The user's nonce.
    public let nonce: UInt64

    /// Makes the message from its fields.
    public init(user: UserID, key: KeyID, kind: KeyKind, validUntil: UInt64, cap: Nano, nonce: UInt64) {
        self.user = user
        self.key = key
        self.kind = kind
        self.validUntil = validUntil
        self.cap = cap
        self.nonce = nonce
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [user.word, key.word, kind.word, Bytes32(number: validUntil), cap.word, Bytes32(number: nonce)]
    }
}

/// Ends a key after `revoke_delay`.
public struct KeyRevoke: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "KeyRevoke(uint64 user,address key,uint64 nonce)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The user whose key it is.
    public let user: UserID

    /// The key that ends.
    public let key: KeyID

    /// The user's nonce.
    public let nonce: UInt64

    /// Makes the message from its fields.
    public init(user: UserID, key: KeyID, nonce: UInt64) {
        self.user = user
        self.key = key
        self.nonce = nonce
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [user.word, key.word, Bytes32(number: nonce)]
    }
}

/// Ends all keys of a user after `revoke_delay`, for a stolen device with unknown keys.
public struct BumpGeneration: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "BumpGeneration(uint64 user,uint64 nonce)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The user whose keys end.
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
