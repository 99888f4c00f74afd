public import Ledger

// Reads of the state: of the newest block where they choose a way, of the newest final one where they lead to paying.
extension EVMLedger {
    /// What a view answers, as so many words.
    private func answer(
        _ view: ContractView,
        _ count: Int,
        at tag: BlockTag = .latest
    ) async throws(LedgerError) -> AnswerReader {
        try await asking { client throws(RPCError) in
            let answer = try await client.call(CallMessage(to: self.contracts[view.contract], data: view.call), at: tag)
            return try AnswerReader(answer, count: count)
        }
    }

    private func read<Value>(_ body: () throws(RPCError) -> Value) throws(LedgerError) -> Value {
        do { return try body() } catch { throw LedgerError(.rpc(error)) }
    }

    // MARK: Users

    /// A user, or `nil` when the number was never given out.
    public func user(_ id: UserID) async throws(LedgerError) -> UserRecord? {
        var fields = try await answer(ContractView(.userRegistry, "user_of(uint64)", [id.word]), 4)
        return try read { () throws(RPCError) in
            guard let kind = try fields.kind(UserKind.self) else { return nil }
            return UserRecord(
                kind: kind,
                roots: try fields.number(),
                nonce: try fields.number(),
                created: try fields.number()
            )
        }
    }

    /// The user that a root belongs to.
    public func user(root: KeyID) async throws(LedgerError) -> UserID? {
        var fields = try await answer(ContractView(.userRegistry, "root_of(address)", [root.word]), 4)
        return try read { () throws(RPCError) in
            let number = try fields.number(UInt64.self)
            return number == 0 ? nil : UserID(number)
        }
    }

    /// A user's money.
    public func funds(_ id: UserID) async throws(LedgerError) -> Funds {
        let fields = try await answer(ContractView(.userRegistry, "funds_of(uint64)", [id.word]), 8)
        return try read { () throws(RPCError) in try Funds(fields) }
    }

    /// A session key, or `nil` when it was never granted.
    public func key(_ id: KeyID) async throws(LedgerError) -> KeyRecord? {
        var fields = try await answer(ContractView(.userRegistry, "key_of(address)", [id.word]), 6)
        return try read { () throws(RPCError) in
            let user = try fields.number(UInt64.self)
            guard user != 0, let kind = try fields.kind(KeyKind.self) else { return nil }
            return KeyRecord(
                user: UserID(user),
                validUntil: try fields.number(),
                kind: kind,
                generation: try fields.number(),
                cap: try fields.nano(),
                spent: try fields.nano()
            )
        }
    }

    /// What a key paid a node.
    public func channel(_ key: KeyID, _ node: NodeID) async throws(LedgerError) -> Channel {
        let view = ContractView(.userRegistry, "channel_of(address,uint64)", [key.word, node.word])
        var fields = try await answer(view, 2)
        return try read { () throws(RPCError) in Channel(paid: try fields.nano(), units: try fields.number()) }
    }

    /// What `settle` would answer to these entries in the next block.
    public func preview(_ entries: [SettleEntry]) async throws(LedgerError) -> [SettleStatus] {
        guard entries.count <= SettleEntry.mostInOneCall else { throw .tooMany(limit: SettleEntry.mostInOneCall) }
        // The same arguments as those of `settle`.
        let call =
            ABI.selector("preview((uint64,uint64,uint64,bytes32,bytes32,bytes32,bytes32,bytes32)[])")
            + Command.settle(entries).encoded().dropFirst(4)
        return try await asking { client throws(RPCError) in
            let answer = try await client.call(CallMessage(to: self.contracts[.userRegistry], data: call))
            guard case .array(let values)? = try? ABI.decode([.array(.uint(bits: 8))], from: answer).first,
                values.count == entries.count
            else { throw .malformed("preview answers no statuses") }
            return try values.map { value throws(RPCError) in
                guard case .uint(let number) = value, let raw = UInt8(exactly: number),
                    let status = SettleStatus(rawValue: raw)
                else { throw .malformed("preview answers an unknown status") }
                return status
            }
        }
    }

    // MARK: Nodes

    /// A node, or `nil` when the number was never given out.
    public func node(_ id: NodeID) async throws(LedgerError) -> NodeRecord? {
        var fields = try await answer(ContractView(.nodeRegistry, "node_of(uint64)", [id.word]), 17)
        return try read { () throws(RPCError) in
            let (owner, pendingOwner) = (try fields.address(), try fields.address())
            let (payout, pendingPayout, payoutAt) = (
                try fields.address(), try fields.address(), try fields.number(UInt64.self)
            )
            let signer = try fields.address()
            guard let kind = try fields.kind(NodeKind.self) else { return nil }
            let (model, meta) = (try fields.word(), try fields.word())
            let (commission, next, changesAt) = (
                try fields.number(UInt16.self), try fields.number(UInt16.self), try fields.number(UInt64.self)
            )
            let (compute, computeAt) = (try fields.number(UInt64.self), try fields.number(UInt64.self))
            guard let status = try fields.kind(NodeStatus.self) else { return nil }
            var node = NodeRecord(
                owner: owner,
                payout: payout,
                signer: signer,
                kind: kind,
                model: model,
                meta: meta,
                commission: commission,
                status: status,
                registered: try fields.number()
            )
            node.pendingOwner = pendingOwner
            node.pendingPayout = pendingPayout
            node.payoutReadyAt = payoutAt
            node.nextCommission = next
            node.commissionChangesAt = changesAt
            node.computeUnits = compute
            node.computeSetAt = computeAt
            node.exitEnd = try fields.number()
            return node
        }
    }

