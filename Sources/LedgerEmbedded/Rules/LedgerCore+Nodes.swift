import Ledger

// Nodes, their stake and what they earn (ledger specification, §5.3 to §5.6).
extension LedgerCore {
    mutating func registerNode(_ application: NodeApplication) throws(Reason) {
        guard application.payout != .zero, application.signer != .zero else { throw .badAddress }
        guard application.commission <= 10_000 else { throw .badCommission }
        guard application.selfStake >= state.parameters.minimumSelfStake(application.kind) else {
            throw .stakeTooSmall
        }
        guard state.signers[application.signer] == nil else { throw .signerTaken }
        let (number, overflow) = (state.counters[.nodes] ?? 0).addingReportingOverflow(1)
        guard !overflow else { throw .overflow }
        let node = NodeID(number)
        try move(TokenAmount(application.selfStake), from: caller, to: contracts[.staking])
        state.counters[.nodes] = number
        state.signers[application.signer] = node
        state.nodes[node] = NodeRecord(
            owner: caller,
            payout: application.payout,
            signer: application.signer,
            kind: application.kind,
            model: application.model,
            meta: application.meta,
            commission: application.commission,
            status: .pending,
            registered: now
        )
        state.pools[node] = PoolRecord(selfStake: application.selfStake)
        emit(.selfStaked(node: node, amount: application.selfStake))
        emit(
            .nodeRegistered(
                node: node,
                owner: caller,
                kind: application.kind,
                model: application.model,
                meta: application.meta,
                payout: application.payout,
                signer: application.signer,
                commission: application.commission
            )
        )
    }

    mutating func setMeta(_ node: NodeID, _ meta: Bytes32) throws(Reason) {
        var record = try ownNode(node)
        record.meta = meta
        state.nodes[node] = record
        emit(.metaSet(node: node, meta: meta))
    }

    mutating func setModel(_ node: NodeID, _ model: Bytes32) throws(Reason) {
        var record = try ownNode(node)
        record.model = model
        state.nodes[node] = record
        emit(.modelSet(node: node, model: model))
    }

    mutating func suspend(_ node: NodeID, _ reason: Bytes32) throws(Reason) {
        guard caller == genesis.roles.reporter else { throw .notAllowed }
        try setStatus(node, .suspended, from: [.active], reason)
    }

    mutating func resume(_ node: NodeID) throws(Reason) {
        guard caller == genesis.roles.reporter else { throw .notAllowed }
        try setStatus(node, .active, from: [.pending, .suspended], .zero)
    }

    mutating func ban(_ node: NodeID, _ reason: Bytes32) throws(Reason) {
        guard caller == genesis.roles.owner else { throw .notAllowed }
        try setStatus(node, .banned, from: [.pending, .active, .suspended, .exiting], reason)
    }

    mutating func exit(_ node: NodeID) throws(Reason) {
        _ = try ownNode(node)
        try setStatus(node, .exiting, from: [.pending, .active, .suspended], .zero)
        var pool = state.pools[node] ?? PoolRecord()
        pool.exitEnd = try later(by: .unbonding)
        state.pools[node] = pool
        emit(.exitRequested(node: node, endsAt: pool.exitEnd))
    }

    mutating func withdrawStake(_ node: NodeID) throws(Reason) {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard record.status == .exiting else { throw .wrongStatus }
        var pool = state.pools[node] ?? PoolRecord()
        guard now >= pool.exitEnd else { throw .tooEarly }
        let amount = pool.selfStake.clampedSubtracting(pool.lockedStake)
        pool.selfStake = pool.lockedStake
        pool.exitEnd = 0
        state.pools[node] = pool
        if amount != .zero {
            try move(TokenAmount(amount), from: contracts[.staking], to: record.owner)
        }
        emit(.stakeWithdrawn(node: node, to: record.owner, amount: amount))
        try setStatus(node, .exited, from: [.exiting], .zero)
    }

    /// Nobody delegates to nodes on this ledger, so that all that was earned is the owner's.
    mutating func harvest(_ node: NodeID) throws(Reason) {
        guard state.nodes[node] != nil else { throw .unknownNode }
        guard var earnings = state.earnings[node], earnings.earned != .zero || earnings.bonusEarned != .zero else {
            return
        }
        let (earned, bonus) = (earnings.earned, earnings.bonusEarned)
        var pool = state.pools[node] ?? PoolRecord()
        guard let claimable = earnings.claimable.adding(earned), let stake = pool.selfStake.adding(bonus),
            let locked = pool.lockedStake.adding(bonus)
        else { throw .overflow }
        earnings = Earnings(claimable: claimable)
        state.earnings[node] = earnings
        if bonus != .zero {
            pool.selfStake = stake
            pool.lockedStake = locked
            state.pools[node] = pool
            try move(TokenAmount(bonus), from: contracts[.tokenomics], to: contracts[.staking])
        }
        emit(.harvested(node: node, claimable: earned, stake: bonus))
    }

    mutating func claim(_ node: NodeID) throws(Reason) {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard var earnings = state.earnings[node], earnings.claimable != .zero else { return }
        let amount = earnings.claimable
        earnings.claimable = .zero
        state.earnings[node] = earnings
        try move(TokenAmount(amount), from: contracts[.tokenomics], to: record.payout)
        emit(.claimed(node: node, to: record.payout, amount: amount))
    }

    mutating func sweep() throws(Reason) {
        let fees = Nano(state.counters[.fees] ?? 0)
        guard fees != .zero else { return }
        let share = UInt128(fees.count) * UInt128(parameter(.burnBPS)) / 10_000
        let burned = min(Nano(UInt64(clamping: share)), fees)
        let rest = fees.clampedSubtracting(burned)
        state.counters[.fees] = 0
        if rest != .zero {
            try move(TokenAmount(rest), from: contracts[.tokenomics], to: contracts[.treasury])
        }
        if burned != .zero {
            try move(TokenAmount(burned), from: contracts[.tokenomics], to: .zero)
        }
        emit(.swept(amount: rest, burned: burned))
    }

    private func ownNode(_ node: NodeID) throws(Reason) -> NodeRecord {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard record.owner == caller else { throw .notAllowed }
        guard record.status != .exited, record.status != .banned else { throw .wrongStatus }
        return record
    }

    private mutating func setStatus(
        _ node: NodeID,
        _ status: NodeStatus,
        from allowed: Set<NodeStatus>,
        _ reason: Bytes32
    ) throws(Reason) {
        guard var record = state.nodes[node] else { throw .unknownNode }
        guard allowed.contains(record.status) else { throw .wrongStatus }
        record.status = status
        state.nodes[node] = record
        emit(.statusChanged(node: node, status: status, reason: reason))
    }
}
