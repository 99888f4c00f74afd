import Ledger

extension Scenario {
    /// Votes, the treasury, the directory.
    static let governance: [Scenario] = [
        Scenario(
            [],
            "stakers propose what is on the list, vote, and what wins waits in the timelock",
            beginning: {
                $0.isOwnedByTimelock = false
                $0.isGovernedByStake = true
            }
        ) { stage in
            let hosts = [try await stage.host(), try await stage.host()]
            let staker = try await stage.wallet(holding: Nano(lai: 300))
            try await stage.run(.stake(node: hosts[0].id, amount: Nano(lai: 200)), by: staker)
            let governor = stage.ledger.contracts[.governor]
            let target = stage.ledger.contracts[.timelock]
            let call = Command.setParameter(.timelock, value: 3 * .day).encoded()
            let function = FunctionSelector("set_parameter(bytes32,uint64)")
            let all = hosts.map(\.id)
            func propose(_ nodes: [NodeID]) -> Command {
                .propose(target: target, call: call, description: Keccak256.hash([1]), nodes: nodes)
            }
            try expect(try await stage.ledger.holder(of: .council, on: .timelock), is: governor)
            try await stage.refuse(propose(all), by: staker, .notOnTheList)
            let allow = Command.allowFunction(target: target, function, isAllowed: true)
            try await stage.refuse(allow, .notAllowed)
            let allowed = try await stage.run(allow, by: stage.owner).events
            try expect(allowed, is: [.functionAllowed(target: target, function: function, isAllowed: true)])
            try expect(try await stage.ledger.isAllowed(function, of: target))
            try await stage.refuse(propose(all), by: stage.stranger, .insufficient)
            try await stage.refuse(propose([]), by: staker, .insufficient)
            try await stage.refuse(propose([all[0], all[0]]), by: staker, .badData)
            let proposed = try await stage.run(propose(all), by: staker)
            let id = ProposalID(1)
            let endsAt = proposed.time + 5 * .day
            let event = Event.proposed(
                id: id,
                proposer: staker.address,
                target: target,
                dataHash: Keccak256.hash(call),
                description: Keccak256.hash([1]),
                endsAt: endsAt
            )
            try expect(proposed.events, is: [event])
            func vote(_ support: Bool, _ nodes: [NodeID]) -> Command { .vote(id, support: support, nodes: nodes) }
            try await stage.refuse(vote(true, [all[0]]), by: stage.stranger, .insufficient)
            try await stage.refuse(vote(true, []), by: staker, .insufficient)
            try await stage.refuse(.vote(ProposalID(9), support: true, nodes: all), by: staker, .unknownCase)
            try await stage.refuse(vote(true, [all[0], all[0]]), by: staker, .alreadyVoted)
            let voted = try await stage.run(vote(false, [all[0]]), by: staker).events
            let weight = Nano(lai: 200)
            let ballot = Event.voted(id: id, node: all[0], voter: staker.address, support: false, weight: weight)
            try expect(voted, is: [ballot])
            try await stage.refuse(vote(true, [all[0]]), by: staker, .alreadyVoted)
            // Stake that came after the proposal does not vote.
            try await stage.run(.stake(node: all[1], amount: Nano(lai: 1)), by: staker)
            try await stage.refuse(vote(true, [all[1]]), by: staker, .insufficient)
            try await stage.run(vote(true, [all[1]]), by: hosts[1].owner)
            let enact = Command.enact(id, target: target, call: call)
            try await stage.refuse(enact, .tooEarly)
            try await stage.setTime(endsAt)
            try await stage.refuse(vote(true, [all[0]]), by: hosts[0].owner, .tooLate)
            try await stage.refuse(.enact(id, target: target, call: call + [0]), .badData)
            let enacted = try await stage.run(enact, by: stage.stranger)
            let readyAt = enacted.time + 2 * .day
            let hash = Keccak256.hash(call)
            let queued: [Event] = [
                .queued(id: CallID(1), target: target, dataHash: hash, readyAt: readyAt),
                .enacted(id: id, call: CallID(1)),
            ]
            try expect(enacted.events, is: queued)
            try await stage.refuse(enact, .alreadySettled)
            let record = try require(try await stage.ledger.proposal(id))
            try expect(record.yes == Nano(lai: 1_000) && record.no == weight && record.isEnacted)
            try expect(record.total, is: Nano(lai: 2_200))
            try await stage.setTime(readyAt)
            try await stage.run(.executeQueued(CallID(1), target: target, call: call))
            try expect(try await stage.ledger.parameters()[.timelock], is: 3 * .day)
        },

        Scenario(
            [],
            "a vote without a tenth of the stake, or without a majority, comes to nothing",
            beginning: {
                $0.isGovernedByStake = true
            }
        ) { stage in
            let host = try await stage.host()
            let staker = try await stage.wallet(holding: Nano(lai: 50))
            try await stage.run(.stake(node: host.id, amount: Nano(lai: 50)), by: staker)
            let target = stage.ledger.contracts[.timelock]
            let call = Command.setParameter(.timelock, value: 3 * .day).encoded()
            let function = FunctionSelector("set_parameter(bytes32,uint64)")
            let allow = Command.allowFunction(target: target, function, isAllowed: true)
            try await stage.run(allow, by: stage.owner)
            let propose = Command.propose(target: target, call: call, description: .zero, nodes: [host.id])
            for _ in 0..<2 { try await stage.run(propose, by: staker) }
            try await stage.run(.vote(ProposalID(1), support: true, nodes: [host.id]), by: staker)
            try await stage.run(.vote(ProposalID(2), support: false, nodes: [host.id]), by: host.owner)
            try await stage.run(.vote(ProposalID(2), support: true, nodes: [host.id]), by: staker)
            try await stage.advance(5 * .day)
            try await stage.refuse(.enact(ProposalID(1), target: target, call: call), .noQuorum)
            try await stage.refuse(.enact(ProposalID(2), target: target, call: call), .outvoted)
            try await stage.refuse(.enact(ProposalID(3), target: target, call: call), .unknownCase)
        },

        Scenario([], "the treasury pays, and the directory names, by the owner's word") { stage in
            let (owner, target) = (stage.owner, Secp256k1Key().address)
            let treasury = stage.ledger.contracts[.treasury]
            let pay = Command.payFromTreasury(to: target, amount: Nano(7))
            try await stage.refuse(pay, by: owner, .insufficient)
            try await stage.run(.transfer(to: treasury, amount: TokenAmount(Nano(10))))
            try await stage.refuse(pay, .notAllowed)
            try await stage.refuse(.payFromTreasury(to: .zero, amount: Nano(7)), by: owner, .badAddress)
            let expected: [Event] = [
                .transfer(from: treasury, to: target, value: TokenAmount(Nano(7))), .paid(to: target, amount: Nano(7)),
            ]
            try expect(try await stage.run(pay, by: owner).events, is: expected)
            let name = try require(Bytes32(ascii: "UserRegistry"))
            try await stage.refuse(.publish(name: name, at: target), .notAllowed)
            let published = try await stage.run(.publish(name: name, at: target), by: owner).events
            try expect(published, is: [.published(name: name, at: target)])
            try expect(try await stage.ledger.published(name), is: target)
        },
    ]
}
