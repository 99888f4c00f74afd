/// An event as a contract logs it.
public struct EncodedEvent: Hashable, Sendable {
    /// The contract that logged it.
    public var contract: Contract
    /// The first is the hash of the event's signature; the indexed fields follow.
    public var topics: [Bytes32]
    /// The other fields.
    public var data: [UInt8]

    /// Makes a log entry.
    public init(contract: Contract, topics: [Bytes32], data: [UInt8]) {
        self.contract = contract
        self.topics = topics
        self.data = data
    }
}

extension Event {
    /// The name of the event in the contracts, such as `Settled`.
    public var name: String { kind.declaration.name }

    /// The event as the contract logs it.
    public func encoded() -> EncodedEvent {
        let declaration = kind.declaration
        let words = words
        var data: [UInt8] = []
        data.reserveCapacity((words.count - declaration.indexed) * 32)
        for word in words.dropFirst(declaration.indexed) { word.append(to: &data) }
        return EncodedEvent(
            contract: contract,
            topics: [declaration.topic] + words.prefix(declaration.indexed),
            data: data
        )
    }

    /// Reads an event that a contract logged.
    public init(_ log: EncodedEvent) throws(LedgerCodingError) {
        guard let first = log.topics.first, let kind = Kind(topic: first) else { throw .unknownKind }
        let declaration = kind.declaration
        guard log.topics.count == 1 + declaration.indexed, log.data.count.isMultiple(of: 32) else {
            throw .wrongLength
        }
        guard kind.isLogged(by: log.contract) else { throw .unknownKind }
        var words = Array(log.topics.dropFirst())
        for offset in stride(from: 0, to: log.data.count, by: 32) {
            words.append(Bytes32(log.data.span, at: offset))
        }
        var reader = WordReader(words)
        try self.init(kind, of: log.contract, from: &reader)
        try reader.finish()
        guard contract == log.contract else { throw .unknownKind }
    }

    /// What happened, for people: the fields with their names, amounts in LAI.
    public var summary: String {
        let (declaration, words) = (kind.declaration, words)
        let fields = zip(declaration.fields, words).map { field, word in
            // A list stands last, and the word in its place says where it begins.
            let text =
                field.type.hasSuffix("[]")
                ? String(words.count - declaration.fields.count - 1)
                : Self.text(word, name: field.name, type: field.type)
            return "\(field.name) \(text)"
        }
        return fields.joined(separator: ", ")
    }

    private static let amounts: Set<String> = [
        "amount", "paid", "cap", "gross", "bonus", "fee", "claimable", "pool", "stake", "burned", "fromPool",
        "fromUnbonding", "reward", "insured", "bond", "weight",
    ]

    private static func text(_ word: Bytes32, name: String, type: String) -> String {
        switch type {
        case "address": Address(lastOf: word).description
        case "uint256": TokenAmount(word: word)?.description ?? word.description
        case "bytes32" where name == "name" || name == "role":
            String(decoding: word.bytes.prefix { $0 != 0 }, as: UTF8.self)
        case "bytes4": FunctionSelector(word: word)?.description ?? word.description
        case "uint128": UInt128(word: word).map { String($0) } ?? word.description
        case "bytes32": word.description
        case "bool": word == .zero ? "no" : "yes"
        default:
            if amounts.contains(name) {
                Nano(word: word)?.description ?? word.description
            } else {
                word.number.map(String.init) ?? word.description
            }
        }
    }

    /// The contract that logs the event.
    public var contract: Contract {
        switch self {
        case .transfer: .laiToken
        case .userRegistered, .rootChanged, .keyGranted, .keyProposed, .keyVetoed, .keyRevoked, .generationBumped,
            .deposited, .bonusCredited, .bonusExpired, .withdrawRequested, .withdrawCancelled, .withdrawn, .settled,
            .rejected:
            .userRegistry
        case .nodeRegistered, .metaSet, .modelSet, .signerSet, .payoutProposed, .payoutSet, .commissionSet,
            .nodeOwnerProposed, .nodeOwnerSet, .computeSet, .statusChanged:
            .nodeRegistry
        case .reported, .sealed, .reportRejected: .networkStatus
        case .staked, .exitRequested, .stakeWithdrawn, .stakeSlashed: .staking
        case .collected, .harvested, .claimed, .swept, .rewardClaimed, .insurancePaid: .tokenomics
        case .slashed, .slashReleased, .slashReturned, .qualityProposed, .qualityVetoed: .slashing
        case .granted: .faucet
        case .paid: .treasury
        case .parameterSet(let name, _): Parameters.Name(word: name)?.contract ?? .userRegistry
        case .ownerProposed(let contract, _), .ownerChanged(let contract, _), .roleSet(let contract, _, _),
            .paused(let contract, _), .unpaused(let contract):
            contract
        case .queued, .executed, .cancelled: .timelock
        case .functionAllowed, .proposed, .voted, .enacted: .governor
        case .published: .directory
        }
    }

    var kind: Kind {
        switch self {
        case .transfer: .transfer
        case .userRegistered: .userRegistered
        case .rootChanged: .rootChanged
        case .keyGranted: .keyGranted
        case .keyProposed: .keyProposed
        case .keyVetoed: .keyVetoed
        case .keyRevoked: .keyRevoked
        case .generationBumped: .generationBumped
        case .deposited: .deposited
        case .bonusCredited: .bonusCredited
        case .bonusExpired: .bonusExpired
        case .withdrawRequested: .withdrawRequested
        case .withdrawCancelled: .withdrawCancelled
        case .withdrawn: .withdrawn
        case .settled: .settled
        case .rejected: .rejected
        case .nodeRegistered: .nodeRegistered
        case .metaSet: .metaSet
        case .modelSet: .modelSet
        case .signerSet: .signerSet
        case .payoutProposed: .payoutProposed
        case .payoutSet: .payoutSet
        case .commissionSet: .commissionSet
        case .nodeOwnerProposed: .nodeOwnerProposed
        case .nodeOwnerSet: .nodeOwnerSet
        case .computeSet: .computeSet
        case .statusChanged: .statusChanged
        case .reported: .reported
        case .sealed: .sealed
        case .reportRejected: .reportRejected
        case .staked: .staked
        case .exitRequested: .exitRequested
        case .stakeWithdrawn: .stakeWithdrawn
        case .stakeSlashed: .stakeSlashed
        case .collected: .collected
        case .harvested: .harvested
        case .claimed: .claimed
        case .swept: .swept
        case .rewardClaimed: .rewardClaimed
        case .insurancePaid: .insurancePaid
        case .slashed: .slashed
        case .slashReleased: .slashReleased
        case .slashReturned: .slashReturned
        case .qualityProposed: .qualityProposed
        case .qualityVetoed: .qualityVetoed
        case .granted: .granted
        case .paid: .paid
        case .parameterSet: .parameterSet
        case .ownerProposed: .ownerProposed
        case .ownerChanged: .ownerChanged
        case .roleSet: .roleSet
        case .paused: .paused
        case .unpaused: .unpaused
        case .queued: .queued
        case .executed: .executed
        case .cancelled: .cancelled
        case .functionAllowed: .functionAllowed
        case .proposed: .proposed
        case .voted: .voted
        case .enacted: .enacted
        case .published: .published
        }
    }
}
