import Ledger

// Offences and their penalties (ledger specification, §5.7).
extension LedgerCore {
    mutating func proveReceipts(_ first: Receipt, _ second: Receipt) throws(Reason) {
        guard first.node == second.node, first.session == second.session, first.seq == second.seq,
            first.structHash != second.structHash
        else { throw .notAnOffence }
        try checkSigners([first.node, second.node])
        try checkAge([first.finishedAt, second.finishedAt])
        let node = first.node
        let key = evidenceKey("receipts", [.uint(node.number), .bytes32(first.session), .uint(first.seq)])
        try punish(node, for: .receipts, key)
    }

    mutating func proveOvercharge(_ quote: Quote, _ receipt: Receipt) throws(Reason) {
        let fair = quote.price.cost(inputTokens: receipt.inputTokens, outputTokens: receipt.outputTokens)
        // What needs more than 64 bits is above every cost.
        guard receipt.quote == quote.structHash, receipt.node == quote.node, let fair, receipt.cost > fair else {
            throw .notAnOffence
        }
        try checkSigners([quote.node, receipt.node])
        try checkAge([receipt.finishedAt])
        try punish(quote.node, for: .overcharge, evidenceKey("overcharge", [.bytes32(receipt.structHash)]))
    }

    mutating func proveProbes(_ first: Probe, _ second: Probe) throws(Reason) {
        guard first.node == second.node, first.challenge == second.challenge, first.status != second.status else {
            throw .notAnOffence
        }
        try checkSigners([first.node, second.node])
        try checkAge([first.at, second.at])
        let key = evidenceKey("probes", [.uint(first.node.number), .bytes32(first.challenge)])
        try punish(first.node, for: .probes, key)
    }

    /// Checks that addresses signed the messages in progress that serve, or served, these nodes.
    private func checkSigners(_ nodes: [NodeID]) throws(Reason) {
        guard witness.entries.count == nodes.count else { throw .badSignature }
        for (signer, node) in zip(witness.entries, nodes) {
            guard let signer, state.signers[signer.address] == node else { throw .badSignature }
        }
    }

    private func checkAge(_ times: [UInt64]) throws(Reason) {
        for time in times {
            guard time <= now, now - time <= CaseRecord.evidenceAge else { throw .tooOld }
        }
    }

    private func evidenceKey(_ offence: String, _ values: [ABIValue]) -> Bytes32 {
        Keccak256.hash(ABI.encode([.string(offence)] + values))
    }

    private mutating func punish(_ node: NodeID, for offence: Offence, _ evidence: Bytes32) throws(Reason) {
        guard state.evidence[evidence] == nil else { throw .alreadyPunished }
        let id = try nextCase()
        state.evidence[evidence] = id
        let record = CaseRecord(
            offence: offence,
            node: node,
            reporter: caller,
            amount: .zero,
            evidence: evidence,
            time: now,
            bps: offence.penalty,
            bond: .zero,
            state: .escrowed
        )
        try slash(id, record)
    }

    /// Takes the penalty of a case.
    private mutating func slash(_ id: CaseID, _ proposed: CaseRecord) throws(Reason) {
        var record = proposed
        record.amount = try slash(record.node, bps: UInt64(record.bps))
        record.time = now
        record.state = .escrowed
        state.cases[id] = record
        emit(
            .slashed(
                id: id,
                node: record.node,
                reporter: record.reporter,
                offence: record.offence,
                amount: record.amount,
                evidence: record.evidence
            )
        )
    }

    private mutating func nextCase() throws(Reason) -> CaseID { CaseID(try next(.cases)) }

    /// The next number of a series.
    mutating func next(_ counter: Counter) throws(Reason) -> UInt64 {
        let (number, overflow) = (state.counters[counter] ?? 0).addingReportingOverflow(1)
        guard !overflow else { throw .overflow }
        state.counters[counter] = number
        return number
    }

    /// A case whose penalty was taken.
    private func takenCase(_ id: CaseID) throws(Reason) -> CaseRecord {
        guard let record = state.cases[id], record.state != .proposed, record.state != .vetoed else {
            throw .unknownCase
        }
        return record
    }

