import Ledger

/// What must hold after every command (ledger specification, §6), as far as a reader of the ledger can see it.
public struct Invariants: Sendable {
    private let stage: Stage
    private var commands: RandomCommands
    private var now: UInt64 = 0
    private var balances: Balances
    private var channels: [ChannelKey: Channel] = [:]
    private var caps: [KeyID: Nano] = [:]
    private var rewards: [UInt64: UInt64] = [:]
    private var spentMessages = 0
    /// How often each event happened: a run in which some never do proves little of them.
    public private(set) var events: [String: Int] = [:]

    /// Watches a run of a seed on a stage.
    public init(_ stage: Stage, seed: UInt64) async throws {
        self.stage = stage
        commands = try RandomCommands(seed: seed, stage.beginning)
        for caller in commands.callers { try await stage.backstage.admit(caller) }
        balances = try await stage.ledger.balances()
        now = try await stage.now()
    }

    /// Does one random command and checks what must hold after it.
    public mutating func step() async throws {
        let step = try await commands.next(on: stage.ledger, now: now)
        now = step.time
        do {
            let command = try step.command(for: stage.ledger)
            let outcome = try await stage.play(step)
            if let inclusion = outcome.inclusion {
                try await check(command, inclusion)
            } else {
                var after = try await stage.ledger.balances()
                after.block = balances.block
                try expect(after == balances, "a refused command moved money")
            }
        } catch let failure as ScenarioFailure {
            throw ScenarioFailure("\(step): \(failure)", #fileID, #line)
        }
    }

    private mutating func check(_ command: Command, _ inclusion: Inclusion) async throws {
        let before = balances
        balances = try await stage.ledger.balances()
        for event in inclusion.events {
            events[event.name, default: 0] += 1
            if case .keyGranted(_, let key, _, _, let cap) = event { caps[key] = max(caps[key] ?? .zero, cap) }
        }
        try checkSums()
        try await checkChannels(inclusion.events)
        try checkLosses(command, before)
        try checkShares(inclusion.events, before)
        try await checkRewards(inclusion.events)
        try checkWithdrawals(inclusion, before)
    }

    /// Invariants 1 to 3.
    ///
    /// Nobody sends tokens to a contract in this world, so they hold exactly.
    private func checkSums() throws {
        let contracts = stage.ledger.contracts
        func held(_ contract: Contract) -> TokenAmount { balances.accounts[contracts[contract]] ?? .zero }
        try expect(balances.sumOfAccounts, is: balances.supply, "accounts")
        try expect(balances.supply <= .cap)
        try expect(balances.sumOfUsers, is: held(.userRegistry), "users")
        try expect(balances.sumOfEarnings, is: held(.tokenomics), "earnings, fees and insurance")
        try expect(balances.sumOfStakes, is: held(.staking), "stakes and escrow")
        try expect(TokenAmount(balances.bonds), is: held(.slashing), "bonds")
    }

    /// Invariants 4 to 6.
    private mutating func checkChannels(_ events: [Event]) async throws {
        var charged: UInt64 = 0
        var credited: UInt64 = 0
        for event in events {
            switch event {
            case .settled(let key, let node, _, let paid, let units, _):
                let name = ChannelKey(key: key, node: node)
                let old = channels[name] ?? Channel()
                try expect(paid > old.paid && units >= old.units, "a channel fell")
                try expect(paid <= commands.signed[name] ?? .zero, "more was paid than signed")
                charged += paid.count - old.paid.count
                channels[name] = Channel(paid: paid, units: units)
            case .collected(_, let gross, let bonus, let fee):
                try expect(fee <= gross && bonus <= gross)
                credited += gross.count
            default: continue
            }
        }
        try expect(charged, is: credited, "charged and credited")
        guard charged != 0 else { return }
        var spent: [KeyID: UInt64] = [:]
        for (name, channel) in channels { spent[name.key, default: 0] += channel.paid.count }
        for (id, sum) in spent {
            let key = try require(try await stage.ledger.key(id))
            try expect(key.spent.count, is: sum, "spent of \(id)")
            try expect(key.spent <= caps[id] ?? .zero, "spent above the greatest cap")
        }
    }

    /// Invariant 7.
    private func checkLosses(_ command: Command, _ before: Balances) throws {
        switch command {
        case .settle, .completeWithdraw, .expireBonus: return
        default:
            for (user, funds) in before.users {
                let after = balances.users[user] ?? Funds()
                try expect(after.chargeable >= funds.chargeable, "user \(user) lost money by \(command)")
            }
        }
    }

    /// Invariant 11: the price of a share falls by a slash only, and then that of what is leaving with it.
    private func checkShares(_ events: [Event], _ before: Balances) throws {
        let slashed = events.compactMap { event -> NodeID? in
            guard case .stakeSlashed(let node, _, _) = event else { return nil }
            return node
        }
        for (node, old) in before.pools where !slashed.contains(node) {
            let new = balances.pools[node] ?? PoolRecord()
            func isNotLower(_ old: (Nano, UInt128), _ new: (Nano, UInt128)) -> Bool {
                let left = (UInt128(new.0.count) + 1).multipliedFullWidth(by: old.1 + 1_000)
                let right = (UInt128(old.0.count) + 1).multipliedFullWidth(by: new.1 + 1_000)
                return left.high != right.high ? left.high > right.high : left.low >= right.low
            }
            try expect(isNotLower((old.assets, old.shares), (new.assets, new.shares)), "a share lost worth")
            try expect(
                isNotLower((old.unbonding, old.unbondingShares), (new.unbonding, new.unbondingShares)),
                "an exit lost worth"
            )
            try expect(new.lockedShares <= new.selfShares && new.selfShares <= new.shares, "shares of \(node)")
        }
    }

    /// Invariant 13.
    private mutating func checkRewards(_ events: [Event]) async throws {
        let parameters = try await stage.ledger.parameters()
        for case .rewardClaimed(let epoch, let node, let amount) in events {
            let fee = try await stage.ledger.fee(node, in: epoch)
            try expect(UInt128(amount.count) * 10_000 <= UInt128(fee.count) * UInt128(parameters[.lambda]))
            rewards[epoch, default: 0] += amount.count
            // The owner may have lowered the budget between two claims.
            try expect(rewards[epoch, default: 0] <= 4 * Parameters.Name.epochBudget.standard, "rewards of \(epoch)")
        }
    }

    /// Invariant 10.
    private func checkWithdrawals(_ inclusion: Inclusion, _ before: Balances) throws {
        for case .withdrawn(let user, _, let amount) in inclusion.events {
            let funds = try require(before.users[user])
            try expect(funds.thawEnd != 0 && funds.thawEnd <= inclusion.time, "a withdrawal came early")
            try expect(amount, is: funds.thawing)
            try expect(balances.users[user]?.bonus, is: funds.bonus)
        }
    }
}
