import Ledger

extension Scenario {
    /// Staking and slashing.
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

        Scenario([66], "two receipts of one request are punished once, in whatever order they are shown") { stage in
            let host = try await stage.host()
            let (first, second) = (
                try await stage.receipt(host, response: 1), try await stage.receipt(host, response: 2)
            )
            let other = try await stage.receipt(host, seq: 2, response: 2)
            try await stage.refuse(.proveReceipts(first, first), .notAnOffence)
            try await stage.refuse(.proveReceipts(first, other), .notAnOffence)
            let forged = try stage.signed(second.message, by: stage.stranger)
            try await stage.refuse(.proveReceipts(first, forged), .badSignature)
            let events = try await stage.run(.proveReceipts(first, second), by: stage.stranger).events
            let key = Keccak256.hash(
                ABI.encode([
                    .string("receipts"), .uint(host.id.number), .bytes32(first.message.session), .uint(1),
                ])
            )
            let expected: [Event] = [
                .stakeSlashed(node: host.id, fromPool: Nano(lai: 200), fromUnbonding: .zero),
                .slashed(
                    id: CaseID(1),
                    node: host.id,
                    reporter: stage.stranger.address,
                    offence: .receipts,
                    amount: Nano(lai: 200),
                    evidence: key
                ),
            ]
            try expect(events, is: expected)
            try await stage.refuse(.proveReceipts(first, second), .alreadyPunished)
            try await stage.refuse(.proveReceipts(second, first), .alreadyPunished)
            let third = try await stage.receipt(host, response: 3)
            try await stage.refuse(.proveReceipts(third, second), .alreadyPunished)
        },

        Scenario([66], "a penalty waits a week, then goes to who proved it, to the insurance and away") { stage in
            let host = try await stage.host()
            let start = try await stage.slashReceipts(host).time
            try expect(try await stage.ledger.balances().escrow, is: Nano(lai: 200))
            try await stage.refuse(.releaseSlash(CaseID(2)), .unknownCase)
            try await stage.setTime(start + 7 * .day - 1)
            try await stage.refuse(.releaseSlash(CaseID(1)), .tooEarly)
            try await stage.setTime(start + 7 * .day)
            let (tokenomics, staking) = (stage.ledger.contracts[.tokenomics], stage.ledger.contracts[.staking])
            let expected: [Event] = [
                .transfer(from: staking, to: stage.stranger.address, value: TokenAmount(Nano(lai: 20))),
                .transfer(from: staking, to: tokenomics, value: TokenAmount(Nano(lai: 80))),
                .transfer(from: staking, to: .zero, value: TokenAmount(Nano(lai: 100))),
                .slashReleased(id: CaseID(1), reward: Nano(lai: 20), insured: Nano(lai: 80), burned: Nano(lai: 100)),
            ]
            try expect(try await stage.run(.releaseSlash(CaseID(1))).events, is: expected)
            try await stage.refuse(.releaseSlash(CaseID(1)), .alreadySettled)
            try await stage.refuse(.giveBackSlash(CaseID(1)), by: stage.owner, .alreadySettled)
            try expect(try await stage.ledger.insurance(), is: Nano(lai: 80))
            let victim = Secp256k1Key().address
            try await stage.refuse(.payInsurance(to: victim, amount: Nano(1)), .notAllowed)
            let tooMuch = Command.payInsurance(to: victim, amount: Nano(80_000_000_001))
            try await stage.refuse(tooMuch, by: stage.owner, .insufficient)
            let paid: [Event] = [
                .transfer(from: tokenomics, to: victim, value: TokenAmount(Nano(lai: 30))),
                .insurancePaid(to: victim, amount: Nano(lai: 30)),
            ]
            try expect(
                try await stage.run(.payInsurance(to: victim, amount: Nano(lai: 30)), by: stage.owner).events,
                is: paid
            )
        },

        Scenario([66], "a penalty that was wrong goes back to the pool before it is released") { stage in
            let host = try await stage.host()
            try await stage.slashReceipts(host)
            try await stage.refuse(.giveBackSlash(CaseID(1)), .notAllowed)
            try await stage.refuse(.giveBackSlash(CaseID(2)), by: stage.owner, .unknownCase)
            let events = try await stage.run(.giveBackSlash(CaseID(1)), by: stage.owner).events
            try expect(events, is: [.slashReturned(id: CaseID(1), amount: Nano(lai: 200))])
            try expect(try await stage.ledger.pool(host.id).assets, is: Nano(lai: 1_000))
            try await stage.advance(7 * .day)
            try await stage.refuse(.releaseSlash(CaseID(1)), .alreadySettled)
        },

