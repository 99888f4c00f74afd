import Ledger

extension Scenario {
    /// Status and rewards.
    static let status: [Scenario] = [
        Scenario([55], "a node is reported once an epoch, when that is over, before it is sealed, by the reporter") {
            stage in
            let (first, second) = (try await stage.node(), try await stage.node())
            let reporter = stage.cast.reporter
            func report(_ epoch: UInt64, _ rows: [ReportRow]) -> Command {
                .report(epoch: epoch, evidence: Keccak256.hash([9]), rows: rows)
            }
            let row = stage.row(first, units: 7)
            let epoch = try await stage.nextDay()
            try await stage.refuse(report(epoch, [row]), .notAllowed)
            try await stage.refuse(report(epoch + 1, [row]), by: reporter, .tooEarly)
            try await stage.refuse(report(epoch - 89, [row]), by: reporter, .tooLate)
            try await stage.refuse(report(epoch, [row, row]), by: reporter, .alreadyReported)
            try await stage.refuse(report(epoch, [stage.row(NodeID(9))]), by: reporter, .unknownNode)
            try await stage.refuse(report(epoch, [stage.row(first, uptime: 10_001)]), by: reporter, .outOfBounds)
            try await stage.refuse(report(epoch, [stage.row(first, reputation: 10_001)]), by: reporter, .outOfBounds)
            try await stage.refuse(.seal(epoch: epoch), by: reporter, .nothingReported)
            let events = try await stage.run(report(epoch, [row]), by: reporter).events
            try expect(events, is: [.reported(epoch: epoch, evidence: Keccak256.hash([9]), rows: [row])])
            try await stage.refuse(report(epoch, [stage.row(second), row]), by: reporter, .alreadyReported)
            try await stage.run(report(epoch, [stage.row(second, units: 5)]), by: reporter)
            let record = try await stage.ledger.epoch(epoch)
            try expect(record, is: EpochRecord(sealedAt: 0, round: 0, compute: 0, units: 12, count: 2))
            let status = try require(try await stage.ledger.status(first))
            let expected = StatusRecord(
                epoch: epoch,
                uptime: 10_000,
                units: 7,
                health: 10_000,
                reputation: 5_000,
                latency: 40,
                compute: 0
            )
            try expect(status, is: expected)
            try await stage.refuse(.seal(epoch: epoch), .notAllowed)
            try await stage.refuse(.seal(epoch: epoch + 1), by: reporter, .tooEarly)
            let sealed = try await stage.run(.seal(epoch: epoch), by: reporter)
            try expect(sealed.events, is: [.sealed(epoch: epoch, finalAt: sealed.time + 6 * .hour)])
            try await stage.refuse(.seal(epoch: epoch), by: reporter, .sealed)
            try await stage.refuse(report(epoch, [row]), by: reporter, .sealed)
        },

        Scenario([56], "reputation moves by a step a report, and a fifth of the active nodes is suspended an epoch") {
            stage in
            let reporter = stage.cast.reporter
            var nodes: [NodeID] = []
            for _ in 0..<10 { nodes.append(try await stage.node()) }
            for (wanted, expected) in [(9_000, 6_000), (9_000, 7_000), (0, 6_000), (6_100, 6_100)] {
                let epoch = try await stage.nextDay()
                let row = stage.row(nodes[0], reputation: UInt16(wanted))
                let events = try await stage.run(
                    .report(epoch: epoch, evidence: .zero, rows: [row]),
                    by: reporter
                ).events
                let kept = stage.row(nodes[0], reputation: UInt16(expected))
                try expect(events, is: [.reported(epoch: epoch, evidence: .zero, rows: [kept])])
            }
            // After seven epochs without a report a node begins anew.
            let epoch = try await stage.nextDay(8)
            try await stage.run(
                .report(epoch: epoch, evidence: .zero, rows: [stage.row(nodes[0], reputation: 1_000)]),
                by: reporter
            )
            try expect(try await stage.ledger.status(nodes[0])?.reputation, is: 4_000)

            func suspend(_ index: Int) -> Command { .suspend(node: nodes[index], reason: Keccak256.hash([1])) }
            try await stage.refuse(suspend(0), .notAllowed)
            try await stage.run(suspend(0), by: reporter)
            try await stage.run(suspend(1), by: reporter)
            try await stage.refuse(suspend(2), by: reporter, .tooManySuspensions)
            // One that is let in again gives no room.
            try await stage.run(.resume(node: nodes[0]), by: reporter)
            try await stage.refuse(suspend(2), by: reporter, .tooManySuspensions)
            _ = try await stage.nextDay()
            try await stage.refuse(suspend(1), by: reporter, .wrongStatus)
            let events = try await stage.run(suspend(2), by: reporter).events
            try expect(
                events,
                is: [.statusChanged(node: nodes[2], status: .suspended, reason: Keccak256.hash([1]))]
            )
        },

        Scenario([57], "a sealed report is rejected once and in time, reported again, and only then rewarded") {
            stage in
            let (reporter, guardian) = (stage.cast.reporter, stage.cast.guardian)
            let person = try await stage.person(deposit: Nano(lai: 1))
            let node = try await stage.node()
            try await stage.settle([try stage.voucher(person.key, node, Nano(lai: 1))])
            let epoch = try await stage.nextDay()
            let rows = [stage.row(node, units: 5)]
            try await stage.run(.report(epoch: epoch, evidence: .zero, rows: rows), by: reporter)
            try await stage.refuse(.reject(epoch: epoch), by: guardian, .notSealed)
            try await stage.refuse(.claimReward(epoch: epoch, node: node), .notFinal)
            try await stage.run(.seal(epoch: epoch), by: reporter)
            try await stage.refuse(.reject(epoch: epoch), by: reporter, .notAllowed)
            let events = try await stage.run(.reject(epoch: epoch), by: guardian).events
            try expect(events, is: [.reportRejected(epoch: epoch)])
            try expect(try await stage.ledger.epoch(epoch), is: EpochRecord(round: 1))
            try expect(try await stage.ledger.status(node) == nil, "the rows of a rejected report are void")
            try await stage.refuse(.seal(epoch: epoch), by: reporter, .nothingReported)
            try await stage.run(.report(epoch: epoch, evidence: .zero, rows: rows), by: reporter)
            let sealed = try await stage.run(.seal(epoch: epoch), by: reporter).time
            try await stage.refuse(.reject(epoch: epoch), by: guardian, .alreadyRejected)
            try await stage.setTime(sealed + 6 * .hour - 1)
            try await stage.refuse(.claimReward(epoch: epoch, node: node), .notFinal)
            try await stage.setTime(sealed + 6 * .hour)
            try await stage.refuse(.reject(epoch: epoch), by: guardian, .tooLate)
            let claimed = try await stage.run(.claimReward(epoch: epoch, node: node)).events
            try expect(
                claimed.last,
                is: .rewardClaimed(epoch: epoch, node: node, amount: Nano(40_000_000))
            )
        },

        Scenario(
            [58, 61],
            "a reward is the node's share of compute and units by its uptime, exactly and once, for 90 epochs",
            beginning: { $0.parameters[.epochBudget] = 10_000 }
        ) { stage in
            let person = try await stage.person(deposit: Nano(200_000))
            let hosts = [try await stage.host(), try await stage.host(), try await stage.host()]
            let nodes = hosts.map(\.id)
            let attester = stage.cast.attester
            // Stake of 1 000 LAI lets ten units of compute count.
            for (node, units) in zip(nodes, [30, 5] as [UInt64]) {
                let set = Command.setCompute(node: node, units: units)
                try expect(try await stage.run(set, by: attester).events, is: [.computeSet(node: node, units: units)])
            }
            try await stage.settle([
                try stage.voucher(person.key, nodes[0], Nano(100_000)),
                try stage.voucher(person.key, nodes[1], Nano(100_000)),
            ])
            let epoch = try await stage.nextDay()
            try await stage.finalize(
                epoch,
                [
                    stage.row(nodes[0], units: 100), stage.row(nodes[1], uptime: 9_500, units: 300),
                    stage.row(nodes[2], uptime: 9_000),
                ]
            )
            func claim(_ index: Int) -> Command { .claimReward(epoch: epoch, node: nodes[index]) }
            let first = try await stage.run(claim(0), by: stage.stranger)
            let tokenomics = stage.ledger.contracts[.tokenomics]
            let expected: [Event] = [
                .transfer(from: .zero, to: tokenomics, value: TokenAmount(Nano(3_750))),
                .rewardClaimed(epoch: epoch, node: nodes[0], amount: Nano(3_750)),
            ]
            try expect(first.events, is: expected)
            try expect(try await stage.ledger.earnings(nodes[0]).earned, is: Nano(98_750))
            try expect(try await stage.ledger.status(nodes[0], in: epoch)?.compute, is: 10)
            try expect(try await stage.ledger.fee(nodes[0], in: epoch), is: Nano(5_000))
            try expect(try await stage.ledger.epoch(epoch).compute, is: 15)
            try await stage.refuse(claim(0), .alreadyClaimed)
            try await stage.refuse(.claimReward(epoch: epoch, node: NodeID(9)), .unknownNode)
            try await stage.refuse(.claimReward(epoch: epoch - 1, node: nodes[0]), .notFinal)
            try expect(try await stage.ledger.reward(nodes[1], in: epoch), is: RewardRecord(amount: Nano(3_125)))
            // Nothing is minted where nothing was earned.
            let none = Event.rewardClaimed(epoch: epoch, node: nodes[2], amount: .zero)
            try expect(try await stage.run(claim(2)).events, is: [none])
            let supply = try await stage.ledger.balances().supply
            try expect(supply, is: try require(TokenAmount.genesisSupply.adding(TokenAmount(Nano(3_750)))))
            try await stage.setTime((epoch + 91) * .day)
            try await stage.refuse(claim(1), .tooLate)
        },

        Scenario([59], "without fees there is no reward, and who pays itself ends poorer") { stage in
            let idle = try await stage.node()
            let wash = try await stage.host(commission: 10_000)
            let person = try await stage.person(deposit: Nano(lai: 100))
            try await stage.settle([try stage.voucher(person.key, wash.id, Nano(lai: 100))])
            let epoch = try await stage.nextDay()
            try await stage.finalize(epoch, [stage.row(idle, units: 1_000_000), stage.row(wash.id, units: 1_000_000)])
            try expect(try await stage.ledger.reward(idle, in: epoch).amount, is: .zero)
            try await stage.run(.claimReward(epoch: epoch, node: wash.id))
            try await stage.run(.harvest(node: wash.id))
            try await stage.run(.claim(node: wash.id))
            // 100 LAI went in; 95 and eight tenths of the fee of five came back.
            try expect(try await stage.ledger.account(wash.owner.address), is: TokenAmount(Nano(lai: 99)))
        },

        Scenario(
            [60],
            "one node earns what two of the same uptime would that share its work",
            beginning: { $0.parameters[.stakePerUnit] = Nano(lai: 1).count }
        ) { stage in
            let whole = try await stage.host(stake: Nano(lai: 3_000))
            let parts = [try await stage.host(stake: Nano(lai: 1_000)), try await stage.host(stake: Nano(lai: 2_000))]
            let work: [(host: HostedNode, compute: UInt64, units: UInt64, paid: UInt64)] = [
                (whole, 900, 7_001, 900), (parts[0], 300, 2_000, 301), (parts[1], 600, 5_001, 599),
            ]
            let person = try await stage.person(deposit: Nano(lai: 2_000_000))
            for entry in work {
                try await stage.run(.setCompute(node: entry.host.id, units: entry.compute), by: stage.cast.attester)
                let amount = Nano(lai: entry.paid * 1_000)
                try await stage.settle([try stage.voucher(person.key, entry.host.id, amount)])
            }
            let epoch = try await stage.nextDay()
            try await stage.finalize(epoch, work.map { stage.row($0.host.id, uptime: 9_900, units: $0.units) })
            var rewards: [UInt64] = []
            for entry in work { rewards.append(try await stage.ledger.reward(entry.host.id, in: epoch).amount.count) }
            // Half of the budget by 90 % of uptime's part, and no more than two nano are lost to rounding.
            try expect(rewards[0], is: 22_500_000_000_000)
            try expect((rewards[0] - 2...rewards[0]).contains(rewards[1] + rewards[2]), "\(rewards)")
        },

        Scenario([61], "uptime counts from nine tenths on, and sums of zero divide nothing") { stage in
            let person = try await stage.person(deposit: Nano(lai: 300))
            var nodes: [NodeID] = []
            for _ in 0..<3 { nodes.append(try await stage.node()) }
            try await stage.settle(try nodes.map { try stage.voucher(person.key, $0, Nano(lai: 100)) })
            let epoch = try await stage.nextDay()
            let rows = zip(nodes, [9_000, 9_500, 10_000] as [UInt16]).map { stage.row($0, uptime: $1, units: 1) }
            try await stage.finalize(epoch, rows)
            // A third of the 35 000 LAI that go by units is above what the fee bounds, so the fee decides.
            for (node, reward) in zip(nodes, [0, 4, 4] as [UInt64]) {
                try expect(try await stage.ledger.reward(node, in: epoch).amount, is: Nano(lai: reward))
            }
            let next = try await stage.nextDay()
            try await stage.finalize(next, nodes.map { stage.row($0) })
            try expect(try await stage.ledger.reward(nodes[2], in: next).amount, is: .zero)
            let claimed = try await stage.run(.claimReward(epoch: next, node: nodes[2])).events
            try expect(claimed, is: [.rewardClaimed(epoch: next, node: nodes[2], amount: .zero)])
        },

        Scenario(
            [62],
            "no more is minted in a day than the schedule gives",
            beginning: {
                $0.parameters[.epochBudget] = Nano(lai: 60_000).count
                $0.parameters[.lambda] = 30_000
                $0.parameters[.alpha] = 0
            }
        ) { stage in
            let node = try await stage.node()
            let person = try await stage.person(deposit: Nano(lai: 1_000_000))
            var epochs: [UInt64] = []
            for day in UInt64(1)...2 {
                try await stage.settle([try stage.voucher(person.key, node, Nano(lai: 400_000 * day))])
                let epoch = try await stage.nextDay()
                try await stage.finalize(epoch, [stage.row(node, units: 1)])
                epochs.append(epoch)
            }
            let claimed = try await stage.run(.claimReward(epoch: epochs[0], node: node)).events
            try expect(
                claimed.last,
                is: .rewardClaimed(epoch: epochs[0], node: node, amount: Nano(lai: 60_000))
            )
            let second = Command.claimReward(epoch: epochs[1], node: node)
            try await stage.refuse(second, .beyondSchedule)
            try await stage.advance(.day)
            try await stage.run(second)
        },

        Scenario([], "what a node can compute moves by a factor of two a day") { stage in
            let node = try await stage.node()
            let attester = stage.cast.attester
            func set(_ units: UInt64) -> Command { .setCompute(node: node, units: units) }
            try await stage.refuse(set(5), by: stage.cast.reporter, .notAllowed)
            try await stage.refuse(.setCompute(node: NodeID(9), units: 1), by: attester, .unknownNode)
            let first = try await stage.run(set(5), by: attester).time
            try await stage.setTime(first + .day - 1)
            try await stage.refuse(set(6), by: attester, .tooEarly)
            try await stage.setTime(first + .day)
            try await stage.refuse(set(11), by: attester, .stepTooLarge)
            try await stage.refuse(set(1), by: attester, .stepTooLarge)
            try await stage.run(set(10), by: attester)
            try await stage.advance(.day)
            try await stage.run(set(5), by: attester)
            let record = try require(try await stage.ledger.node(node))
            try expect(record.computeUnits, is: 5)
        },
    ]
}
