import Ledger
import LedgerConformance

/// A ledger with a planted fault: it keeps the fee rounded down, where the rules round it up.
///
/// Everything else is another ledger's. It shows that a differential run finds such a thing.
private struct MisroundedLedger: Ledger {
    let base: any Ledger

    var domain: TypedDomain { base.domain }
    var contracts: ContractAddresses { base.contracts }

    private func misround(_ outcome: Outcome) -> Outcome {
        guard case .final(var inclusion) = outcome else { return outcome }
        inclusion.events = inclusion.events.map { event in
            guard case .collected(let node, let gross, let bonus, let fee) = event,
                !(gross.count * 500).isMultiple(of: 10_000), gross.count * 500 / 10_000 == fee.count - 1
            else { return event }
            return .collected(node: node, gross: gross, bonus: bonus, fee: Nano(fee.count - 1))
        }
        return .final(inclusion)
    }

    func head() async throws(LedgerError) -> LedgerHead {
        try await base.head()
    }

    func submit(_ command: Command, caller: Address, id: SubmissionID) async throws(LedgerError) -> Submission {
        var submission = try await base.submit(command, caller: caller, id: id)
        submission.outcome = misround(submission.outcome)
        return submission
    }

    func outcome(_ id: SubmissionID) async throws(LedgerError) -> Outcome? {
        try await base.outcome(id).map { misround($0) }
    }

    func events(after cursor: Cursor?, limit: Int) async throws(LedgerError) -> EventPage {
        try await base.events(after: cursor, limit: limit)
    }

    func newestEvents(limit: Int) async throws(LedgerError) -> [LedgerEvent] {
        try await base.newestEvents(limit: limit)
    }

    func user(_ id: UserID) async throws(LedgerError) -> UserRecord? {
        try await base.user(id)
    }

    func user(root: KeyID) async throws(LedgerError) -> UserID? {
        try await base.user(root: root)
    }

    func funds(_ id: UserID) async throws(LedgerError) -> Funds {
        try await base.funds(id)
    }

    func key(_ id: KeyID) async throws(LedgerError) -> KeyRecord? {
        try await base.key(id)
    }

    func channel(_ key: KeyID, _ node: NodeID) async throws(LedgerError) -> Channel {
        try await base.channel(key, node)
    }

    func node(_ id: NodeID) async throws(LedgerError) -> NodeRecord? {
        try await base.node(id)
    }

    func node(signer: Address) async throws(LedgerError) -> NodeID? {
        try await base.node(signer: signer)
    }

    func earnings(_ id: NodeID) async throws(LedgerError) -> Earnings {
        try await base.earnings(id)
    }

    func pool(_ node: NodeID) async throws(LedgerError) -> PoolRecord {
        try await base.pool(node)
    }

    func stake(_ node: NodeID, of staker: Address) async throws(LedgerError) -> StakeRecord {
        try await base.stake(node, of: staker)
    }

    func exit(_ node: NodeID, of staker: Address) async throws(LedgerError) -> ExitRecord {
        try await base.exit(node, of: staker)
    }

    func status(_ node: NodeID) async throws(LedgerError) -> StatusRecord? {
        try await base.status(node)
    }

    func status(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> StatusRecord? {
        try await base.status(node, in: epoch)
    }

    func epoch(_ epoch: UInt64) async throws(LedgerError) -> EpochRecord {
        try await base.epoch(epoch)
    }

    func reward(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> RewardRecord {
        try await base.reward(node, in: epoch)
    }

    func fee(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> Nano {
        try await base.fee(node, in: epoch)
    }

    func fees() async throws(LedgerError) -> Nano {
        try await base.fees()
    }

    func insurance() async throws(LedgerError) -> Nano {
        try await base.insurance()
    }

    func account(_ address: Address) async throws(LedgerError) -> TokenAmount {
        try await base.account(address)
    }

    func permitNonce(_ address: Address) async throws(LedgerError) -> UInt64 {
        try await base.permitNonce(address)
    }

    func preview(_ entries: [SettleEntry]) async throws(LedgerError) -> [SettleStatus] {
        try await base.preview(entries)
    }

    func parameters() async throws(LedgerError) -> Parameters {
        try await base.parameters()
    }

    func owner(of contract: Contract) async throws(LedgerError) -> OwnerRecord {
        try await base.owner(of: contract)
    }

    func holder(of role: Role, on contract: Contract) async throws(LedgerError) -> Address {
        try await base.holder(of: role, on: contract)
    }

    func pauseEnd(of contract: Contract) async throws(LedgerError) -> UInt64 {
        try await base.pauseEnd(of: contract)
    }

    func slashingCase(_ id: CaseID) async throws(LedgerError) -> CaseRecord? {
        try await base.slashingCase(id)
    }

    func queuedCall(_ id: CallID) async throws(LedgerError) -> QueuedCall? {
        try await base.queuedCall(id)
    }

    func proposal(_ id: ProposalID) async throws(LedgerError) -> ProposalRecord? {
        try await base.proposal(id)
    }

    func isAllowed(_ function: FunctionSelector, of target: Address) async throws(LedgerError) -> Bool {
        try await base.isAllowed(function, of: target)
    }

    func published(_ name: Bytes32) async throws(LedgerError) -> Address {
        try await base.published(name)
    }

    func balances() async throws(LedgerError) -> Balances {
        try await base.balances()
    }
}

/// Local ledgers with the planted fault.
struct MisroundedStages: StageFactory {
    func play(_ beginning: Beginning, _ scene: @Sendable (Stage) async throws -> Void) async throws {
        try await LocalStages().play(beginning) { stage in
            try await scene(try await Stage(MisroundedLedger(base: stage.ledger), stage.backstage, beginning))
        }
    }
}
