public import Ledger

extension EVMLedger {
    /// Every balance there is in the newest block that cannot be taken back.
    ///
    /// Asks for each user, node and holder of tokens: for audits and small networks.
    public func balances() async throws(LedgerError) -> Balances {
        let holders = holders
        return try await asking { client throws(RPCError) in
            let block = try await client.ends().finalized.number
            let tag = BlockTag.number(block)
            let counts = try await self.answers(
                [
                    ContractView(.userRegistry, "users()"), ContractView(.nodeRegistry, "nodes()"),
                    ContractView(.slashing, "cases()"),
                ],
                1,
                at: tag
            )
            let users = try counts[0].numbers().map { UserID($0) }
            let nodes = try counts[1].numbers().map { NodeID($0) }
            let cases = try counts[2].numbers().map { CaseID($0) }
            let accounts = try await holders.upTo(block).subtracting([.zero]).sorted()

            let funds = try await self.answers(
                users.map { ContractView(.userRegistry, "funds_of(uint64)", [$0.word]) },
                8,
                at: tag
            )
            let earnings = try await self.answers(
                nodes.map { ContractView(.tokenomics, "earnings_of(uint64)", [$0.word]) },
                3,
                at: tag
            )
            let pools = try await self.answers(
                nodes.map { ContractView(.staking, "pool_of(uint64)", [$0.word]) },
                7,
                at: tag
            )
            let tokens = try await self.answers(
                accounts.map { ContractView(.laiToken, "balanceOf(address)", [$0.word]) },
                1,
                at: tag
            )
            var bonds = Nano.zero
            for answer in try await self.answers(
                cases.map { ContractView(.slashing, "case_of(uint64)", [Bytes32(number: $0.number)]) },
                9,
                at: tag
            ) {
                if let record = try CaseRecord(answer), record.state == .proposed {
                    bonds = bonds.clampedAdding(record.bond)
                }
            }
            let sums = try await self.answers(
                [
                    ContractView(.tokenomics, "fees()"), ContractView(.tokenomics, "insurance()"),
                    ContractView(.staking, "escrow()"), ContractView(.laiToken, "totalSupply()"),
                ],
                1,
                at: tag
            ).map { answer throws(RPCError) in try answer.first() }

            var balances = Balances(
                block: block,
                users: [:],
                nodes: [:],
                pools: [:],
                accounts: [:],
                fees: Nano(UInt64(clamping: sums[0])),
                insurance: Nano(UInt64(clamping: sums[1])),
                escrow: Nano(UInt64(clamping: sums[2])),
                bonds: bonds,
                supply: TokenAmount(units: sums[3])
            )
            for (user, answer) in zip(users, funds) {
                let funds = try Funds(answer)
                if funds.chargeable != .zero { balances.users[user] = funds }
            }
            for (index, node) in nodes.enumerated() {
                balances.nodes[node] = try Earnings(earnings[index])
                balances.pools[node] = try PoolRecord(pools[index])
            }
            for (account, answer) in zip(accounts, tokens) {
                let amount = TokenAmount(units: try answer.first())
                if amount != .zero { balances.accounts[account] = amount }
            }
            return balances
        }
    }

    /// What many views answer at one block.
    private func answers(
        _ views: [ContractView],
        _ count: Int,
        at tag: BlockTag
    ) async throws(RPCError) -> [AnswerReader] {
        let calls = views.map { CallMessage(to: contracts[$0.contract], data: $0.call) }
        return try await client.call(calls, at: tag).map { answer throws(RPCError) in
            try AnswerReader(try answer.accepted(), count: count)
        }
    }
}

extension AnswerReader {
    /// The only number of an answer.
    fileprivate func first() throws(RPCError) -> UInt128 {
        var fields = self
        return try fields.wide()
    }

    /// The numbers from one to the only one of an answer, which no endpoint may make endless.
    fileprivate func numbers() throws(RPCError) -> Range<UInt64> {
        let count = try first()
        guard count <= 1_000_000 else { throw .malformed("more than a million users or nodes") }
        return 1..<UInt64(count) + 1
    }
}
