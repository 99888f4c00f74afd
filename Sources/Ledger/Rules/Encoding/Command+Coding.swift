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
            values = try ABI.decode(kind.types, from: Array(call.dropFirst(4)))
        } catch {
            throw .malformed(error)
        }
        var arguments = ArgumentReader(values)
        try self.init(kind, of: contract, from: &arguments)
        try arguments.finish()
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
        case .report(let epoch, let evidence, let rows):
            [.bytes32(epoch.word), .bytes32(evidence), .array(rows.map { .bytes32($0.packed) })]
        case .queue(let target, let call): [.bytes32(target.word), .bytes(call)]
        case .executeQueued(let id, let target, let call):
            [.bytes32(id.word), .bytes32(target.word), .bytes(call)]
        case .enact(let id, let target, let call): [.bytes32(id.word), .bytes32(target.word), .bytes(call)]
        case .propose(let target, let call, let description, let nodes):
            [.bytes32(target.word), .bytes(call), .bytes32(description), list(nodes)]
        case .vote(let id, let support, let nodes): [.bytes32(id.word), .bytes32(support.word), list(nodes)]
        default: words.map { .bytes32($0) }
        }
    }

    private func list(_ nodes: [NodeID]) -> ABIValue { .array(nodes.map { .bytes32($0.word) }) }

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
        case .setSigner(let node, let address), .proposePayout(let node, let address),
            .transferNode(let node, let address):
            [node.word, address.word]
        case .setCommission(let node, let commission): [node.word, commission.word]
        case .setCompute(let node, let units): [node.word, units.word]
        case .acceptPayout(let node), .acceptNode(let node), .completeExit(let node), .resume(let node),
            .exit(let node), .withdrawStake(let node), .harvest(let node), .claim(let node):
            [node.word]
        case .seal(let epoch), .reject(let epoch): [epoch.word]
        case .stake(let node, let amount): [node.word, amount.word]
        case .requestExit(let node, let shares): [node.word, shares.word]
        case .claimReward(let epoch, let node): [epoch.word, node.word]
        case .payInsurance(let to, let amount), .payFromTreasury(let to, let amount): [to.word, amount.word]
        case .proveReceipts(let first, let second): first.words + second.words
        case .proveOvercharge(let quote, let receipt): quote.words + receipt.words
        case .proveProbes(let first, let second): first.words + second.words
        case .releaseSlash(let id), .giveBackSlash(let id), .vetoQuality(let id), .executeQuality(let id): [id.word]
        case .proposeQuality(let node, let bps, let evidence): [node.word, bps.word, evidence]
        case .setParameter(let name, let value): [name.word, value.word]
        case .proposeOwner(_, let owner): [owner.word]
        case .setRole(_, let role, let holder): [role.word, holder.word]
        case .cancelQueued(let id): [id.word]
        case .allowFunction(let target, let function, let isAllowed):
            [target.word, function.word, isAllowed.word]
        case .publish(let name, let address): [name, address.word]
        case .sweep, .acceptOwner, .pause, .unpause, .settle, .report, .queue, .executeQueued, .enact, .propose, .vote,
            .registerPasskey, .grantKey, .revokeKey, .changeRoot, .bumpGeneration, .requestWithdraw, .cancelWithdraw:
            []
        }
    }

    private init(
        _ kind: Kind,
        of contract: Contract,
        from words: inout ArgumentReader
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
            self = .registerPasskey(message, assertion: try words.auth() ?? .none)
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
            self = .grantKey(message, auth: try words.auth())
        case .revokeKey:
            let message = KeyRevoke(user: try words.next(), key: try words.next(), nonce: try words.next())
            self = .revokeKey(message, auth: try words.auth())
        case .changeRoot:
            let message = RootChange(
                user: try words.next(),
                root: try words.next(),
                kind: try words.next(),
                rpIDHash: try words.next(),
                add: try words.next(),
                nonce: try words.next()
            )
            self = .changeRoot(message, auth: try words.auth())
        case .bumpGeneration:
            self = .bumpGeneration(
                BumpGeneration(user: try words.next(), nonce: try words.next()),
                auth: try words.auth()
            )
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
            self = .veto(message, signature: try words.signature())
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
            self = .requestWithdraw(message, auth: try words.auth())
        case .cancelWithdraw:
            self = .cancelWithdraw(
                CancelWithdraw(user: try words.next(), nonce: try words.next()),
                auth: try words.auth()
            )
        case .completeWithdraw: self = .completeWithdraw(user: try words.next())
        case .settle: self = .settle(try words.entries())
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
        case .setSigner: self = .setSigner(node: try words.next(), signer: try words.next())
        case .proposePayout: self = .proposePayout(node: try words.next(), payout: try words.next())
        case .acceptPayout: self = .acceptPayout(node: try words.next())
        case .setCommission: self = .setCommission(node: try words.next(), commission: try words.next())
        case .transferNode: self = .transferNode(node: try words.next(), to: try words.next())
        case .acceptNode: self = .acceptNode(node: try words.next())
        case .completeExit: self = .completeExit(node: try words.next())
        case .setCompute: self = .setCompute(node: try words.next(), units: try words.next())
        case .report:
            self = .report(epoch: try words.next(), evidence: try words.next(), rows: try words.list())
        case .seal: self = .seal(epoch: try words.next())
        case .reject: self = .reject(epoch: try words.next())
        case .stake: self = .stake(node: try words.next(), amount: try words.next())
        case .requestExit: self = .requestExit(node: try words.next(), shares: try words.next())
        case .withdrawStake: self = .withdrawStake(node: try words.next())
        case .harvest: self = .harvest(node: try words.next())
        case .claim: self = .claim(node: try words.next())
        case .sweep: self = .sweep
        case .claimReward: self = .claimReward(epoch: try words.next(), node: try words.next())
        case .payInsurance: self = .payInsurance(to: try words.next(), amount: try words.next())
        case .proveReceipts: self = .proveReceipts(try words.receipt(), try words.receipt())
        case .proveOvercharge: self = .proveOvercharge(try words.quote(), try words.receipt())
        case .proveProbes: self = .proveProbes(try words.probe(), try words.probe())
        case .releaseSlash: self = .releaseSlash(try words.next())
        case .giveBackSlash: self = .giveBackSlash(try words.next())
        case .proposeQuality:
            self = .proposeQuality(node: try words.next(), bps: try words.next(), evidence: try words.next())
        case .vetoQuality: self = .vetoQuality(try words.next())
        case .executeQuality: self = .executeQuality(try words.next())
        case .grant: self = .grant(user: try words.next())
        case .payFromTreasury: self = .payFromTreasury(to: try words.next(), amount: try words.next())
        case .setParameter: self = .setParameter(try words.next(), value: try words.next())
        case .proposeOwner:
            guard contract != .laiToken else { throw .unknownKind }
            self = .proposeOwner(contract, owner: try words.next())
        case .acceptOwner:
            guard contract != .laiToken else { throw .unknownKind }
            self = .acceptOwner(contract)
        case .setRole:
            guard contract != .laiToken else { throw .unknownKind }
            self = .setRole(contract, try words.next(), holder: try words.next())
        case .pause:
            guard Pause.contracts.contains(contract) else { throw .unknownKind }
            self = .pause(contract)
        case .unpause:
            guard Pause.contracts.contains(contract) else { throw .unknownKind }
            self = .unpause(contract)
        case .queue: self = .queue(target: try words.next(), call: try words.bytes())
        case .executeQueued:
            self = .executeQueued(try words.next(), target: try words.next(), call: try words.bytes())
        case .cancelQueued: self = .cancelQueued(try words.next())
        case .allowFunction:
            self = .allowFunction(target: try words.next(), try words.next(), isAllowed: try words.next())
        case .propose:
            self = .propose(
                target: try words.next(),
                call: try words.bytes(),
                description: try words.next(),
                nodes: try words.list()
            )
        case .vote: self = .vote(try words.next(), support: try words.next(), nodes: try words.list())
        case .enact: self = .enact(try words.next(), target: try words.next(), call: try words.bytes())
        case .publish: self = .publish(name: try words.next(), at: try words.next())
        }
    }
}
