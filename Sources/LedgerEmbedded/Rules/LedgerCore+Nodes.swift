import Ledger

// Nodes (ledger specification, §5.3).
extension LedgerCore {
    mutating func registerNode(_ application: NodeApplication) throws(Reason) {
        guard application.payout != .zero, application.signer != .zero else { throw .badAddress }
        guard application.commission <= 10_000 else { throw .badCommission }
        guard application.selfStake >= state.parameters.minimumSelfStake(application.kind) else {
            throw .stakeTooSmall
        }
        guard state.signers[application.signer] == nil else { throw .signerTaken }
        let node = NodeID(try next(.nodes))
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
        try bond(node, from: caller, application.selfStake)
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

    mutating func setSigner(_ node: NodeID, _ signer: Address) throws(Reason) {
        var record = try ownNode(node)
        guard signer != .zero else { throw .badAddress }
        guard state.signers[signer] == nil else { throw .signerTaken }
        record.signer = signer
        state.signers[signer] = node
        state.nodes[node] = record
        emit(.signerSet(node: node, signer: signer))
    }

    mutating func proposePayout(_ node: NodeID, _ payout: Address) throws(Reason) {
        var record = try ownNode(node)
        guard payout != .zero else { throw .badAddress }
        record.pendingPayout = payout
        record.payoutReadyAt = try after(Self.payoutDelay)
        state.nodes[node] = record
        emit(.payoutProposed(node: node, payout: payout, readyAt: record.payoutReadyAt))
    }

    mutating func acceptPayout(_ node: NodeID) throws(Reason) {
        guard var record = state.nodes[node] else { throw .unknownNode }
        guard record.payoutReadyAt != 0 else { throw .nothingPending }
        guard now >= record.payoutReadyAt else { throw .tooEarly }
        record.payout = record.pendingPayout
        record.pendingPayout = .zero
        record.payoutReadyAt = 0
        state.nodes[node] = record
        emit(.payoutSet(node: node, payout: record.payout))
    }

    /// A cut holds at once and ends a rise that waits; a rise waits, so that stakers can leave before it.
    mutating func setCommission(_ node: NodeID, _ commission: UInt16) throws(Reason) {
        var record = try ownNode(node).current(at: now)
        guard commission <= 10_000 else { throw .badCommission }
        if commission > record.commission {
            record.nextCommission = commission
            record.commissionChangesAt = try after(Self.commissionDelay)
        } else {
            record.commission = commission
            record.nextCommission = 0
            record.commissionChangesAt = 0
        }
        state.nodes[node] = record
        let effectiveAt = record.commissionChangesAt == 0 ? now : record.commissionChangesAt
        emit(.commissionSet(node: node, commission: commission, effectiveAt: effectiveAt))
    }

    mutating func transferNode(_ node: NodeID, to owner: Address) throws(Reason) {
        var record = try ownNode(node)
        record.pendingOwner = owner
        state.nodes[node] = record
        emit(.nodeOwnerProposed(node: node, owner: owner))
    }

    mutating func acceptNode(_ node: NodeID) throws(Reason) {
        guard var record = state.nodes[node] else { throw .unknownNode }
        guard record.pendingOwner != .zero else { throw .nothingPending }
        guard record.pendingOwner == caller else { throw .notAllowed }
        record.owner = caller
        record.pendingOwner = .zero
        state.nodes[node] = record
        try adopt(node, by: caller)
        emit(.nodeOwnerSet(node: node, owner: caller))
    }

    mutating func exit(_ node: NodeID) throws(Reason) {
        var record = try ownNode(node)
        guard record.needsSelfStake else { throw .wrongStatus }
        record.exitEnd = try later(by: .unbonding)
        state.nodes[node] = record
        try unbondSelf(node, caller)
        try setStatus(node, .exiting, from: [.pending, .active, .suspended], .zero)
    }

    mutating func completeExit(_ node: NodeID) throws(Reason) {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard record.status == .exiting else { throw .wrongStatus }
        guard now >= record.exitEnd else { throw .tooEarly }
        try setStatus(node, .exited, from: [.exiting], .zero)
    }

    mutating func setCompute(_ node: NodeID, _ units: UInt64) throws(Reason) {
        try require(.attester, on: .nodeRegistry)
        guard var record = state.nodes[node] else { throw .unknownNode }
        guard record.computeSetAt == 0 || now - record.computeSetAt >= Self.computeInterval else { throw .tooEarly }
        let old = record.computeUnits
        guard old == 0 || (units >= old / 2 && UInt128(units) <= 2 * UInt128(old))
        else { throw .stepTooLarge }
        record.computeUnits = units
        record.computeSetAt = now
        state.nodes[node] = record
        emit(.computeSet(node: node, units: units))
    }

    mutating func ban(_ node: NodeID, _ reason: Bytes32) throws(Reason) {
        try requireOwner(of: .nodeRegistry)
        try setStatus(node, .banned, from: [.pending, .active, .suspended, .exiting], reason)
    }

    /// Seconds before another payout address may be taken.
    private static let payoutDelay: UInt64 = 24 * 3_600
    /// Seconds before a rise of the commission holds.
    private static let commissionDelay: UInt64 = 7 * 86_400
    /// Seconds between two figures of what a node can compute.
    private static let computeInterval: UInt64 = 86_400

    private func after(_ delay: UInt64) throws(Reason) -> UInt64 {
        let (time, overflow) = now.addingReportingOverflow(delay)
        guard !overflow else { throw .overflow }
        return time
    }

    private func ownNode(_ node: NodeID) throws(Reason) -> NodeRecord {
        guard let record = state.nodes[node] else { throw .unknownNode }
        guard record.owner == caller else { throw .notAllowed }
        guard record.status != .exited, record.status != .banned else { throw .wrongStatus }
        return record
    }

    /// Moves a node from one status to another, and keeps count of the active ones.
    mutating func setStatus(
        _ node: NodeID,
        _ status: NodeStatus,
        from allowed: Set<NodeStatus>,
        _ reason: Bytes32
    ) throws(Reason) {
        guard var record = state.nodes[node] else { throw .unknownNode }
        guard allowed.contains(record.status) else { throw .wrongStatus }
        if record.status == .active { state.counters[.active] = (state.counters[.active] ?? 0) - 1 }
        if status == .active { state.counters[.active] = (state.counters[.active] ?? 0) + 1 }
        record.status = status
        state.nodes[node] = record
        emit(.statusChanged(node: node, status: status, reason: reason))
    }
}
