import Ledger

extension Command {
    /// The command that was handed in.
    init?(_ submission: StoredSubmission, _ contracts: ContractAddresses) {
        guard let contract = contracts.contract(at: submission.contract),
            let command = try? Command(contract: contract, call: submission.call)
        else { return nil }
        self = command
    }

    /// The tokens that the command takes from its caller, and who takes them.
    func pull(_ contracts: ContractAddresses, _ client: EthereumClient) async throws(RPCError) -> TokenPull? {
        switch self {
        case .deposit(_, let amount): return TokenPull(spender: contracts[.userRegistry], amount: amount)
        case .registerNode(let application):
            return TokenPull(spender: contracts[.staking], amount: TokenAmount(application.selfStake))
        case .stake(_, let amount): return TokenPull(spender: contracts[.staking], amount: TokenAmount(amount))
        case .proposeQuality(let node, _, _):
            let view = ContractView(.staking, "pool_of(uint64)", [Bytes32(number: node.number)])
            let answer = try await client.call(CallMessage(to: contracts[.staking], data: view.call))
            var fields = try AnswerReader(answer, count: 7)
            // A hundredth of the pool, which may grow before the command is in a block.
            let bond = max(try fields.nano().count / 100, 1)
            return TokenPull(
                spender: contracts[.slashing],
                amount: TokenAmount(Nano(bond)),
                allowance: TokenAmount(Nano(bond + bond / 4))
            )
        default: return nil
        }
    }

    /// Whether it waits until nothing of its caller's is under way: what it takes must be there for it alone, and one batch
    /// at a time is settled (ledger specification, §7).
    var isAlone: Bool {
        switch self {
        case .deposit, .registerNode, .stake, .proposeQuality, .settle: true
        default: false
        }
    }

    /// Whether waiting for cheaper gas would do harm.
    var isSafety: Bool {
        switch self {
        case .revokeKey, .bumpGeneration, .veto, .suspend, .reject, .vetoQuality, .pause, .cancelQueued: true
        default: false
        }
    }

    /// Whether a list is longer than the contract takes.
    var isTooLong: Bool {
        switch self {
        case .settle(let entries): entries.count > SettleEntry.mostInOneCall
        case .report(_, _, let rows): rows.count > ReportRow.mostInOneCall
        default: false
        }
    }
}
