import Ledger

extension Scenario {
    /// Nodes and earnings.
    static let nodes: [Scenario] = [
        Scenario([48], "a node registers with enough stake, a fair commission and a signer of its own") { stage in
            let owner = try await stage.wallet(holding: Nano(lai: 2_000))
            var application = stage.application(owner)
            application.selfStake = Nano(Nano(lai: 1_000).count - 1)
            try await stage.refuse(.registerNode(application), by: owner, .stakeTooSmall)
            application.selfStake = Nano(lai: 1_000)
            application.commission = 10_001
            try await stage.refuse(.registerNode(application), by: owner, .badCommission)
            application.commission = 0
            application.payout = .zero
            try await stage.refuse(.registerNode(application), by: owner, .badAddress)
            application.payout = owner.address
            let events = try await stage.run(.registerNode(application), by: owner).events
            let node = NodeID(1)
            let stake = Nano(lai: 1_000)
            let staking = stage.ledger.contracts[.staking]
            let expected: [Event] = [
                .transfer(from: owner.address, to: staking, value: TokenAmount(stake)),
                .staked(node: node, staker: owner.address, amount: stake, shares: 1_000_000_000_000_000),
                .nodeRegistered(
                    node: node,
                    owner: owner.address,
                    kind: .llm,
                    model: .zero,
                    meta: .zero,
                    payout: owner.address,
                    signer: application.signer,
                    commission: 0
                ),
            ]
            try expect(events, is: expected)
            try expect(try await stage.ledger.node(node)?.status, is: .pending)
            try expect(try await stage.ledger.node(signer: application.signer), is: node)
            try expect(try await stage.ledger.pool(node).selfStake, is: stake)
            try await stage.refuse(.registerNode(application), by: owner, .signerTaken)
            application.signer = Secp256k1Key().address
            try await stage.refuse(.registerNode(application), by: stage.stranger, .insufficient)
            try await stage.refuse(.setModel(node: node, model: .zero), by: stage.stranger, .notAllowed)
            try await stage.run(.setMeta(node: node, meta: Keccak256.hash([2])), by: owner)
            try await stage.run(.setModel(node: node, model: Keccak256.hash([3])), by: owner)
            try await stage.refuse(.setModel(node: NodeID(9), model: .zero), by: owner, .unknownNode)
            try await stage.refuse(.resume(node: node), by: owner, .notAllowed)
        },

        Scenario([48], "a signing address serves one node for ever") { stage in
            let host = try await stage.host()
            let other = try await stage.host()
            let next = Secp256k1Key().address
            try await stage.refuse(.setSigner(node: host.id, signer: .zero), by: host.owner, .badAddress)
            try await stage.refuse(
                .setSigner(node: host.id, signer: other.signer.address),
                by: host.owner,
                .signerTaken
            )
            let events = try await stage.run(.setSigner(node: host.id, signer: next), by: host.owner).events
            try expect(events, is: [.signerSet(node: host.id, signer: next)])
            try expect(try await stage.ledger.node(signer: host.signer.address), is: host.id)
            try expect(try await stage.ledger.node(signer: next), is: host.id)
            let back = Command.setSigner(node: host.id, signer: host.signer.address)
            try await stage.refuse(back, by: host.owner, .signerTaken)
        },

        Scenario(
            [49],
            "what a node earned is shared by commission, once; without stakers it is the owner's",
            beginning: { $0.parameters[.burnBPS] = 1_000 }
        ) { stage in
            let person = try await stage.person(deposit: Nano(30_000))
            let host = try await stage.host()
            let (tokenomics, staking) = (stage.ledger.contracts[.tokenomics], stage.ledger.contracts[.staking])
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(10_000))])
            let events = try await stage.run(.harvest(node: host.id), by: stage.stranger).events
            let expected: [Event] = [
                .transfer(from: tokenomics, to: staking, value: TokenAmount(Nano(7_600))),
                .harvested(node: host.id, claimable: Nano(1_900), pool: Nano(7_600), stake: .zero),
            ]
            try expect(events, is: expected)
            try expect(try await stage.ledger.pool(host.id).assets, is: Nano(1_000_000_007_600))
            try expect(try await stage.run(.harvest(node: host.id)).events, is: [])
            try await stage.refuse(.harvest(node: NodeID(9)), .unknownNode)

            try await stage.run(.exit(node: host.id), by: host.owner)
            try expect(try await stage.ledger.pool(host.id).shares, is: 0)
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(20_000))])
            try expect(
                try await stage.run(.harvest(node: host.id)).events,
                is: [.harvested(node: host.id, claimable: Nano(9_500), pool: .zero, stake: .zero)]
            )

            let treasury = stage.ledger.contracts[.treasury]
            let swept: [Event] = [
                .transfer(from: tokenomics, to: treasury, value: TokenAmount(Nano(900))),
                .transfer(from: tokenomics, to: .zero, value: TokenAmount(Nano(100))),
                .swept(amount: Nano(900), burned: Nano(100)),
            ]
            try expect(try await stage.run(.sweep, by: stage.stranger).events, is: swept)
            try expect(try await stage.ledger.account(treasury), is: TokenAmount(Nano(900)))
            try expect(try await stage.run(.sweep).events, is: [])
            let supply = try await stage.ledger.balances().supply
            try expect(supply, is: try require(TokenAmount.genesisSupply.subtracting(TokenAmount(Nano(100)))))
        },

        Scenario([50], "earnings go to the payout address, and to another only a day after it was proposed") { stage in
            let person = try await stage.person(deposit: Nano(100_000))
            let host = try await stage.host(commission: 10_000)
            let (payout, later) = (Secp256k1Key().address, Secp256k1Key().address)
            try await stage.refuse(.acceptPayout(node: host.id), .nothingPending)
            try await stage.refuse(.proposePayout(node: host.id, payout: payout), .notAllowed)
            try await stage.refuse(.proposePayout(node: host.id, payout: .zero), by: host.owner, .badAddress)
            try await stage.run(.proposePayout(node: host.id, payout: payout), by: host.owner)
            try await stage.advance(23 * .hour)
            // Proposing again starts again.
            let proposed = try await stage.run(.proposePayout(node: host.id, payout: later), by: host.owner)
            let readyAt = proposed.time + 24 * .hour
            try expect(proposed.events, is: [.payoutProposed(node: host.id, payout: later, readyAt: readyAt)])

            try await stage.settle([try stage.voucher(person.key, host.id, Nano(10_000))])
            try await stage.run(.harvest(node: host.id))
            try await stage.run(.claim(node: host.id), by: stage.stranger)
            try expect(try await stage.ledger.account(host.owner.address), is: TokenAmount(Nano(9_500)))
            try expect(try await stage.run(.claim(node: host.id)).events, is: [])

            try await stage.setTime(readyAt - 1)
            try await stage.refuse(.acceptPayout(node: host.id), .tooEarly)
            try await stage.setTime(readyAt)
            let accepted = try await stage.run(.acceptPayout(node: host.id), by: stage.stranger).events
            try expect(accepted, is: [.payoutSet(node: host.id, payout: later)])
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(20_000))])
            try await stage.run(.harvest(node: host.id))
            let claimed = try await stage.run(.claim(node: host.id), by: host.owner).events
            try expect(claimed.last, is: .claimed(node: host.id, to: later, amount: Nano(9_500)))
            try expect(try await stage.ledger.account(later), is: TokenAmount(Nano(9_500)))
        },

        Scenario([51], "a node changes hands when the other accepts; until then its owner acts") { stage in
            let host = try await stage.host()
            let other = try await stage.wallet(holding: Nano(lai: 20))
            try await stage.refuse(.acceptNode(node: host.id), by: other, .nothingPending)
            try await stage.refuse(.transferNode(node: host.id, to: other.address), by: other, .notAllowed)
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 20)), by: other)
            let offered = try await stage.run(.transferNode(node: host.id, to: other.address), by: host.owner).events
            try expect(offered, is: [.nodeOwnerProposed(node: host.id, owner: other.address)])
            try await stage.refuse(.acceptNode(node: host.id), by: stage.stranger, .notAllowed)
            try await stage.refuse(.setMeta(node: host.id, meta: .zero), by: other, .notAllowed)
            try await stage.run(.setMeta(node: host.id, meta: Keccak256.hash([1])), by: host.owner)
            let accepted = try await stage.run(.acceptNode(node: host.id), by: other)
            try expect(accepted.events, is: [.nodeOwnerSet(node: host.id, owner: other.address)])
            try await stage.refuse(.setMeta(node: host.id, meta: .zero), by: host.owner, .notAllowed)
            // What the owner had delegated joins the self stake.
            let pool = try await stage.ledger.pool(host.id)
            try expect(pool.selfShares, is: pool.shares)
            let stake = try await stage.ledger.stake(host.id, of: other.address)
            try expect(stake, is: StakeRecord(shares: 0, since: accepted.time))
            try await stage.run(.transferNode(node: host.id, to: host.owner.address), by: other)
            try await stage.run(.transferNode(node: host.id, to: .zero), by: other)
            try await stage.refuse(.acceptNode(node: host.id), by: host.owner, .nothingPending)
        },

        Scenario([52], "bonus earnings are stake that cannot be claimed, never leaves and is slashed") { stage in
            let host = try await stage.host()
            let person = try await stage.person()
            try await stage.run(.grant(user: person.id), by: stage.cast.faucetSigner)
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(lai: 4))])
            let bonus = Nano(3_800_000_000)
            try expect(try await stage.ledger.earnings(host.id), is: Earnings(bonusEarned: bonus))
            let harvested = try await stage.run(.harvest(node: host.id)).events
            try expect(
                harvested.last,
                is: .harvested(node: host.id, claimable: .zero, pool: .zero, stake: bonus)
            )
            try expect(try await stage.run(.claim(node: host.id)).events, is: [])
            let pool = try await stage.ledger.pool(host.id)
            try expect(pool.assets, is: Nano(1_003_800_000_000))
            try expect(pool.lockedShares, is: 3_800_000_000_000)
            try await stage.refuse(.requestExit(node: host.id, shares: pool.selfShares), by: host.owner, .insufficient)
            try await stage.slashProbes(host)
            try expect(try await stage.ledger.pool(host.id).lockedStake, is: Nano(3_610_000_000))

            try await stage.run(.exit(node: host.id), by: host.owner)
            try await stage.advance(7 * .day)
            try await stage.run(.completeExit(node: host.id))
            try await stage.run(.withdrawStake(node: host.id), by: host.owner)
            // The locked part stays, with what rounding left.
            let left = try await stage.ledger.pool(host.id)
            try expect(left.shares, is: left.lockedShares)
            try expect((Nano(3_610_000_000)...Nano(3_610_000_002)).contains(left.assets))
        },

        Scenario([53], "a node that leaves is paid for its work, and its stake returns after unbonding") { stage in
            let host = try await stage.host()
            let person = try await stage.person(deposit: Nano(10_000))
            try await stage.refuse(.exit(node: host.id), .notAllowed)
            try await stage.refuse(.completeExit(node: host.id), .wrongStatus)
            let exit = try await stage.run(.exit(node: host.id), by: host.owner)
            let end = exit.time + 7 * .day
            let (stake, shares) = (Nano(lai: 1_000), UInt128(1_000_000_000_000_000))
            let expected: [Event] = [
                .exitRequested(
                    node: host.id,
                    staker: host.owner.address,
                    shares: shares,
                    amount: stake,
                    exitShares: shares,
                    endsAt: end
                ),
                .statusChanged(node: host.id, status: .exiting, reason: .zero),
            ]
            try expect(exit.events, is: expected)
            try expect(
                try await stage.ledger.exit(host.id, of: host.owner.address),
                is: ExitRecord(shares: shares, end: end)
            )
            try await stage.refuse(.exit(node: host.id), by: host.owner, .wrongStatus)
            try await stage.refuse(.stake(node: host.id, amount: Nano(1)), .wrongStatus)
            try await stage.refuse(.resume(node: host.id), by: stage.cast.reporter, .wrongStatus)
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(10_000))])
            try await stage.setTime(end - 1)
            try await stage.refuse(.completeExit(node: host.id), .tooEarly)
            try await stage.setTime(end)
            let complete = try await stage.run(.completeExit(node: host.id), by: stage.stranger).events
            try expect(complete, is: [.statusChanged(node: host.id, status: .exited, reason: .zero)])
            try await stage.refuse(.setMeta(node: host.id, meta: .zero), by: host.owner, .wrongStatus)
            try await stage.run(.withdrawStake(node: host.id), by: host.owner)
            try expect(try await stage.ledger.account(host.owner.address), is: TokenAmount(stake))
            try await stage.refuse(.withdrawStake(node: host.id), by: host.owner, .nothingPending)
            try await stage.run(.harvest(node: host.id))
            let claimed = try await stage.run(.claim(node: host.id)).events
            try expect(claimed.last, is: .claimed(node: host.id, to: host.owner.address, amount: Nano(9_500)))
        },

        Scenario([54], "a rise of the commission waits seven days, a cut is at once and ends it") { stage in
            let host = try await stage.host()
            func set(_ commission: UInt16) -> Command { .setCommission(node: host.id, commission: commission) }
            try await stage.refuse(set(3_000), .notAllowed)
            try await stage.refuse(set(10_001), by: host.owner, .badCommission)
            let rise = try await stage.run(set(3_000), by: host.owner)
            let at = rise.time + 7 * .day
            try expect(rise.events, is: [.commissionSet(node: host.id, commission: 3_000, effectiveAt: at)])
            let waiting = try require(try await stage.ledger.node(host.id))
            try expect(waiting.commission == 2_000 && waiting.nextCommission == 3_000)
            try expect(waiting.commissionChangesAt, is: at)
            let cut = try await stage.run(set(1_000), by: host.owner)
            try expect(cut.events, is: [.commissionSet(node: host.id, commission: 1_000, effectiveAt: cut.time)])
            let again = try await stage.run(set(4_000), by: host.owner).time + 7 * .day

            let person = try await stage.person(deposit: Nano(100_000))
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(10_000))])
            try await stage.setTime(again - 1)
            let before = try await stage.run(.harvest(node: host.id)).events
            let early = Event.harvested(node: host.id, claimable: Nano(950), pool: Nano(8_550), stake: .zero)
            try expect(before.last, is: early)
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(20_000))])
            let after = try await stage.run(.harvest(node: host.id)).events
            let late = Event.harvested(node: host.id, claimable: Nano(3_800), pool: Nano(5_700), stake: .zero)
            try expect(after.last, is: late)
            let record = try require(try await stage.ledger.node(host.id))
            try expect(record.commission == 4_000 && record.commissionChangesAt == 0)
        },
    ]
}
