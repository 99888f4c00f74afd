extension Event {
    /// An event's declaration in the contracts: name, and type, index and name of each field.
    ///
    /// Indexed fields stand first in every one, so that the words of the topics followed by those of the data are the
    /// fields in order.
    enum Kind: String, CaseIterable {
        case transfer = "Transfer(address indexed from,address indexed to,uint256 value)"
        case userRegistered = "UserRegistered(uint64 indexed user,uint8 kind,bytes32 credential)"
        case rootChanged =
            "RootChanged(uint64 indexed user,address indexed root,uint8 kind,bytes32 rpIdHash,bool added)"
        case keyGranted =
            "KeyGranted(uint64 indexed user,address indexed key,uint8 kind,uint64 validUntil,uint64 cap)"
        case keyProposed =
            "KeyProposed(uint64 indexed user,address indexed key,uint8 kind,uint64 validUntil,uint64 cap,uint64 readyAt)"
        case keyVetoed = "KeyVetoed(uint64 indexed user,address indexed key)"
        case keyRevoked = "KeyRevoked(uint64 indexed user,address indexed key,uint64 validUntil)"
        case generationBumped = "GenerationBumped(uint64 indexed user,uint16 generation,uint64 endsAt)"
        case deposited = "Deposited(uint64 indexed user,address indexed from,uint64 amount)"
        case bonusCredited = "BonusCredited(uint64 indexed user,uint64 amount,uint64 expires)"
        case bonusExpired = "BonusExpired(uint64 indexed user,uint64 amount)"
        case withdrawRequested =
            "WithdrawRequested(uint64 indexed user,address indexed to,uint64 amount,uint64 thawEnd)"
        case withdrawCancelled = "WithdrawCancelled(uint64 indexed user,uint64 amount)"
        case withdrawn = "Withdrawn(uint64 indexed user,address indexed to,uint64 amount)"
        case settled =
            "Settled(address indexed key,uint64 indexed node,uint64 amount,uint64 paid,uint64 units,bytes32 receipts)"
        case rejected = "Rejected(uint64 index,uint8 reason)"
        case nodeRegistered =
            "NodeRegistered(uint64 indexed node,address indexed owner,uint8 kind,bytes32 model,bytes32 meta,address payout,address signer,uint16 commission)"
        case metaSet = "MetaSet(uint64 indexed node,bytes32 meta)"
        case modelSet = "ModelSet(uint64 indexed node,bytes32 model)"
        case statusChanged = "StatusChanged(uint64 indexed node,uint8 status,bytes32 reason)"
        case selfStaked = "SelfStaked(uint64 indexed node,uint64 amount)"
        case exitRequested = "ExitRequested(uint64 indexed node,uint64 endsAt)"
        case stakeWithdrawn = "StakeWithdrawn(uint64 indexed node,address indexed to,uint64 amount)"
        case collected = "Collected(uint64 indexed node,uint64 gross,uint64 bonus,uint64 fee)"
        case harvested = "Harvested(uint64 indexed node,uint64 claimable,uint64 stake)"
        case claimed = "Claimed(uint64 indexed node,address indexed to,uint64 amount)"
        case swept = "Swept(uint64 amount,uint64 burned)"
        case granted = "Granted(uint64 indexed user,uint64 amount)"
        case parameterSet = "ParameterSet(bytes32 indexed name,uint64 value)"
    }
}

extension Event.Kind {
    /// A declaration, taken apart once.
    struct Declaration {
        /// The event's name.
        let name: String
        /// The fields' names, in order.
        let fields: [(name: String, type: String)]
        /// How many fields are topics.
        let indexed: Int
        /// The first topic.
        let topic: Bytes32

        init(_ text: String) {
            let parts = text.dropLast().split(separator: "(", maxSplits: 1)
            let fields = parts[1].split(separator: ",").map { $0.split(separator: " ") }
            name = String(parts[0])
            self.fields = fields.map { (name: String($0[$0.count - 1]), type: String($0[0])) }
            indexed = fields.count { $0.contains("indexed") }
            topic = ABI.eventTopic("\(name)(\(self.fields.map(\.type).joined(separator: ",")))")
        }
    }

    private static let declarations = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, Declaration($0.rawValue)) }
    )

    private static let kinds = Dictionary(uniqueKeysWithValues: allCases.map { ($0.declaration.topic, $0) })

    /// The declaration.
    ///
    /// Every case has one: the table is made from all of them.
    var declaration: Declaration { Self.declarations[self] ?? Declaration(rawValue) }

    /// The kind with this first topic.
    init?(topic: Bytes32) {
        guard let kind = Self.kinds[topic] else { return nil }
        self = kind
    }
}
