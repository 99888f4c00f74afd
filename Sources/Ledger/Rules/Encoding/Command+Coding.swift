extension Command {
    /// The call as a chain takes it: the function's selector and its arguments.
    public func encoded() -> [UInt8] {
        kind.selector + ABI.encode(arguments)
    }

    /// Reads a call; only the one encoding that ``encoded()`` writes is accepted.
    public init(contract: Contract, call: [UInt8]) throws(LedgerCodingError) {
        guard call.count >= 4, let kind = Kind(selector: Array(call.prefix(4))) else { throw .unknownKind }
        let values: [ABIValue]
        do {
            values = try ABI.decode(kind.layout.types, from: Array(call.dropFirst(4)))
        } catch {
            throw .malformed(error)
        }
        var words: [Bytes32] = []
        var auth: Auth?
        var entries: [SettleEntry] = []
        for value in values {
            switch value {
            case .bytes32(let word): words.append(word)
            case .tuple(let fields): auth = try Auth(fields)
            case .array(let tuples):
                entries = try tuples.map { value throws(LedgerCodingError) in try SettleEntry(value) }
            default: throw .valueOutOfRange
            }
        }
        var reader = WordReader(words)
        try self.init(kind, from: &reader, auth: auth, entries: entries)
        try reader.finish()
        guard self.contract == contract else { throw .unknownKind }
    }

    private var arguments: [ABIValue] {
        switch self {
        case .registerPasskey(let message, let assertion): values(message.fields, assertion)
        case .grantKey(let message, let auth): values(message.fields, auth)
        case .revokeKey(let message, let auth): values(message.fields, auth)
        case .changeRoot(let message, let auth): values(message.fields, auth)
        case .bumpGeneration(let message, let auth): values(message.fields, auth)
        case .requestWithdraw(let message, let auth): values(message.fields, auth)
        case .cancelWithdraw(let message, let auth): values(message.fields, auth)
        case .settle(let entries): [.array(entries.map(\.abiValue))]
        default: words.map { .bytes32($0) }
        }
    }

    private func values(_ words: [Bytes32], _ auth: Auth?) -> [ABIValue] {
        words.map { .bytes32($0) } + [(auth ?? .none).abiValue]
    }

    /// The arguments of a function that takes words only.
    private var words: [Bytes32] {
        switch self {
        case .transfer(let to, let amount): [to.word, amount.word]
        case .burn(let amount): [amount.word]
        case .registerWallet(let owner, let signature):
            [owner.word, signature?.r ?? .zero, signature?.s ?? .zero]
        case .registerAttested(let commitment): [commitment]
        case .grantKeyAttested(let user, let key, let kind, let validUntil, let cap):
            [user.word, key.word, kind.word, validUntil.word, cap.word]
        case .veto(let message, let signature):
            message.fields + [signature.r, signature.s, signature.x, signature.y]
        case .deposit(let user, let amount): [user.word, amount.word]
        case .depositWithPermit(let user, let owner, let amount, let deadline, let signature):
            [user.word, owner.word, amount.word, deadline.word, signature.r, signature.s]
        case .creditBonus(let user, let amount): [user.word, amount.word]
        case .expireBonus(let user), .completeWithdraw(let user), .grant(let user): [user.word]
        case .registerNode(let application):
            [
                application.kind.word, application.model, application.meta, application.payout.word,
                application.signer.word, application.commission.word, application.selfStake.word,
            ]
        case .setMeta(let node, let hash), .setModel(let node, let hash), .suspend(let node, let hash),
            .ban(let node, let hash):
            [node.word, hash]
        case .resume(let node), .exit(let node), .withdrawStake(let node), .harvest(let node), .claim(let node):
            [node.word]
        case .setParameter(let name, let value): [name.word, value.word]
        case .sweep, .settle, .registerPasskey, .grantKey, .revokeKey, .changeRoot, .bumpGeneration, .requestWithdraw,
            .cancelWithdraw:
            []
        }
    }

    private init(
        _ kind: Kind,
        from words: inout WordReader,
        auth: Auth?,
        entries: [SettleEntry]
    ) throws(LedgerCodingError) {
        switch kind {
        case .transfer: self = .transfer(to: try words.next(), amount: try words.next())
        case .burn: self = .burn(amount: try words.next())
        case .registerWallet:
            self = .registerWallet(
                owner: try words.next(),
                signature: LedgerSignature(r: try words.next(), vs: try words.next()).unlessEmpty
            )
        case .registerPasskey:
            let message = RegisterPasskey(x: try words.next(), y: try words.next(), rpIDHash: try words.next())
            self = .registerPasskey(message, assertion: auth ?? .none)
        case .registerAttested: self = .registerAttested(commitment: try words.next())
        case .grantKey:
            let message = KeyGrant(
                user: try words.next(),
                key: try words.next(),
                kind: try words.next(),
                validUntil: try words.next(),
                cap: try words.next(),
                nonce: try words.next()
            )
            self = .grantKey(message, auth: auth)
        case .revokeKey:
            let message = KeyRevoke(user: try words.next(), key: try words.next(), nonce: try words.next())
            self = .revokeKey(message, auth: auth)
        case .changeRoot:
            let message = RootChange(
                user: try words.next(),
                root: try words.next(),
                kind: try words.next(),
                rpIDHash: try words.next(),
                add: try words.next(),
                nonce: try words.next()
            )
            self = .changeRoot(message, auth: auth)
        case .bumpGeneration:
            self = .bumpGeneration(BumpGeneration(user: try words.next(), nonce: try words.next()), auth: auth)
        case .grantKeyAttested:
            self = .grantKeyAttested(
                user: try words.next(),
                key: try words.next(),
                kind: try words.next(),
                validUntil: try words.next(),
                cap: try words.next()
            )
        case .veto:
            let message = KeyRevoke(user: try words.next(), key: try words.next(), nonce: try words.next())
            self = .veto(message, signature: try LedgerSignature(from: &words))
        case .deposit: self = .deposit(user: try words.next(), amount: try words.next())
        case .depositWithPermit:
            self = .depositWithPermit(
                user: try words.next(),
                owner: try words.next(),
                amount: try words.next(),
                deadline: try words.next(),
                signature: LedgerSignature(r: try words.next(), vs: try words.next())
            )
        case .creditBonus: self = .creditBonus(user: try words.next(), amount: try words.next())
        case .expireBonus: self = .expireBonus(user: try words.next())
        case .requestWithdraw:
            let message = Withdraw(
                user: try words.next(),
                amount: try words.next(),
                to: try words.next(),
                nonce: try words.next()
            )
            self = .requestWithdraw(message, auth: auth)
        case .cancelWithdraw:
            self = .cancelWithdraw(CancelWithdraw(user: try words.next(), nonce: try words.next()), auth: auth)
        case .completeWithdraw: self = .completeWithdraw(user: try words.next())
        case .settle: self = .settle(entries)
        case .registerNode:
            self = .registerNode(
                NodeApplication(
                    kind: try words.next(),
                    model: try words.next(),
                    meta: try words.next(),
                    payout: try words.next(),
                    signer: try words.next(),
                    commission: try words.next(),
                    selfStake: try words.next()
                )
            )
        case .setMeta: self = .setMeta(node: try words.next(), meta: try words.next())
        case .setModel: self = .setModel(node: try words.next(), model: try words.next())
        case .suspend: self = .suspend(node: try words.next(), reason: try words.next())
        case .resume: self = .resume(node: try words.next())
        case .exit: self = .exit(node: try words.next())
        case .ban: self = .ban(node: try words.next(), reason: try words.next())
        case .withdrawStake: self = .withdrawStake(node: try words.next())
        case .harvest: self = .harvest(node: try words.next())
        case .claim: self = .claim(node: try words.next())
        case .sweep: self = .sweep
        case .grant: self = .grant(user: try words.next())
        case .setParameter: self = .setParameter(try words.next(), value: try words.next())
        }
    }
}