        Scenario([67], "a cost one nano above the quote is proven, also against a signer replaced since") { stage in
            let host = try await stage.host()
            let quote = Quote(
                node: host.id,
                model: .zero,
                inputPrice: Nano(30_001),
                outputPrice: Nano(60_000),
                validUntil: 0
            )
            let signed = try stage.signed(quote, by: host.signer)
            // 30 nano and a thousandth for the prompt, 30 for the answer: 61.
            let fair = try await stage.receipt(host, quote: quote, cost: Nano(61))
            try await stage.refuse(.proveOvercharge(signed, fair), .notAnOffence)
            let other = try await stage.receipt(host, cost: Nano(62))
            try await stage.refuse(.proveOvercharge(signed, other), .notAnOffence)
            let dear = try await stage.receipt(host, quote: quote, cost: Nano(62))
            let forged = try stage.signed(quote, by: stage.stranger)
            try await stage.refuse(.proveOvercharge(forged, dear), .badSignature)
            try await stage.run(.setSigner(node: host.id, signer: Secp256k1Key().address), by: host.owner)
            let events = try await stage.run(.proveOvercharge(signed, dear), by: stage.stranger).events
            let taken = Event.stakeSlashed(node: host.id, fromPool: Nano(lai: 100), fromUnbonding: .zero)
            try expect(events.first, is: taken)
            try await stage.refuse(.proveOvercharge(signed, dear), .alreadyPunished)
        },

        Scenario([67], "two answers to one probe are proven") { stage in
            let host = try await stage.host()
            let time = try await stage.now()
            func probe(_ challenge: UInt64, _ status: UInt64) throws -> SignedMessage<Probe> {
                let probe = Probe(
                    node: host.id,
                    challenge: Bytes32(number: challenge),
                    status: Bytes32(number: status),
                    at: time
                )
                return try stage.signed(probe, by: host.signer)
            }
            try await stage.refuse(.proveProbes(try probe(1, 1), try probe(1, 1)), .notAnOffence)
            try await stage.refuse(.proveProbes(try probe(1, 1), try probe(2, 2)), .notAnOffence)
            let events = try await stage.run(.proveProbes(try probe(1, 1), try probe(1, 2))).events
            let taken = Event.stakeSlashed(node: host.id, fromPool: Nano(lai: 50), fromUnbonding: .zero)
            try expect(events.first, is: taken)
            try await stage.refuse(.proveProbes(try probe(1, 3), try probe(1, 2)), .alreadyPunished)
            try await stage.run(.proveProbes(try probe(2, 3), try probe(2, 2)))
        },

        Scenario([68], "evidence counts for thirty days, and not from the future") { stage in
            let host = try await stage.host()
            let time = try await stage.now()
            let evidence = Command.proveReceipts(
                try await stage.receipt(host, response: 1, finishedAt: time),
                try await stage.receipt(host, response: 2, finishedAt: time)
            )
            let future = Command.proveReceipts(
                try await stage.receipt(host, seq: 2, response: 1, finishedAt: time),
                try await stage.receipt(host, seq: 2, response: 2, finishedAt: time + .day)
            )
            try await stage.refuse(future, .tooOld)
            try await stage.setTime(time + 30 * .day + 1)
            try await stage.refuse(evidence, .tooOld)
            let young = try await stage.now()
            let again = Command.proveReceipts(
                try await stage.receipt(host, seq: 3, response: 1, finishedAt: young),
                try await stage.receipt(host, seq: 3, response: 2, finishedAt: young)
            )
            try await stage.setTime(young + 30 * .day)
            try await stage.run(again)
        },

