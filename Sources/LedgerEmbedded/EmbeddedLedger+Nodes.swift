public import Ledger

// Reads of stakes, reports and authority, from memory.
extension EmbeddedLedger {
    /// What stands behind a node.
    public func pool(_ node: NodeID) async throws(LedgerError) -> PoolRecord {
        look { $0.state.pools[node] } ?? PoolRecord()
    }

    /// What an address delegated to a node.
    public func stake(_ node: NodeID, of staker: Address) async throws(LedgerError) -> StakeRecord {
        look { core in
            guard let part = core.state.stakes[StakeName(node: node, staker: staker)] else { return StakeRecord() }
            return StakeRecord(shares: part.shares(in: core.state.pools[node] ?? PoolRecord()), since: part.time)
        }
    }

    /// What an address is taking out of a node's pool.
    public func exit(_ node: NodeID, of staker: Address) async throws(LedgerError) -> ExitRecord {
        look { core in
            guard let part = core.state.exits[StakeName(node: node, staker: staker)] else { return ExitRecord() }
            return ExitRecord(shares: part.shares(in: core.state.pools[node] ?? PoolRecord()), end: part.time)
        }
    }

    /// A node's newest valid row of the last seven epochs.
    public func status(_ node: NodeID) async throws(LedgerError) -> StatusRecord? {
        let epoch = time / StatusRecord.epochLength
        return look { $0.state.newestRow(of: node, before: epoch) }
    }

    /// A node's row of an epoch.
    public func status(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> StatusRecord? {
        look { $0.state.validRow(of: node, in: epoch) }
    }

    /// How far an epoch's report has come.
    public func epoch(_ epoch: UInt64) async throws(LedgerError) -> EpochRecord {
        look { $0.state.epochs[epoch] } ?? EpochRecord()
    }

    /// A node's reward for an epoch as the report stands.
    public func reward(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> RewardRecord {
        look { core in
            RewardRecord(
                amount: core.state.reward(of: node, in: epoch) ?? .zero,
                isClaimed: core.state.rewards[NodeEpoch(epoch: epoch, node: node)] != nil
            )
        }
    }

    /// The fees that deposits paid for a node in an epoch.
    public func fee(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> Nano {
        look { $0.state.fees[NodeEpoch(epoch: epoch, node: node)] } ?? .zero
    }

    /// Fees that were not swept to the treasury.
    public func fees() async throws(LedgerError) -> Nano {
        Nano(look { $0.state.counters[.fees] } ?? 0)
    }

    /// What the insurance holds.
    public func insurance() async throws(LedgerError) -> Nano {
        Nano(look { $0.state.counters[.insurance] } ?? 0)
    }

    /// Who owns a contract.
    public func owner(of contract: Contract) async throws(LedgerError) -> OwnerRecord {
        look { core in
            OwnerRecord(
                owner: core.state.seats[Seat(contract: contract, kind: .owner)] ?? .zero,
                pending: core.state.seats[Seat(contract: contract, kind: .pendingOwner)] ?? .zero
            )
        }
    }

    /// Who holds a role on a contract.
    public func holder(of role: Role, on contract: Contract) async throws(LedgerError) -> Address {
        look { $0.state.seats[Seat(contract: contract, kind: .role(role))] } ?? .zero
    }

    /// The second at which the newest pause of a contract ends or ended.
    public func pauseEnd(of contract: Contract) async throws(LedgerError) -> UInt64 {
        look { $0.state.pauses[contract] } ?? 0
    }

    /// A case of slashing.
    public func slashingCase(_ id: CaseID) async throws(LedgerError) -> CaseRecord? {
        look { $0.state.cases[id] }
    }

    /// A call in the timelock.
    public func queuedCall(_ id: CallID) async throws(LedgerError) -> QueuedCall? {
        look { $0.state.calls[id] }
    }

    /// A proposal to stakers.
    public func proposal(_ id: ProposalID) async throws(LedgerError) -> ProposalRecord? {
        look { $0.state.ballots[id] }
    }

    /// Whether stakers may propose calls of this function.
    public func isAllowed(_ function: FunctionSelector, of target: Address) async throws(LedgerError) -> Bool {
        look { $0.state.functions[FunctionName(target: target, function: function)] } ?? false
    }

    /// The address that the directory names, or zero.
    public func published(_ name: Bytes32) async throws(LedgerError) -> Address {
        look { $0.state.directory[name] } ?? .zero
    }
}
