import Ledger

extension Scenario {
    /// Staking.
    static let staking: [Scenario] = [
        Scenario(
            [63],
            "whoever makes a share dear takes nothing from the next staker but what the virtual shares allow",
            beginning: { $0.parameters[.minimumStakeLLM] = Nano.lai.count }
        ) { stage in
            let host = try await stage.host(commission: 0, stake: Nano(lai: 1))
            // Tokens sent to the contract change nothing.
            let staking = stage.ledger.contracts[.staking]
            try await stage.run(.transfer(to: staking, amount: TokenAmount(Nano(lai: 1_000_000))))
            try expect(try await stage.ledger.pool(host.id).assets, is: Nano(lai: 1))
            // Earnings do: a million for a pool of one.
            let person = try await stage.person(deposit: Nano(lai: 1_000_000))
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(lai: 1_000_000))])
            let second = try await stage.wallet(holding: Nano(lai: 1))
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 1)), by: second)
            let pool = try await stage.ledger.pool(host.id)
            let stake = try await stage.ledger.stake(host.id, of: second.address)
            // The price of a share is about 950 nano, and less than one share is lost.
            try expect((Nano(999_999_000)...Nano(lai: 1)).contains(pool.worth(of: stake.shares)))
        },

        Scenario([64], "shares are exact, and who joins after earnings gets none of them") { stage in
            let host = try await stage.host(commission: 0)
            let (first, second) = (
                try await stage.wallet(holding: Nano(lai: 1_000)), try await stage.wallet(holding: Nano(lai: 1_000))
            )
            let joined = try await stage.run(.stake(node: host.id, amount: Nano(lai: 1_000)), by: first)
            let shares = UInt128(1_000_000_000_000_000)
            try expect(
                joined.events.last,
                is: .staked(node: host.id, staker: first.address, amount: Nano(lai: 1_000), shares: shares)
            )
            try expect(
                try await stage.ledger.stake(host.id, of: first.address),
                is: StakeRecord(shares: shares, since: joined.time)
            )
            let person = try await stage.person(deposit: Nano(20_000))
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(20_000))])
            // The second one's stake harvests what was earned before it.
            let events = try await stage.run(.stake(node: host.id, amount: Nano(lai: 1_000)), by: second).events
            let (tokenomics, staking) = (stage.ledger.contracts[.tokenomics], stage.ledger.contracts[.staking])
            let expected: [Event] = [
                .transfer(from: tokenomics, to: staking, value: TokenAmount(Nano(19_000))),
                .harvested(node: host.id, claimable: .zero, pool: Nano(19_000), stake: .zero),
                .transfer(from: second.address, to: staking, value: TokenAmount(Nano(lai: 1_000))),
                .staked(
                    node: host.id,
                    staker: second.address,
                    amount: Nano(lai: 1_000),
                    shares: 999_999_990_500_000
                ),
            ]
            try expect(events, is: expected)
            let pool = try await stage.ledger.pool(host.id)
            try expect(pool.assets, is: Nano(3_000_000_019_000))
            try expect(pool.worth(of: shares), is: Nano(1_000_000_009_500))
            try expect(pool.worth(of: 999_999_990_500_000), is: Nano(999_999_999_999))

            try await stage.refuse(.requestExit(node: host.id, shares: 0), by: first, .badAmount)
            try await stage.refuse(.requestExit(node: NodeID(9), shares: 1), by: first, .unknownNode)
            try await stage.refuse(.requestExit(node: host.id, shares: shares + 1), by: first, .insufficient)
            let exit = try await stage.run(.requestExit(node: host.id, shares: shares), by: first)
            let exited = Event.exitRequested(
                node: host.id,
                staker: first.address,
                shares: shares,
                amount: Nano(1_000_000_009_500),
                exitShares: 1_000_000_009_500_000,
                endsAt: exit.time + 7 * .day
            )
            try expect(exit.events, is: [exited])
            try await stage.setTime(exit.time + 7 * .day - 1)
            try await stage.refuse(.withdrawStake(node: host.id), by: first, .tooEarly)
            try await stage.refuse(.withdrawStake(node: host.id), by: second, .nothingPending)
            try await stage.setTime(exit.time + 7 * .day)
            let paid = try await stage.run(.withdrawStake(node: host.id), by: first).events
            try expect(
                paid.last,
                is: .stakeWithdrawn(node: host.id, staker: first.address, amount: Nano(1_000_000_009_500))
            )
            try expect(
                try await stage.ledger.account(first.address),
                is: TokenAmount(Nano(1_000_000_009_500))
            )
        },

        Scenario([64], "a second request adds to an exit and starts its clock again") { stage in
            let host = try await stage.host()
            let staker = try await stage.wallet(holding: Nano(lai: 10))
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 10)), by: staker)
            try await stage.run(.requestExit(node: host.id, shares: 4_000_000_000_000), by: staker)
            try await stage.advance(6 * .day)
            let again = try await stage.run(.requestExit(node: host.id, shares: 1_000_000_000_000), by: staker)
            let exit = try await stage.ledger.exit(host.id, of: staker.address)
            try expect(exit, is: ExitRecord(shares: 5_000_000_000_000, end: again.time + 7 * .day))
            try await stage.setTime(exit.end)
            let paid = try await stage.run(.withdrawStake(node: host.id), by: staker).events
            try expect(
                paid.last,
                is: .stakeWithdrawn(node: host.id, staker: staker.address, amount: Nano(lai: 5))
            )
        },

        Scenario([64], "an owner keeps the smallest self stake while the node serves") { stage in
            let host = try await stage.host(stake: Nano(lai: 1_500))
            let (most, more) = (UInt128(500_000_000_000_000), UInt128(500_000_000_001_000))
            try await stage.refuse(.requestExit(node: host.id, shares: more), by: host.owner, .stakeTooSmall)
            try await stage.run(.requestExit(node: host.id, shares: most), by: host.owner)
            try await stage.run(.ban(node: host.id, reason: .zero), by: stage.owner)
            try await stage.run(.requestExit(node: host.id, shares: most), by: host.owner)
        },

        Scenario([65], "what is leaving is slashed with the rest by the same part, what has left is not") { stage in
            let host = try await stage.host()
            let staker = try await stage.wallet(holding: Nano(lai: 600))
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 600)), by: staker)
            let exit = try await stage.run(.requestExit(node: host.id, shares: 100_000_000_000_000), by: staker).time
            try await stage.setTime(exit + 7 * .day)
            try await stage.run(.withdrawStake(node: host.id), by: staker)
            try await stage.run(.requestExit(node: host.id, shares: 200_000_000_000_000), by: staker)
            let slashed = try await stage.slashReceipts(host)
            let taken = Event.stakeSlashed(node: host.id, fromPool: Nano(lai: 260), fromUnbonding: Nano(lai: 40))
            try expect(slashed.events.first, is: taken)
            let pool = try await stage.ledger.pool(host.id)
            try expect(pool.assets, is: Nano(lai: 1_040))
            try expect(pool.unbonding, is: Nano(lai: 160))
            try await stage.advance(7 * .day)
            let paid = try await stage.run(.withdrawStake(node: host.id), by: staker).events
            // Rounding leaves a nano in the pool.
            try expect(
                paid.last,
                is: .stakeWithdrawn(node: host.id, staker: staker.address, amount: Nano(160_000_000_000))
            )
        },

        Scenario([69], "a pool that was slashed to a splinter takes stake at the right price") { stage in
            let host = try await stage.host()
            let staker = try await stage.wallet(holding: Nano(lai: 10))
            for session in UInt64(1)...40 { try await stage.slashReceipts(host, session: session) }
            let before = try await stage.ledger.pool(host.id)
            try expect(before.assets < Nano(lai: 1))
            let small = Nano(100_000_000)
            try await stage.run(.stake(node: host.id, amount: small), by: staker)
            let pool = try await stage.ledger.pool(host.id)
            let shares = try await stage.ledger.stake(host.id, of: staker.address).shares
            try expect((Nano(99_999_998)...small).contains(pool.worth(of: shares)))
            try expect(pool.selfStake.clampedAdding(Nano(2)) >= before.assets)
        },

        Scenario([70], "no more is delegated than makes ten times the self stake") { stage in
            let host = try await stage.host()
            let staker = try await stage.wallet(holding: Nano(lai: 9_001))
            try await stage.refuse(.stake(node: host.id, amount: .zero), by: staker, .badAmount)
            try await stage.refuse(.stake(node: NodeID(9), amount: Nano(1)), by: staker, .unknownNode)
            try await stage.refuse(.stake(node: host.id, amount: Nano(lai: 9_001)), by: staker, .tooMuchDelegation)
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 9_000)), by: staker)
            try await stage.refuse(.stake(node: host.id, amount: Nano(lai: 1)), by: staker, .tooMuchDelegation)
            // The owner may always add, and makes room by it.
            try await stage.run(.transfer(to: host.owner.address, amount: TokenAmount(Nano(lai: 1))))
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 1)), by: host.owner)
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 1)), by: staker)
        },
    ]
}