        Scenario([68], "a penalty for quality waits for a veto, and no node loses more than a twentieth an epoch") {
            stage in
            let host = try await stage.host()
            let (committee, guardian) = (stage.cast.committee, stage.cast.guardian)
            try await stage.run(.transfer(to: committee.address, amount: TokenAmount(Nano(lai: 40))))
            func propose(_ bps: UInt16, _ number: UInt64) -> Command {
                .proposeQuality(node: host.id, bps: bps, evidence: Bytes32(number: number))
            }
            try await stage.refuse(propose(500, 1), .notAllowed)
            try await stage.refuse(propose(0, 1), by: committee, .outOfBounds)
            try await stage.refuse(propose(501, 1), by: committee, .outOfBounds)
            let unknown = Command.proposeQuality(node: NodeID(9), bps: 1, evidence: .zero)
            try await stage.refuse(unknown, by: committee, .unknownNode)
            let first = try await stage.run(propose(300, 1), by: committee)
            let slashing = stage.ledger.contracts[.slashing]
            let readyAt = first.time + 3 * .day
            let expected: [Event] = [
                .transfer(from: committee.address, to: slashing, value: TokenAmount(Nano(lai: 10))),
                .qualityProposed(
                    id: CaseID(1),
                    node: host.id,
                    bps: 300,
                    evidence: Bytes32(number: 1),
                    bond: Nano(lai: 10),
                    readyAt: readyAt
                ),
            ]
            try expect(first.events, is: expected)
            try await stage.refuse(propose(300, 1), by: committee, .alreadyPunished)
            try await stage.run(propose(300, 2), by: committee)
            try await stage.run(propose(200, 3), by: committee)
            try await stage.refuse(.executeQuality(CaseID(1)), .tooEarly)
            try await stage.refuse(.releaseSlash(CaseID(1)), .unknownCase)
            try await stage.refuse(.vetoQuality(CaseID(1)), .notAllowed)
            let vetoed = try await stage.run(.vetoQuality(CaseID(2)), by: guardian).events
            try expect(vetoed.last, is: .qualityVetoed(id: CaseID(2)))
            try await stage.refuse(.vetoQuality(CaseID(2)), by: guardian, .alreadySettled)
            try expect(try await stage.ledger.insurance(), is: Nano(lai: 10))

            try await stage.setTime((readyAt / .day + 1) * .day)
            try await stage.refuse(.vetoQuality(CaseID(1)), by: guardian, .tooLate)
            try await stage.refuse(.executeQuality(CaseID(2)), .alreadySettled)
            try await stage.refuse(.executeQuality(CaseID(9)), .unknownCase)
            let executed = try await stage.run(.executeQuality(CaseID(1)), by: stage.stranger).events
            let taken: [Event] = [
                .transfer(from: slashing, to: committee.address, value: TokenAmount(Nano(lai: 10))),
                .stakeSlashed(node: host.id, fromPool: Nano(lai: 30), fromUnbonding: .zero),
                .slashed(
                    id: CaseID(1),
                    node: host.id,
                    reporter: committee.address,
                    offence: .quality,
                    amount: Nano(lai: 30),
                    evidence: Bytes32(number: 1)
                ),
            ]
            try expect(executed, is: taken)
            try await stage.run(propose(1, 4), by: committee)
            try await stage.run(.executeQuality(CaseID(3)))
            try await stage.refuse(.executeQuality(CaseID(3)), .alreadySettled)
            try await stage.advance(3 * .day)
            try await stage.run(.executeQuality(CaseID(4)))
            // What would go to who proposed it goes to the insurance.
            try await stage.advance(7 * .day)
            let released = try await stage.run(.releaseSlash(CaseID(1))).events
            let shared = Event.slashReleased(
                id: CaseID(1),
                reward: .zero,
                insured: Nano(lai: 15),
                burned: Nano(lai: 15)
            )
            try expect(released.last, is: shared)
        },

        Scenario([68], "two penalties for quality in one epoch stop at the cap") { stage in
            let host = try await stage.host()
            let committee = stage.cast.committee
            try await stage.run(.transfer(to: committee.address, amount: TokenAmount(Nano(lai: 20))))
            for number in UInt64(1)...2 {
                let evidence = Bytes32(number: number)
                try await stage.run(.proposeQuality(node: host.id, bps: 300, evidence: evidence), by: committee)
            }
            try await stage.setTime((try await stage.today() + 4) * .day)
            try await stage.run(.executeQuality(CaseID(1)))
            try await stage.refuse(.executeQuality(CaseID(2)), .epochCapReached)
            _ = try await stage.nextDay()
            try await stage.run(.executeQuality(CaseID(2)))
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
