extension Event {
    /// The fields as words, in the order of the declaration.
    var words: [Bytes32] {
        switch self {
        case .transfer(let from, let to, let value): [from.word, to.word, value.word]
        case .userRegistered(let user, let kind, let credential): [user.word, kind.word, credential]
        case .rootChanged(let user, let root, let kind, let rpIDHash, let isAdded):
            [user.word, root.word, kind.word, rpIDHash, isAdded.word]
        case .keyGranted(let user, let key, let kind, let validUntil, let cap):
            [user.word, key.word, kind.word, validUntil.word, cap.word]
        case .keyProposed(let user, let key, let kind, let validUntil, let cap, let readyAt):
            [user.word, key.word, kind.word, validUntil.word, cap.word, readyAt.word]
        case .keyVetoed(let user, let key): [user.word, key.word]
        case .keyRevoked(let user, let key, let validUntil): [user.word, key.word, validUntil.word]
        case .generationBumped(let user, let generation, let endsAt): [user.word, generation.word, endsAt.word]
        case .deposited(let user, let from, let amount): [user.word, from.word, amount.word]
        case .bonusCredited(let user, let amount, let expires): [user.word, amount.word, expires.word]
        case .bonusExpired(let user, let amount): [user.word, amount.word]
        case .withdrawRequested(let user, let to, let amount, let thawEnd):
            [user.word, to.word, amount.word, thawEnd.word]
        case .withdrawCancelled(let user, let amount): [user.word, amount.word]
        case .withdrawn(let user, let to, let amount): [user.word, to.word, amount.word]
        case .settled(let key, let node, let amount, let paid, let units, let receipts):
            [key.word, node.word, amount.word, paid.word, units.word, receipts]
        case .rejected(let index, let status): [index.word, status.word]
        case .nodeRegistered(let node, let owner, let kind, let model, let meta, let payout, let signer, let commission):
            [node.word, owner.word, kind.word, model, meta, payout.word, signer.word, commission.word]
        case .metaSet(let node, let meta): [node.word, meta]
        case .modelSet(let node, let model): [node.word, model]
        case .statusChanged(let node, let status, let reason): [node.word, status.word, reason]
        case .selfStaked(let node, let amount): [node.word, amount.word]
        case .exitRequested(let node, let endsAt): [node.word, endsAt.word]
        case .stakeWithdrawn(let node, let to, let amount): [node.word, to.word, amount.word]
        case .collected(let node, let gross, let bonus, let fee): [node.word, gross.word, bonus.word, fee.word]
        case .harvested(let node, let claimable, let stake): [node.word, claimable.word, stake.word]
        case .claimed(let node, let to, let amount): [node.word, to.word, amount.word]
        case .swept(let amount, let burned): [amount.word, burned.word]
        case .granted(let user, let amount): [user.word, amount.word]
        case .parameterSet(let name, let value): [name, value.word]
        }
    }

    /// Takes the fields out of words, in the order of the declaration.
    init(_ kind: Kind, from words: inout WordReader) throws(LedgerCodingError) {
        switch kind {
        case .transfer: self = .transfer(from: try words.next(), to: try words.next(), value: try words.next())
        case .userRegistered:
            self = .userRegistered(user: try words.next(), kind: try words.next(), credential: try words.next())
        case .rootChanged:
            self = .rootChanged(
                user: try words.next(),
                root: try words.next(),
                kind: try words.next(),
                rpIDHash: try words.next(),
                isAdded: try words.next()
            )
        case .keyGranted:
            self = .keyGranted(
                user: try words.next(),
                key: try words.next(),
                kind: try words.next(),
                validUntil: try words.next(),
                cap: try words.next()
            )
        case .keyProposed:
            self = .keyProposed(
                user: try words.next(),
                key: try words.next(),
                kind: try words.next(),
                validUntil: try words.next(),
                cap: try words.next(),
                readyAt: try words.next()
            )
        case .keyVetoed: self = .keyVetoed(user: try words.next(), key: try words.next())
        case .keyRevoked:
            self = .keyRevoked(user: try words.next(), key: try words.next(), validUntil: try words.next())
        case .generationBumped:
            self = .generationBumped(user: try words.next(), generation: try words.next(), endsAt: try words.next())
        case .deposited: self = .deposited(user: try words.next(), from: try words.next(), amount: try words.next())
        case .bonusCredited:
            self = .bonusCredited(user: try words.next(), amount: try words.next(), expires: try words.next())
        case .bonusExpired: self = .bonusExpired(user: try words.next(), amount: try words.next())
        case .withdrawRequested:
            self = .withdrawRequested(
                user: try words.next(),
                to: try words.next(),
                amount: try words.next(),
                thawEnd: try words.next()
            )
        case .withdrawCancelled: self = .withdrawCancelled(user: try words.next(), amount: try words.next())
        case .withdrawn: self = .withdrawn(user: try words.next(), to: try words.next(), amount: try words.next())
        case .settled:
            self = .settled(
                key: try words.next(),
                node: try words.next(),
                amount: try words.next(),
                paid: try words.next(),
                units: try words.next(),
                receipts: try words.next()
            )
        case .rejected: self = .rejected(index: try words.next(), status: try words.next())
        case .nodeRegistered:
            self = .nodeRegistered(
                node: try words.next(),
                owner: try words.next(),
                kind: try words.next(),
                model: try words.next(),
                meta: try words.next(),
                payout: try words.next(),
                signer: try words.next(),
                commission: try words.next()
            )
        case .metaSet: self = .metaSet(node: try words.next(), meta: try words.next())
        case .modelSet: self = .modelSet(node: try words.next(), model: try words.next())
        case .statusChanged:
            self = .statusChanged(node: try words.next(), status: try words.next(), reason: try words.next())
        case .selfStaked: self = .selfStaked(node: try words.next(), amount: try words.next())
        case .exitRequested: self = .exitRequested(node: try words.next(), endsAt: try words.next())
        case .stakeWithdrawn:
            self = .stakeWithdrawn(node: try words.next(), to: try words.next(), amount: try words.next())
        case .collected:
            self = .collected(
                node: try words.next(),
                gross: try words.next(),
                bonus: try words.next(),
                fee: try words.next()
            )
        case .harvested:
            self = .harvested(node: try words.next(), claimable: try words.next(), stake: try words.next())
        case .claimed: self = .claimed(node: try words.next(), to: try words.next(), amount: try words.next())
        case .swept: self = .swept(amount: try words.next(), burned: try words.next())
        case .granted: self = .granted(user: try words.next(), amount: try words.next())
        case .parameterSet: self = .parameterSet(name: try words.next(), value: try words.next())
        }
    }
}
