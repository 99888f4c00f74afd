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
        case signerSet = "SignerSet(uint64 indexed node,address signer)"
        case payoutProposed = "PayoutProposed(uint64 indexed node,address payout,uint64 readyAt)"
        case payoutSet = "PayoutSet(uint64 indexed node,address payout)"
        case commissionSet = "CommissionSet(uint64 indexed node,uint16 commission,uint64 effectiveAt)"
        case nodeOwnerProposed = "NodeOwnerProposed(uint64 indexed node,address indexed owner)"
        case nodeOwnerSet = "NodeOwnerSet(uint64 indexed node,address indexed owner)"
        case computeSet = "ComputeSet(uint64 indexed node,uint64 units)"
        case statusChanged = "StatusChanged(uint64 indexed node,uint8 status,bytes32 reason)"
        case reported = "Reported(uint64 indexed epoch,bytes32 evidence,uint256[] rows)"
        case sealed = "Sealed(uint64 indexed epoch,uint64 finalAt)"
        case reportRejected = "ReportRejected(uint64 indexed epoch)"
        case staked = "Staked(uint64 indexed node,address indexed staker,uint64 amount,uint128 shares)"
        case exitRequested =
            "ExitRequested(uint64 indexed node,address indexed staker,uint128 shares,uint64 amount,uint128 exitShares,uint64 endsAt)"
        case stakeWithdrawn = "StakeWithdrawn(uint64 indexed node,address indexed staker,uint64 amount)"
        case stakeSlashed = "StakeSlashed(uint64 indexed node,uint64 fromPool,uint64 fromUnbonding)"
        case collected = "Collected(uint64 indexed node,uint64 gross,uint64 bonus,uint64 fee)"
        case harvested = "Harvested(uint64 indexed node,uint64 claimable,uint64 pool,uint64 stake)"
        case claimed = "Claimed(uint64 indexed node,address indexed to,uint64 amount)"
        case swept = "Swept(uint64 amount,uint64 burned)"
        case rewardClaimed = "RewardClaimed(uint64 indexed epoch,uint64 indexed node,uint64 amount)"
        case insurancePaid = "InsurancePaid(address indexed to,uint64 amount)"
        case slashed =
            "Slashed(uint64 indexed case,uint64 indexed node,address indexed reporter,uint8 offence,uint64 amount,bytes32 evidence)"
        case slashReleased = "SlashReleased(uint64 indexed case,uint64 reward,uint64 insured,uint64 burned)"
        case slashReturned = "SlashReturned(uint64 indexed case,uint64 amount)"
        case qualityProposed =
            "QualityProposed(uint64 indexed case,uint64 indexed node,uint16 bps,bytes32 evidence,uint64 bond,uint64 readyAt)"
        case qualityVetoed = "QualityVetoed(uint64 indexed case)"
        case granted = "Granted(uint64 indexed user,uint64 amount)"
        case paid = "Paid(address indexed to,uint64 amount)"
        case parameterSet = "ParameterSet(bytes32 name,uint64 value)"
        case ownerProposed = "OwnerProposed(address indexed owner)"
        case ownerChanged = "OwnerChanged(address indexed owner)"
        case roleSet = "RoleSet(bytes32 indexed role,address holder)"
        case paused = "Paused(uint64 until)"
        case unpaused = "Unpaused()"
        case queued = "Queued(uint64 indexed id,address indexed target,bytes32 dataHash,uint64 readyAt)"
        case executed = "Executed(uint64 indexed id)"
        case cancelled = "Cancelled(uint64 indexed id)"
        case functionAllowed = "FunctionAllowed(address indexed target,bytes4 indexed selector,bool allowed)"
        case proposed =
            "Proposed(uint64 indexed id,address indexed proposer,address target,bytes32 dataHash,bytes32 description,uint64 endsAt)"
        case voted = "Voted(uint64 indexed id,uint64 indexed node,address indexed voter,bool support,uint64 weight)"
        case enacted = "Enacted(uint64 indexed id,uint64 timelockID)"
        case published = "Published(bytes32 indexed name,address at)"
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
            let fields = parts.dropFirst().flatMap { $0.split(separator: ",") }.map { $0.split(separator: " ") }
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

    /// Whether a contract logs events of this kind; where several do, the event's name alone does not say which.
    func isLogged(by contract: Contract) -> Bool {
        switch self {
        case .ownerProposed, .ownerChanged, .roleSet: contract != .laiToken
        case .paused, .unpaused: Pause.contracts.contains(contract)
        default: true
        }
    }
}
