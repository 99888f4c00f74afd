/// Adds or removes a root of a user.
public struct RootChange: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString =
        "RootChange(uint64 user,address root,uint8 kind,bytes32 rpIdHash,bool add,uint64 nonce)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The user whose roots change.
    public let user: UserID

    /// The id of the root, formed like that of a key.
    public let root: KeyID

    /// The curve: secp256k1 for a wallet, P-256 for a passkey.
    public let kind: KeyKind

    /// SHA-256 of the passkey's relying party id; zero for a wallet.
    public let rpIDHash: Bytes32

    /// Whether the root is added; otherwise it is removed.
    public let add: Bool

    /// The user's nonce.
    public let nonce: UInt64

    /// Makes the message from its fields.
    public init(user: UserID, root: KeyID, kind: KeyKind, rpIDHash: Bytes32, add: Bool, nonce: UInt64) {
        self.user = user
        self.root = root
        self.kind = kind
        self.rpIDHash = rpIDHash
        self.add = add
        self.nonce = nonce
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [user.word, root.word, kind.word, rpIDHash, add.word, Bytes32(number: nonce)]
    }
}

/// Registers a user whose root is a wallet.
public struct RegisterWallet: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "RegisterWallet(address owner)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The address of the wallet, which signs.
    public let owner: Address

    /// Makes the message from its fields.
    public init(owner: Address) {
        self.owner = owner
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [owner.word]
    }
}

/// Registers a user whose root is a passkey.
public struct RegisterPasskey: TypedMessage, Codable {
    /// The name and the fields, as hashed.
    public static let typeString = "RegisterPasskey(bytes32 x,bytes32 y,bytes32 rpIdHash)"

    /// The keccak256 of `typeString`.
    public static let typeHash = ABI.eventTopic(typeString)

    /// The first coordinate of the passkey's public point.
    public let x: Bytes32

    /// The second coordinate.
    public let y: Bytes32

    /// SHA-256 of the relying party id.
    public let rpIDHash: Bytes32

    /// Makes the message from its fields.
    public init(x: Bytes32, y: Bytes32, rpIDHash: Bytes32) {
        self.x = x
        self.y = y
        self.rpIDHash = rpIDHash
    }

    /// The fields as words.
    public var fields: [Bytes32] {
        [x, y, rpIDHash]
    }
}