    /// The node that a signing address serves or served.
    public func node(signer: Address) async throws(LedgerError) -> NodeID? {
        var fields = try await answer(ContractView(.nodeRegistry, "node_of_signer(address)", [signer.word]), 1)
        return try read { () throws(RPCError) in
            let number = try fields.number(UInt64.self)
            return number == 0 ? nil : NodeID(number)
        }
    }

    /// What a node earned and did not yet claim, as far as it is final.
    public func earnings(_ id: NodeID) async throws(LedgerError) -> Earnings {
        let view = ContractView(.tokenomics, "earnings_of(uint64)", [id.word])
        let fields = try await answer(view, 3, at: .finalized)
        return try read { () throws(RPCError) in try Earnings(fields) }
    }

    /// What stands behind a node.
    public func pool(_ node: NodeID) async throws(LedgerError) -> PoolRecord {
        let fields = try await answer(ContractView(.staking, "pool_of(uint64)", [node.word]), 7)
        return try read { () throws(RPCError) in try PoolRecord(fields) }
    }

    /// What an address delegated to a node.
    public func stake(_ node: NodeID, of staker: Address) async throws(LedgerError) -> StakeRecord {
        var fields = try await answer(ContractView(.staking, "stake_of(uint64,address)", [node.word, staker.word]), 2)
        return try read { () throws(RPCError) in StakeRecord(shares: try fields.wide(), since: try fields.number()) }
    }

    /// What an address is taking out of a node's pool.
    public func exit(_ node: NodeID, of staker: Address) async throws(LedgerError) -> ExitRecord {
        var fields = try await answer(ContractView(.staking, "exit_of(uint64,address)", [node.word, staker.word]), 2)
        return try read { () throws(RPCError) in ExitRecord(shares: try fields.wide(), end: try fields.number()) }
    }

    // MARK: Status and rewards

    /// A node's newest valid row of the last seven epochs.
    public func status(_ node: NodeID) async throws(LedgerError) -> StatusRecord? {
        var fields = try await answer(ContractView(.networkStatus, "status_of(uint64)", [node.word]), 6)
        let epoch = try read { () throws(RPCError) in try fields.number(UInt64.self) }
        return epoch == 0 ? nil : try await status(node, in: epoch)
    }

