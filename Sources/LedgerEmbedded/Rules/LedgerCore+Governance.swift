import Ledger

// The timelock and the governor (ledger specification, §5.8).
extension LedgerCore {
    mutating func queue(_ target: Address, _ call: [UInt8], by council: Address) throws(Reason) -> CallID {
        guard state.seats[Seat(contract: .timelock, kind: .role(.council))] == council else { throw .notAllowed }
        guard call.count <= QueuedCall.mostBytes else { throw .tooMany }
        guard contracts.contract(at: target) != nil else { throw .badAddress }
        let id = CallID(try next(.calls))
        let queued = QueuedCall(target: target, dataHash: Keccak256.hash(call), readyAt: try later(by: .timelock))
        state.calls[id] = queued
        emit(.queued(id: id, target: target, dataHash: queued.dataHash, readyAt: queued.readyAt))
        return id
    }

    /// Makes a queued call in the timelock's name; its refusal refuses all of it.
    mutating func execute(_ id: CallID, _ target: Address, _ call: [UInt8]) throws(Reason) {
        guard var queued = state.calls[id] else { throw .unknownCase }
        guard queued.state == .queued else { throw .alreadySettled }
        guard now >= queued.readyAt else { throw .tooEarly }
        guard now - queued.readyAt <= QueuedCall.lifetime else { throw .tooLate }
        guard target == queued.target, Keccak256.hash(call) == queued.dataHash,
            let contract = contracts.contract(at: target),
            let command = try? Command(contract: contract, call: call)
        else { throw .badData }
        queued.state = .executed
        state.calls[id] = queued
        try perform(command, as: .timelock)
        emit(.executed(id: id))
    }

    mutating func cancel(_ id: CallID) throws(Reason) {
        guard holds(.guardian, on: .timelock) || holds(.council, on: .timelock) else { throw .notAllowed }
        guard var queued = state.calls[id] else { throw .unknownCase }
        guard queued.state == .queued else { throw .alreadySettled }
        queued.state = .cancelled
        state.calls[id] = queued
        emit(.cancelled(id: id))
    }

    // MARK: Votes

    mutating func allow(_ function: FunctionName, _ isAllowed: Bool) throws(Reason) {
        try requireOwner(of: .governor)
        state.functions[function] = isAllowed ? true : nil
        emit(.functionAllowed(target: function.target, function: function.function, isAllowed: isAllowed))
    }

    mutating func propose(
        _ target: Address,
        _ call: [UInt8],
        _ description: Bytes32,
        _ nodes: [NodeID]
    ) throws(Reason) {
        guard call.count <= QueuedCall.mostBytes, nodes.count <= ProposalRecord.mostNodes else { throw .tooMany }
        // Each stake counts once.
        guard zip(nodes, nodes.dropFirst()).allSatisfy({ $0 < $1 }) else { throw .badData }
        let total = Nano(state.counters[.staked] ?? 0)
        let own = nodes.reduce(UInt128(0)) { $0 + UInt128(weight(of: caller, in: $1, at: now).count) }
        guard own != 0, own * 100 >= UInt128(total.count) else { throw .insufficient }
        guard let function = FunctionSelector(call: call),
            state.functions[FunctionName(target: target, function: function)] == true
        else { throw .notOnTheList }
        let (endsAt, overflow) = now.addingReportingOverflow(ProposalRecord.votingTime)
        guard !overflow else { throw .overflow }
        let id = ProposalID(try next(.ballots))
        let proposal = ProposalRecord(
            proposer: caller,
            target: target,
            dataHash: Keccak256.hash(call),
            description: description,
            snapshot: now,
            total: total,
            endsAt: endsAt
        )
        state.ballots[id] = proposal
        emit(
            .proposed(
                id: id,
                proposer: caller,
                target: target,
                dataHash: proposal.dataHash,
                description: description,
                endsAt: endsAt
            )
        )
    }

    /// What a staker's part of a pool is worth, unless it was added to after that second.
    private func weight(of staker: Address, in node: NodeID, at snapshot: UInt64) -> Nano {
        guard let record = state.nodes[node], let pool = state.pools[node],
            let part = state.stakes[StakeName(node: node, staker: staker)], part.time <= snapshot
        else { return .zero }
        return pool.worth(of: record.owner == staker ? pool.selfShares : part.shares(in: pool))
    }

    mutating func vote(_ id: ProposalID, _ support: Bool, _ nodes: [NodeID]) throws(Reason) {
        guard var proposal = state.ballots[id] else { throw .unknownCase }
        guard now < proposal.endsAt else { throw .tooLate }
        guard nodes.count <= ProposalRecord.mostNodes else { throw .tooMany }
        guard !nodes.isEmpty else { throw .insufficient }
        for node in nodes {
            let name = VoteName(proposal: id, node: node, voter: caller)
            guard state.votes[name] == nil else { throw .alreadyVoted }
            let weight = weight(of: caller, in: node, at: proposal.snapshot)
            guard weight != .zero else { throw .insufficient }
            guard let sum = (support ? proposal.yes : proposal.no).adding(weight) else { throw .overflow }
            if support { proposal.yes = sum } else { proposal.no = sum }
            state.votes[name] = weight
            emit(.voted(id: id, node: node, voter: caller, support: support, weight: weight))
        }
        state.ballots[id] = proposal
    }

    mutating func enact(_ id: ProposalID, _ target: Address, _ call: [UInt8]) throws(Reason) {
        guard var proposal = state.ballots[id] else { throw .unknownCase }
        guard now >= proposal.endsAt else { throw .tooEarly }
        guard !proposal.isEnacted else { throw .alreadySettled }
        guard target == proposal.target, Keccak256.hash(call) == proposal.dataHash else { throw .badData }
        let voted = UInt128(proposal.yes.count) + UInt128(proposal.no.count)
        guard voted * 10 >= UInt128(proposal.total.count) else { throw .noQuorum }
        guard proposal.yes > proposal.no else { throw .outvoted }
        proposal.isEnacted = true
        state.ballots[id] = proposal
        let queued = try queue(target, call, by: contracts[.governor])
        emit(.enacted(id: id, call: queued))
    }
}