    /// Ten per cent to who proved it, forty to the insurance, the rest burned.
    ///
    /// No one who decides receives anything: what
    /// the committee's member would get goes to the insurance.
    mutating func releaseSlash(_ id: CaseID) throws(Reason) {
        var record = try takenCase(id)
        guard now - record.time >= CaseRecord.escrowTime else { throw .tooEarly }
        guard record.state == .escrowed else { throw .alreadySettled }
        let tenth = share(of: record.amount, bps: 1_000)
        let reward = record.offence == .quality ? Nano.zero : tenth
        let insured = share(of: record.amount, bps: 4_000)
            .clampedAdding(tenth.clampedSubtracting(reward))
        let burned = record.amount.clampedSubtracting(reward).clampedSubtracting(insured)
        record.state = .released
        state.cases[id] = record
        try leaveEscrow(record.amount)
        try pay(reward, from: .staking, to: record.reporter)
        try pay(insured, from: .staking, to: contracts[.tokenomics])
        try insure(insured)
        try burn(burned, from: .staking)
        emit(.slashReleased(id: id, reward: reward, insured: insured, burned: burned))
    }

    mutating func giveBackSlash(_ id: CaseID) throws(Reason) {
        try requireOwner(of: .slashing)
        var record = try takenCase(id)
        guard record.state == .escrowed else { throw .alreadySettled }
        record.state = .returned
        state.cases[id] = record
        try unescrow(record.node, record.amount)
        emit(.slashReturned(id: id, amount: record.amount))
    }

    // MARK: Quality

    mutating func proposeQuality(_ node: NodeID, _ bps: UInt16, _ evidence: Bytes32) throws(Reason) {
        try require(.committee, on: .slashing)
        guard state.nodes[node] != nil else { throw .unknownNode }
        guard (1...Offence.quality.penalty).contains(bps) else { throw .outOfBounds }
        guard state.evidence[evidence] == nil else { throw .alreadyPunished }
        let id = try nextCase()
        let assets = state.pools[node]?.assets ?? .zero
        let bond = max(Nano(1), share(of: assets, bps: 100))
        let (readyAt, overflow) = now.addingReportingOverflow(CaseRecord.vetoTime)
        guard let bonds = Nano(state.counters[.bonds] ?? 0).adding(bond), !overflow else { throw .overflow }
        state.counters[.bonds] = bonds.count
        state.evidence[evidence] = id
        state.cases[id] = CaseRecord(
            offence: .quality,
            node: node,
            reporter: caller,
            amount: .zero,
            evidence: evidence,
            time: readyAt,
            bps: bps,
            bond: bond,
            state: .proposed
        )
        try move(TokenAmount(bond), from: caller, to: contracts[.slashing])
        emit(
            .qualityProposed(id: id, node: node, bps: bps, evidence: evidence, bond: bond, readyAt: readyAt)
        )
    }

    private func qualityCase(_ id: CaseID) throws(Reason) -> CaseRecord {
        guard let record = state.cases[id], record.offence == .quality else { throw .unknownCase }
        return record
    }

    private mutating func returnBond(_ bond: Nano, to target: Address) throws(Reason) {
        guard let rest = Nano(state.counters[.bonds] ?? 0).subtracting(bond) else { throw .insufficient }
        state.counters[.bonds] = rest.count
        try pay(bond, from: .slashing, to: target)
    }

    mutating func vetoQuality(_ id: CaseID) throws(Reason) {
        try require(.guardian, on: .slashing)
        var record = try qualityCase(id)
        guard now < record.time else { throw .tooLate }
        guard record.state == .proposed else { throw .alreadySettled }
        record.state = .vetoed
        state.cases[id] = record
        try returnBond(record.bond, to: contracts[.tokenomics])
        try insure(record.bond)
        emit(.qualityVetoed(id: id))
    }

    mutating func executeQuality(_ id: CaseID) throws(Reason) {
        let record = try qualityCase(id)
        guard now >= record.time else { throw .tooEarly }
        guard record.state == .proposed else { throw .alreadySettled }
        var lost = state.quality[record.node] ?? QualityRecord(epoch: epoch, bps: 0)
        if lost.epoch != epoch { lost = QualityRecord(epoch: epoch, bps: 0) }
        lost.bps += UInt64(record.bps)
        guard lost.bps <= UInt64(Offence.quality.penalty) else { throw .epochCapReached }
        state.quality[record.node] = lost
        try returnBond(record.bond, to: record.reporter)
        try slash(id, record)
    }
}
