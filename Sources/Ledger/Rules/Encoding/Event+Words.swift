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
            [
                node.word, owner.word, kind.word, model, meta, payout.word, signer.word, commission.word,
            ]
        case .metaSet(let node, let meta): [node.word, meta]
        case .modelSet(let node, let model): [node.word, model]
        case .signerSet(let node, let signer): [node.word, signer.word]
        case .payoutProposed(let node, let payout, let readyAt): [node.word, payout.word, readyAt.word]
        case .payoutSet(let node, let payout): [node.word, payout.word]
        case .commissionSet(let node, let commission, let effectiveAt): [node.word, commission.word, effectiveAt.word]
        case .nodeOwnerProposed(let node, let owner): [node.word, owner.word]
        case .nodeOwnerSet(let node, let owner): [node.word, owner.word]
        case .computeSet(let node, let units): [node.word, units.word]
        case .statusChanged(let node, let status, let reason): [node.word, status.word, reason]
        case .reported(let epoch, let evidence, let rows):
            [epoch.word, evidence, Self.rowsOffset, UInt64(rows.count).word] + rows.map(\.packed)
        case .sealed(let epoch, let finalAt): [epoch.word, finalAt.word]
        case .reportRejected(let epoch): [epoch.word]
        case .staked(let node, let staker, let amount, let shares): [node.word, staker.word, amount.word, shares.word]
        case .exitRequested(let node, let staker, let shares, let amount, let exitShares, let endsAt):
            [node.word, staker.word, shares.word, amount.word, exitShares.word, endsAt.word]
        case .stakeWithdrawn(let node, let staker, let amount): [node.word, staker.word, amount.word]
        case .stakeSlashed(let node, let fromPool, let fromUnbonding): [node.word, fromPool.word, fromUnbonding.word]
        case .collected(let node, let gross, let bonus, let fee): [node.word, gross.word, bonus.word, fee.word]
        case .harvested(let node, let claimable, let pool, let stake):
            [node.word, claimable.word, pool.word, stake.word]
        case .claimed(let node, let to, let amount): [node.word, to.word, amount.word]
        case .swept(let amount, let burned): [amount.word, burned.word]
        case .rewardClaimed(let epoch, let node, let amount): [epoch.word, node.word, amount.word]
        case .insurancePaid(let to, let amount): [to.word, amount.word]
        case .slashed(let id, let node, let reporter, let offence, let amount, let evidence):
            [id.word, node.word, reporter.word, offence.word, amount.word, evidence]
        case .slashReleased(let id, let reward, let insured, let burned):
            [id.word, reward.word, insured.word, burned.word]
        case .slashReturned(let id, let amount): [id.word, amount.word]
        case .qualityProposed(let id, let node, let bps, let evidence, let bond, let readyAt):
            [id.word, node.word, bps.word, evidence, bond.word, readyAt.word]
        case .qualityVetoed(let id): [id.word]
        case .granted(let user, let amount): [user.word, amount.word]
        case .paid(let to, let amount): [to.word, amount.word]
        case .parameterSet(let name, let value): [name, value.word]
        case .ownerProposed(_, let owner): [owner.word]
        case .ownerChanged(_, let owner): [owner.word]
        case .roleSet(_, let role, let holder): [role, holder.word]
        case .paused(_, let until): [until.word]
        case .unpaused: []
        case .queued(let id, let target, let dataHash, let readyAt): [id.word, target.word, dataHash, readyAt.word]
        case .executed(let id): [id.word]
        case .cancelled(let id): [id.word]
        case .functionAllowed(let target, let function, let isAllowed): [target.word, function.word, isAllowed.word]
        case .proposed(let id, let proposer, let target, let dataHash, let description, let endsAt):
            [id.word, proposer.word, target.word, dataHash, description, endsAt.word]
        case .voted(let id, let node, let voter, let support, let weight):
            [id.word, node.word, voter.word, support.word, weight.word]
        case .enacted(let id, let call): [id.word, call.word]
        case .published(let name, let at): [name, at.word]
        }
    }

    /// Where the list of rows begins behind the evidence: one word further.
    private static let rowsOffset = UInt64(64).word

    /// Takes the fields out of words, in the order of the declaration.
    init(_ kind: Kind, of contract: Contract, from words: inout WordReader) throws(LedgerCodingError) {
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
        case .signerSet: self = .signerSet(node: try words.next(), signer: try words.next())
        case .payoutProposed:
            self = .payoutProposed(node: try words.next(), payout: try words.next(), readyAt: try words.next())
        case .payoutSet: self = .payoutSet(node: try words.next(), payout: try words.next())
        case .commissionSet:
            self = .commissionSet(node: try words.next(), commission: try words.next(), effectiveAt: try words.next())
        case .nodeOwnerProposed: self = .nodeOwnerProposed(node: try words.next(), owner: try words.next())
        case .nodeOwnerSet: self = .nodeOwnerSet(node: try words.next(), owner: try words.next())
        case .computeSet: self = .computeSet(node: try words.next(), units: try words.next())
        case .statusChanged:
            self = .statusChanged(node: try words.next(), status: try words.next(), reason: try words.next())
        case .reported: self = .reported(epoch: try words.next(), evidence: try words.next(), rows: try words.rows())
        case .sealed: self = .sealed(epoch: try words.next(), finalAt: try words.next())
        case .reportRejected: self = .reportRejected(epoch: try words.next())
        case .staked:
            self = .staked(
                node: try words.next(),
                staker: try words.next(),
                amount: try words.next(),
                shares: try words.next()
            )
        case .exitRequested:
            self = .exitRequested(
                node: try words.next(),
                staker: try words.next(),
                shares: try words.next(),
                amount: try words.next(),
                exitShares: try words.next(),
                endsAt: try words.next()
            )
        case .stakeWithdrawn:
            self = .stakeWithdrawn(node: try words.next(), staker: try words.next(), amount: try words.next())
        case .stakeSlashed:
            self = .stakeSlashed(node: try words.next(), fromPool: try words.next(), fromUnbonding: try words.next())
        case .collected:
            self = .collected(
                node: try words.next(),
                gross: try words.next(),
                bonus: try words.next(),
                fee: try words.next()
            )
        case .harvested:
            self = .harvested(
                node: try words.next(),
                claimable: try words.next(),
                pool: try words.next(),
                stake: try words.next()
            )
        case .claimed: self = .claimed(node: try words.next(), to: try words.next(), amount: try words.next())
        case .swept: self = .swept(amount: try words.next(), burned: try words.next())
        case .rewardClaimed:
            self = .rewardClaimed(epoch: try words.next(), node: try words.next(), amount: try words.next())
        case .insurancePaid: self = .insurancePaid(to: try words.next(), amount: try words.next())
        case .slashed:
            self = .slashed(
                id: try words.next(),
                node: try words.next(),
                reporter: try words.next(),
                offence: try words.next(),
                amount: try words.next(),
                evidence: try words.next()
            )
        case .slashReleased:
            self = .slashReleased(
                id: try words.next(),
                reward: try words.next(),
                insured: try words.next(),
                burned: try words.next()
            )
        case .slashReturned: self = .slashReturned(id: try words.next(), amount: try words.next())
        case .qualityProposed:
            self = .qualityProposed(
                id: try words.next(),
                node: try words.next(),
                bps: try words.next(),
                evidence: try words.next(),
                bond: try words.next(),
                readyAt: try words.next()
            )
        case .qualityVetoed: self = .qualityVetoed(id: try words.next())
        case .granted: self = .granted(user: try words.next(), amount: try words.next())
        case .paid: self = .paid(to: try words.next(), amount: try words.next())
        case .parameterSet: self = .parameterSet(name: try words.next(), value: try words.next())
        case .ownerProposed: self = .ownerProposed(contract, owner: try words.next())
        case .ownerChanged: self = .ownerChanged(contract, owner: try words.next())
        case .roleSet: self = .roleSet(contract, role: try words.next(), holder: try words.next())
        case .paused: self = .paused(contract, until: try words.next())
        case .unpaused: self = .unpaused(contract)
        case .queued:
            self = .queued(
                id: try words.next(),
                target: try words.next(),
                dataHash: try words.next(),
                readyAt: try words.next()
            )
        case .executed: self = .executed(id: try words.next())
        case .cancelled: self = .cancelled(id: try words.next())
        case .functionAllowed:
            self = .functionAllowed(target: try words.next(), function: try words.next(), isAllowed: try words.next())
        case .proposed:
            self = .proposed(
                id: try words.next(),
                proposer: try words.next(),
                target: try words.next(),
                dataHash: try words.next(),
                description: try words.next(),
                endsAt: try words.next()
            )
        case .voted:
            self = .voted(
                id: try words.next(),
                node: try words.next(),
                voter: try words.next(),
                support: try words.next(),
                weight: try words.next()
            )
        case .enacted: self = .enacted(id: try words.next(), call: try words.next())
        case .published: self = .published(name: try words.next(), at: try words.next())
        }
    }
}

extension WordReader {
    /// A list at the end of the fields: where it begins, how long it is, and what is in it.
    fileprivate mutating func rows() throws(LedgerCodingError) -> [ReportRow] {
        guard try next() as UInt64 == 64 else { throw .valueOutOfRange }
        let count: UInt64 = try next()
        let rows: [ReportRow] = try rest()
        guard UInt64(rows.count) == count else { throw .wrongLength }
        return rows
    }
}
