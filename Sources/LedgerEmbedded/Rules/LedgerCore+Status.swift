import Ledger

// Reports on nodes (ledger specification, §5.4).
extension LedgerCore {
    mutating func report(_ reported: UInt64, _ evidence: Bytes32, _ rows: [ReportRow]) throws(Reason) {
        try require(.reporter, on: .networkStatus)
        guard rows.count <= ReportRow.mostInOneCall else { throw .tooMany }
        guard reported < epoch else { throw .tooEarly }
        guard epoch - reported < Self.reportLife else { throw .tooLate }
        var record = state.epochs[reported] ?? EpochRecord()
        guard record.sealedAt == 0 else { throw .sealed }
        var clamped: [ReportRow] = []
        clamped.reserveCapacity(rows.count)
        for row in rows {
            guard let node = state.nodes[row.node] else { throw .unknownNode }
            guard row.uptime <= 10_000, row.health <= 10_000, row.reputation <= 10_000 else { throw .outOfBounds }
            guard state.validRow(of: row.node, in: reported) == nil else { throw .alreadyReported }
            let row = clamp(row, in: reported)
            let compute = countedCompute(node.computeUnits, of: row.node)
            let status = StatusRecord(
                epoch: reported,
                uptime: row.uptime,
                units: row.units,
                health: row.health,
                reputation: row.reputation,
                latency: row.latency,
                compute: compute
            )
            state.reports[ReportPlace(row.node, epoch: reported)] = ReportedRow(status: status, round: record.round)
            record.compute += UInt128(compute)
            record.units += UInt128(row.units)
            record.count += 1
            clamped.append(row)
        }
        state.epochs[reported] = record
        emit(.reported(epoch: reported, evidence: evidence, rows: clamped))
    }

    /// An epoch may be reported for less than this many epochs.
    private static let reportLife: UInt64 = 90

    /// The compute that has stake behind it.
    private func countedCompute(_ units: UInt64, of node: NodeID) -> UInt64 {
        min(units, (state.pools[node]?.assets.count ?? 0) / max(parameter(.stakePerUnit), 1))
    }

    /// Keeps the reputation within a step of what it was: what a stolen key of the reporter could do in one epoch.
    private func clamp(_ row: ReportRow, in reported: UInt64) -> ReportRow {
        let before = state.newestRow(of: row.node, before: reported)?.reputation ?? StatusRecord.firstReputation
        var row = row
        let step = StatusRecord.reputationStep
        row.reputation = min(max(row.reputation, before - min(before, step)), before + step)
        return row
    }

    mutating func seal(_ reported: UInt64) throws(Reason) {
        try require(.reporter, on: .networkStatus)
        guard reported < epoch else { throw .tooEarly }
        var record = state.epochs[reported] ?? EpochRecord()
        guard record.sealedAt == 0 else { throw .sealed }
        guard record.count != 0 else { throw .nothingReported }
        record.sealedAt = now
        state.epochs[reported] = record
        let (finalAt, overflow) = now.addingReportingOverflow(EpochRecord.rejectionTime)
        guard !overflow else { throw .overflow }
        emit(.sealed(epoch: reported, finalAt: finalAt))
    }

    /// Voids a sealed report, once an epoch: the reporter reports again.
    mutating func reject(_ reported: UInt64) throws(Reason) {
        try require(.guardian, on: .networkStatus)
        let record = state.epochs[reported] ?? EpochRecord()
        guard record.sealedAt != 0 else { throw .notSealed }
        guard !record.isFinal(at: now) else { throw .tooLate }
        guard record.round == 0 else { throw .alreadyRejected }
        state.epochs[reported] = EpochRecord(round: 1)
        emit(.reportRejected(epoch: reported))
    }

    /// Takes a node out, of the active ones at most a fifth in an epoch, but always one.
    mutating func suspend(_ node: NodeID, _ reason: Bytes32) throws(Reason) {
        try require(.reporter, on: .networkStatus)
        let suspended = state.counters[.suspensionEpoch] == epoch ? state.counters[.suspensions] ?? 0 : 0
        let active = state.counters[.active] ?? 0
        guard suspended + 1 <= max(1, (active + suspended) / 5) else { throw .tooManySuspensions }
        try setStatus(node, .suspended, from: [.active], reason)
        state.counters[.suspensionEpoch] = epoch
        state.counters[.suspensions] = suspended + 1
    }

    mutating func resume(_ node: NodeID) throws(Reason) {
        try require(.reporter, on: .networkStatus)
        try setStatus(node, .active, from: [.pending, .suspended], .zero)
    }
}

extension LedgerState {
    /// A node's row of an epoch, unless there is none or the report was rejected since.
    func validRow(of node: NodeID, in epoch: UInt64) -> StatusRecord? {
        guard let row = reports[ReportPlace(node, epoch: epoch)], row.status.epoch == epoch,
            row.round == epochs[epoch]?.round ?? 0
        else { return nil }
        return row.status
    }

    /// A node's newest valid row of the seven epochs before one.
    func newestRow(of node: NodeID, before epoch: UInt64) -> StatusRecord? {
        for back in 1...Self.rowLife where back <= epoch {
            if let row = validRow(of: node, in: epoch - back) { return row }
        }
        return nil
    }

    /// A row says how a node does for this many epochs.
    private static let rowLife: UInt64 = 7
}
