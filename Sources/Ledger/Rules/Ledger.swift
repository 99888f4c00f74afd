/// Money and registration: the single source of truth (ledger specification, §9).
///
/// A local database and an EVM chain implement it with the same rules, names, reasons and status codes. Nothing in it
/// speaks of gas or SQL, and no caller may depend on which one it talks to.
public protocol Ledger: Sendable {
    /// The domain under which messages for this ledger are signed, so that none is valid on another (§3).
    var domain: TypedDomain { get }

    /// The addresses of the contracts, which are token accounts as well.
    var contracts: ContractAddresses { get }

    /// The newest block.
    func head() async throws(LedgerError) -> LedgerHead

    /// Hands in a command.
    ///
    /// On a chain the caller is the sender of the transaction, which its signature proves. The local ledger takes the caller's
    /// word: whoever embeds it authenticates callers first. Commands that carry a user's signature are checked by the
    /// ledger whoever calls.
    ///
    /// - Parameter id: sending again under the same name does nothing and gives the first answer, also a refusal; what is
    ///   to be tried anew needs a fresh name.
    /// - Returns: the outcome so far. A local ledger answers when the command is on disk; a chain answers `pending`.
    func submit(_ command: Command, caller: Address, id: SubmissionID) async throws(LedgerError) -> Submission

    /// What became of a command, or `nil` when the ledger never saw it.
    func outcome(_ id: SubmissionID) async throws(LedgerError) -> Outcome?

    /// Events after a place, oldest first; `nil` begins with the first of all.
    ///
    /// - Parameter limit: the most events in the answer; the ledger may have a lower bound of its own.
    func events(after cursor: Cursor?, limit: Int) async throws(LedgerError) -> EventPage

    /// The newest events, newest first.
    func newestEvents(limit: Int) async throws(LedgerError) -> [LedgerEvent]

    /// A user, or `nil` when the number was never given out.
    func user(_ id: UserID) async throws(LedgerError) -> UserRecord?

    /// The user that a root belongs to.
    func user(root: KeyID) async throws(LedgerError) -> UserID?

    /// A user's money; all zero for a user that does not exist, as on chain.
    func funds(_ id: UserID) async throws(LedgerError) -> Funds

    /// A session key, or `nil` when it was never granted.
    func key(_ id: KeyID) async throws(LedgerError) -> KeyRecord?

    /// What a key paid a node; all zero where there was nothing, as on chain.
    func channel(_ key: KeyID, _ node: NodeID) async throws(LedgerError) -> Channel

    /// A node, or `nil` when the number was never given out.
    func node(_ id: NodeID) async throws(LedgerError) -> NodeRecord?

    /// The node that a signing address serves or served.
    func node(signer: Address) async throws(LedgerError) -> NodeID?

    /// What a node earned and did not yet claim.
    func earnings(_ id: NodeID) async throws(LedgerError) -> Earnings

    /// What stands behind a node; all zero for a node that does not exist, as on chain.
    func pool(_ node: NodeID) async throws(LedgerError) -> PoolRecord

    /// What an address delegated to a node.
    ///
    /// The stake of a node's owner is the pool's ``PoolRecord/selfShares``; its record here has no shares and says since when
    /// it stands.
    func stake(_ node: NodeID, of staker: Address) async throws(LedgerError) -> StakeRecord

    /// What an address is taking out of a node's pool.
    func exit(_ node: NodeID, of staker: Address) async throws(LedgerError) -> ExitRecord

    /// A node's newest valid row of the last seven epochs, or `nil` where there is none.
    func status(_ node: NodeID) async throws(LedgerError) -> StatusRecord?

    /// A node's row of an epoch, or `nil` where there is none that is valid; rows are kept for 90 epochs at least.
    func status(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> StatusRecord?

    /// How far an epoch's report has come.
    func epoch(_ epoch: UInt64) async throws(LedgerError) -> EpochRecord

    /// A node's reward for an epoch as the report stands.
    func reward(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> RewardRecord

    /// The fees that users' deposits paid for a node in an epoch, which bound its reward.
    func fee(_ node: NodeID, in epoch: UInt64) async throws(LedgerError) -> Nano

    /// Fees that were not swept to the treasury.
    func fees() async throws(LedgerError) -> Nano

    /// What the insurance holds.
    func insurance() async throws(LedgerError) -> Nano

    /// The tokens of an account.
    func account(_ address: Address) async throws(LedgerError) -> TokenAmount

    /// The nonce that the next permit of an account must carry (EIP-2612).
    func permitNonce(_ address: Address) async throws(LedgerError) -> UInt64

    /// What `settle` would answer to these entries at this moment. Changes nothing.
    func preview(_ entries: [SettleEntry]) async throws(LedgerError) -> [SettleStatus]

    /// The figures that govern the rules (§8).
    func parameters() async throws(LedgerError) -> Parameters

    /// Who owns a contract; nobody owns the token.
    func owner(of contract: Contract) async throws(LedgerError) -> OwnerRecord

    /// Who holds a role on a contract; zero where the contract has no such role.
    func holder(of role: Role, on contract: Contract) async throws(LedgerError) -> Address

    /// The second at which the newest pause of a contract ends or ended; zero where it was never paused.
    func pauseEnd(of contract: Contract) async throws(LedgerError) -> UInt64

    /// A case of slashing, or `nil` when the number was never given out.
    func slashingCase(_ id: CaseID) async throws(LedgerError) -> CaseRecord?

    /// A call in the timelock, or `nil` when the number was never given out.
    func queuedCall(_ id: CallID) async throws(LedgerError) -> QueuedCall?

    /// A proposal to stakers, or `nil` when the number was never given out.
    func proposal(_ id: ProposalID) async throws(LedgerError) -> ProposalRecord?

    /// Whether stakers may propose calls of this function.
    func isAllowed(_ function: FunctionSelector, of target: Address) async throws(LedgerError) -> Bool

    /// The address that the directory names, or zero.
    func published(_ name: Bytes32) async throws(LedgerError) -> Address

    /// Every balance there is, for audits and demonstrations.
    func balances() async throws(LedgerError) -> Balances
}

/// Why a ledger could not answer.
///
/// That a command was refused is an ``Outcome`` and no error.
public enum LedgerError: Error, Hashable, Sendable {
    /// More commands wait than the ledger holds in memory. Send again later under the same name.
    case overloaded
    /// The ledger is closed.
    case closed
    /// The ledger was opened for reading only, since it did not verify; the text says what was found.
    case readOnly(String)
    /// The submission's name is that of the genesis. Send under another name.
    case reservedName
    /// More was asked for than one call allows.
    case tooMany(limit: Int)
    /// The ledger holds no key for this caller, so that it cannot sign the caller's transactions.
    case noKey(Address)
    /// The database or the endpoint failed. What was sent may have been done: ask for the outcome.
    case unavailable(String)
}