    /// A node's row of an epoch.
    public func status(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> StatusRecord? {
        let view = ContractView(.networkStatus, "row_of(uint64,uint64)", [Bytes32(number: epoch), node.word])
        var fields = try await answer(view, 7)
        return try read { () throws(RPCError) in
            guard try fields.flag() else { return nil }
            return StatusRecord(
                epoch: epoch,
                uptime: try fields.number(),
                units: try fields.number(),
                health: try fields.number(),
                reputation: try fields.number(),
                latency: try fields.number(),
                compute: try fields.number()
            )
        }
    }

    /// How far an epoch's report has come.
    public func epoch(_ epoch: UInt64) async throws(LedgerError) -> EpochRecord {
        var fields = try await answer(ContractView(.networkStatus, "epoch_of(uint64)", [Bytes32(number: epoch)]), 5)
        return try read { () throws(RPCError) in
            EpochRecord(
                sealedAt: try fields.number(),
                round: try fields.number(),
                compute: try fields.wide(),
                units: try fields.wide(),
                count: try fields.number()
            )
        }
    }

    /// A node's reward for an epoch as the final report stands.
    public func reward(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> RewardRecord {
        let view = ContractView(.tokenomics, "reward_of(uint64,uint64)", [Bytes32(number: epoch), node.word])
        var fields = try await answer(view, 2, at: .finalized)
        return try read { () throws(RPCError) in RewardRecord(amount: try fields.nano(), isClaimed: try fields.flag()) }
    }

    /// The fees that users' deposits paid for a node in an epoch.
    public func fee(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> Nano {
        let view = ContractView(.tokenomics, "fee_of(uint64,uint64)", [Bytes32(number: epoch), node.word])
        return try await nano(view)
    }

    /// Fees that were not swept to the treasury.
    public func fees() async throws(LedgerError) -> Nano { try await nano(ContractView(.tokenomics, "fees()")) }

    /// What the insurance holds.
    public func insurance() async throws(LedgerError) -> Nano {
        try await nano(ContractView(.tokenomics, "insurance()"))
    }

    private func nano(_ view: ContractView) async throws(LedgerError) -> Nano {
        var fields = try await answer(view, 1, at: .finalized)
        return try read { () throws(RPCError) in try fields.nano() }
    }

    // MARK: Tokens

    /// The tokens of an account; the account of zero holds what was burned, as on the local ledger.
    public func account(_ address: Address) async throws(LedgerError) -> TokenAmount {
        let view =
            address == .zero
            ? ContractView(.laiToken, "burned()") : ContractView(.laiToken, "balanceOf(address)", [address.word])
        var fields = try await answer(view, 1)
        return try read { () throws(RPCError) in TokenAmount(units: try fields.wide()) }
    }

    /// The nonce that the next permit of an account must carry.
    public func permitNonce(_ address: Address) async throws(LedgerError) -> UInt64 {
        var fields = try await answer(ContractView(.laiToken, "nonces(address)", [address.word]), 1)
        return try read { () throws(RPCError) in try fields.number() }
    }

    // MARK: Authority

    /// The figures that govern the rules.
    public func parameters() async throws(LedgerError) -> Parameters {
        let names = Parameters.Name.allCases
        let calls = names.map { name in
            let view = ContractView(name.contract, "parameter(bytes32)", [name.word])
            return CallMessage(to: contracts[view.contract], data: view.call)
        }
        let figures = try await asking { client throws(RPCError) in
            try await client.call(calls, at: .latest).map { answer throws(RPCError) in
                var fields = try AnswerReader(try answer.accepted(), count: 1)
                return try fields.number(UInt64.self)
            }
        }
        var parameters = Parameters()
        for (name, figure) in zip(names, figures) { parameters[name] = figure }
        return parameters
    }

    /// Who owns a contract; nobody owns the token.
    public func owner(of contract: Contract) async throws(LedgerError) -> OwnerRecord {
        guard contract != .laiToken else { return OwnerRecord() }
        var owner = try await answer(ContractView(contract, "owner()"), 1)
        var pending = try await answer(ContractView(contract, "pending_owner()"), 1)
        return try read { () throws(RPCError) in
            OwnerRecord(owner: try owner.address(), pending: try pending.address())
        }
    }

    /// Who holds a role on a contract.
    public func holder(of role: Role, on contract: Contract) async throws(LedgerError) -> Address {
        guard contract != .laiToken else { return .zero }
        var fields = try await answer(ContractView(contract, "role_of(bytes32)", [role.word]), 1)
        return try read { () throws(RPCError) in try fields.address() }
    }

    /// The second at which the newest pause of a contract ends or ended.
    public func pauseEnd(of contract: Contract) async throws(LedgerError) -> UInt64 {
        guard Pause.contracts.contains(contract) else { return 0 }
        var fields = try await answer(ContractView(contract, "paused_until()"), 1)
        return try read { () throws(RPCError) in try fields.number() }
    }

    /// A case of slashing, as far as it is final.
    public func slashingCase(_ id: CaseID) async throws(LedgerError) -> CaseRecord? {
        let view = ContractView(.slashing, "case_of(uint64)", [Bytes32(number: id.number)])
        let fields = try await answer(view, 9, at: .finalized)
        return try read { () throws(RPCError) in try CaseRecord(fields) }
    }

    /// A call in the timelock, or `nil` when the number was never given out.
    public func queuedCall(_ id: CallID) async throws(LedgerError) -> QueuedCall? {
        var fields = try await answer(ContractView(.timelock, "entry_of(uint64)", [Bytes32(number: id.number)]), 4)
        return try read { () throws(RPCError) in
            let (target, hash, readyAt) = (try fields.address(), try fields.word(), try fields.number(UInt64.self))
            guard let state = try fields.kind(QueueState.self) else { return nil }
            return QueuedCall(target: target, dataHash: hash, readyAt: readyAt, state: state)
        }
    }

    /// A proposal to stakers, or `nil` when the number was never given out.
    public func proposal(_ id: ProposalID) async throws(LedgerError) -> ProposalRecord? {
        var fields = try await answer(ContractView(.governor, "proposal_of(uint64)", [Bytes32(number: id.number)]), 10)
        return try read { () throws(RPCError) in
            let proposal = ProposalRecord(
                proposer: try fields.address(),
                target: try fields.address(),
                dataHash: try fields.word(),
                description: try fields.word(),
                snapshot: try fields.number(),
                total: try fields.nano(),
                endsAt: try fields.number(),
                yes: try fields.nano(),
                no: try fields.nano(),
                isEnacted: try fields.flag()
            )
            return proposal.proposer == .zero ? nil : proposal
        }
    }

    /// Whether stakers may propose calls of this function.
    public func isAllowed(_ function: FunctionSelector, of target: Address) async throws(LedgerError) -> Bool {
        var selector = [UInt8](repeating: 0, count: 32)
        for index in 0..<4 { selector[index] = UInt8(truncatingIfNeeded: function.number >> UInt32(24 - 8 * index)) }
        let view = ContractView(.governor, "is_allowed(address,bytes4)", [target.word, Bytes32(selector) ?? .zero])
        var fields = try await answer(view, 1)
        return try read { () throws(RPCError) in try fields.flag() }
    }

    /// The address that the directory names, or zero.
    public func published(_ name: Bytes32) async throws(LedgerError) -> Address {
        var fields = try await answer(ContractView(.directory, "at(bytes32)", [name]), 1)
        return try read { () throws(RPCError) in try fields.address() }
    }
}
