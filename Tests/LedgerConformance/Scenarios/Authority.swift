import Ledger

extension Scenario {
    /// Authority, pauses, the faucet.
    static let authority: [Scenario] = [
        Scenario([71], "what a role may do nobody else may, and a refused call changes nothing") { stage in
            let host = try await stage.host()
            let person = try await stage.person()
            let callers = stage.cast.everyone + [host.owner, person.wallet]
            // Where commands are slow, each is tried by a third of them, and each of them tries a third of the commands.
            let part = stage.backstage.auditsEveryCommand ? 1 : 3
            for (index, (command, holders)) in try stage.guarded(host, person).enumerated() {
                for (number, key) in callers.enumerated()
                where (index + number).isMultiple(of: part) && !holders.contains(where: { $0.address == key.address }) {
                    do {
                        try await stage.refuse(command, by: key, .notAllowed)
                    } catch let failure as ScenarioFailure {
                        throw ScenarioFailure("\(command): \(failure)", #fileID, #line)
                    }
                }
            }
        },

        Scenario([71], "a contract changes hands in two steps, and its roles with its owner's word") { stage in
            let next = stage.stranger
            for contract in Contract.allCases where contract != .laiToken && contract != .timelock {
                try expect(
                    try await stage.ledger.owner(of: contract),
                    is: OwnerRecord(owner: stage.owner.address)
                )
                try await stage.refuse(.acceptOwner(contract), by: next, .nothingPending)
                let propose = Command.proposeOwner(contract, owner: next.address)
                try await stage.refuse(propose, by: next, .notAllowed)
                let events = try await stage.run(propose, by: stage.owner).events
                try expect(events, is: [.ownerProposed(contract, owner: next.address)])
                try await stage.refuse(.acceptOwner(contract), by: stage.administrator, .notAllowed)
                try await stage.run(.acceptOwner(contract), by: next)
                try await stage.refuse(propose, by: stage.owner, .notAllowed)
                for role in Role.allCases {
                    let set = Command.setRole(contract, role, holder: stage.administrator.address)
                    if role.contracts.contains(contract) {
                        let before = stage.cast[role].address
                        try expect(try await stage.ledger.holder(of: role, on: contract), is: before)
                        try await stage.run(set, by: next)
                        let after = try await stage.ledger.holder(of: role, on: contract)
                        try expect(after, is: stage.administrator.address)
                    } else {
                        try await stage.refuse(set, by: next, .wrongKind)
                    }
                }
            }
            try expect(
                try await stage.ledger.owner(of: .timelock).owner,
                is: stage.ledger.contracts[.timelock]
            )
        },

        Scenario([72], "figures stay in their bounds, move in steps and keep the rule between delays") { stage in
            let owner = stage.owner
            try await stage.refuse(.setParameter(.feeBPS, value: 400), by: stage.stranger, .notAllowed)
            try await stage.refuse(.setParameter(.feeBPS, value: 2_001), by: owner, .outOfBounds)
            try await stage.refuse(.setParameter(.feeBPS, value: 1_001), by: owner, .stepTooLarge)
            let events = try await stage.run(.setParameter(.feeBPS, value: 1_000), by: owner).events
            let name = try require(Bytes32(ascii: "fee_bps"))
            try expect(events, is: [.parameterSet(name: name, value: 1_000)])
            try expect(try await stage.ledger.parameters()[.feeBPS], is: 1_000)
            try await stage.run(.setParameter(.revokeDelay, value: 12 * .hour), by: owner)
            try await stage.refuse(.setParameter(.revokeDelay, value: 12 * .hour + 2), by: owner, .breaksRule)
            try await stage.refuse(.setParameter(.withdrawDelay, value: 23 * .hour), by: owner, .breaksRule)
            for name in Parameters.Name.allCases where name != .timelock {
                let value = try await stage.ledger.parameters()[name]
                try await stage.run(.setParameter(name, value: value), by: owner)
                let (above, below) = (name.bounds.upperBound + 1, name.bounds.lowerBound)
                try await stage.refuse(.setParameter(name, value: above), by: owner, .outOfBounds)
                guard below > 0 else { continue }
                try await stage.refuse(.setParameter(name, value: below - 1), by: owner, .outOfBounds)
            }
        },

        Scenario(
            [72],
            "an owner behind a timelock changes nothing before the wait is over",
            beginning: {
                $0.isOwnedByTimelock = true
            }
        ) { stage in
            let (council, guardian) = (stage.cast.council, stage.cast.guardian)
            let target = stage.ledger.contracts[.tokenomics]
            let command = Command.setParameter(.feeBPS, value: 600)
            let call = command.encoded()
            try await stage.refuse(command, by: stage.owner, .notAllowed)
            try await stage.refuse(command, by: council, .notAllowed)
            let queue = Command.queue(target: target, call: call)
            try await stage.refuse(queue, by: guardian, .notAllowed)
            let long = Command.queue(target: target, call: [UInt8](repeating: 0, count: 4_097))
            try await stage.refuse(long, by: council, .tooMany)
            let nowhere = Command.queue(target: stage.stranger.address, call: call)
            try await stage.refuse(nowhere, by: council, .badAddress)
            let queued = try await stage.run(queue, by: council)
            let readyAt = queued.time + 2 * .day
            let hash = Keccak256.hash(call)
            try expect(
                queued.events,
                is: [.queued(id: CallID(1), target: target, dataHash: hash, readyAt: readyAt)]
            )
            try expect(
                try await stage.ledger.queuedCall(CallID(1)),
                is: QueuedCall(target: target, dataHash: hash, readyAt: readyAt)
            )
            let execute = Command.executeQueued(CallID(1), target: target, call: call)
            try await stage.refuse(.executeQueued(CallID(9), target: target, call: call), .unknownCase)
            try await stage.setTime(readyAt - 1)
            try await stage.refuse(execute, .tooEarly)
            try await stage.setTime(readyAt)
            let other = stage.ledger.contracts[.userRegistry]
            try await stage.refuse(.executeQueued(CallID(1), target: other, call: call), .badData)
            try await stage.refuse(.executeQueued(CallID(1), target: target, call: call + [0]), .badData)
            let name = try require(Bytes32(ascii: "fee_bps"))
            let events = try await stage.run(execute, by: stage.stranger).events
            try expect(events, is: [.parameterSet(name: name, value: 600), .executed(id: CallID(1))])
            try await stage.refuse(execute, .alreadySettled)

            // A call that is refused is not made, and may be tried again.
            try await stage.run(
                .queue(target: target, call: Command.setParameter(.feeBPS, value: 2_000).encoded()),
                by: council
            )
            try await stage.advance(2 * .day)
            let dear = Command.setParameter(.feeBPS, value: 2_000).encoded()
            try await stage.refuse(.executeQueued(CallID(2), target: target, call: dear), .stepTooLarge)
            try await stage.advance(14 * .day + 1)
            try await stage.refuse(.executeQueued(CallID(2), target: target, call: dear), .tooLate)

            try await stage.run(queue, by: council)
            try await stage.refuse(.cancelQueued(CallID(3)), .notAllowed)
            try await stage.refuse(.cancelQueued(CallID(9)), by: guardian, .unknownCase)
            let cancelled = try await stage.run(.cancelQueued(CallID(3)), by: guardian).events
            try expect(cancelled, is: [.cancelled(id: CallID(3))])
            try await stage.refuse(.cancelQueued(CallID(3)), by: council, .alreadySettled)
            try await stage.refuse(.executeQueued(CallID(3), target: target, call: call), .alreadySettled)

            // The timelock owns itself: its wait changes after its wait.
            let own = stage.ledger.contracts[.timelock]
            let wait = Command.setParameter(.timelock, value: 3 * .day).encoded()
            try await stage.run(.queue(target: own, call: wait), by: council)
            try await stage.advance(2 * .day)
            try await stage.run(.executeQueued(CallID(4), target: own, call: wait))
            try expect(try await stage.ledger.parameters()[.timelock], is: 3 * .day)
        },

        Scenario([73], "a pause settles nothing, delays withdrawals, ends by itself and does not come back soon") {
            stage in
            let (guardian, owner) = (stage.cast.guardian, stage.owner)
            let person = try await stage.person(deposit: Nano(100))
            let node = try await stage.node()
            let entry = try stage.voucher(person.key, node, Nano(10))
            try await stage.run(try await stage.withdraw(Nano(50), by: person))
            try await stage.refuse(.pause(.userRegistry), .notAllowed)
            try await stage.refuse(.unpause(.userRegistry), by: owner, .notPaused)
            let paused = try await stage.run(.pause(.userRegistry), by: guardian)
            let end = paused.time + 7 * .day
            try expect(paused.events, is: [.paused(.userRegistry, until: end)])
            try expect(try await stage.ledger.pauseEnd(of: .userRegistry), is: end)
            try await stage.refuse(.pause(.userRegistry), by: guardian, .paused)
            try await stage.refuse(.settle([entry]), by: stage.stranger, .paused)
            try await stage.refuse(.deposit(user: person.id, amount: TokenAmount(Nano(1))), .paused)
            try await stage.refuse(.completeWithdraw(user: person.id), .paused)
            try await stage.setTime(end)
            try await stage.refuse(.pause(.userRegistry), by: guardian, .tooEarly)
            try expect(try await stage.settle([entry], atItsTime: true), is: [.settled])
            try await stage.setTime(end + 6 * .hour - 1)
            try await stage.refuse(.completeWithdraw(user: person.id), .paused)
            try await stage.setTime(end + 6 * .hour)
            try await stage.run(.completeWithdraw(user: person.id))
            try await stage.setTime(end + 30 * .day - 1)
            try await stage.refuse(.pause(.userRegistry), by: guardian, .tooEarly)
            try await stage.setTime(end + 30 * .day)
            try await stage.run(.pause(.userRegistry), by: guardian)
            try await stage.refuse(.unpause(.userRegistry), by: guardian, .notAllowed)
            try expect(
                try await stage.run(.unpause(.userRegistry), by: owner).events,
                is: [.unpaused(.userRegistry)]
            )
            try await stage.refuse(.pause(.userRegistry), by: guardian, .tooEarly)
            try await stage.run(.pause(.userRegistry), by: owner)
        },

        Scenario([74], "exits, claims, harvests and revocations work while all is paused") { stage in
            let person = try await stage.person(deposit: Nano(100_000))
            let host = try await stage.host()
            try await stage.settle([try stage.voucher(person.key, host.id, Nano(10_000))])
            let epoch = try await stage.nextDay()
            try await stage.finalize(epoch, [stage.row(host.id, units: 1)])
            for contract in Pause.contracts { try await stage.run(.pause(contract), by: stage.cast.guardian) }
            try await stage.refuse(.stake(node: host.id, amount: Nano(1)), by: host.owner, .paused)
            try await stage.refuse(.claimReward(epoch: epoch, node: host.id), .paused)
            let grant = KeyGrant(
                user: person.id,
                key: Secp256k1Key().keyID,
                kind: .secp256k1,
                validUntil: try await stage.now() + .day,
                cap: Nano(1),
                nonce: try await stage.nonce(person.id)
            )
            try await stage.refuse(.grantKey(grant, auth: nil), by: person.wallet, .paused)
            try await stage.run(.harvest(node: host.id))
            try await stage.run(.claim(node: host.id))
            try await stage.run(.exit(node: host.id), by: host.owner)
            let revoke = KeyRevoke(
                user: person.id,
                key: person.key.keyID,
                nonce: try await stage.nonce(person.id)
            )
            try await stage.run(.revokeKey(revoke, auth: nil), by: person.wallet)
            try await stage.run(try await stage.withdraw(Nano(5), by: person))
            try await stage.setTime(try await stage.now() + 7 * .day)
            try await stage.run(.withdrawStake(node: host.id), by: host.owner)
        },

        Scenario(
            [77],
            "the faucet gives once a user, within a day's budget, by its signer",
            beginning: {
                $0.parameters[.dailyBudget] = Nano(lai: 9).count
            }
        ) { stage in
            let (first, second) = (try await stage.person(), try await stage.person())
            let signer = stage.cast.faucetSigner
            let amount = Nano(lai: 5)
            try await stage.refuse(.grant(user: first.id), .notAllowed)
            try await stage.refuse(.grant(user: UserID(9)), by: signer, .unknownUser)
            let granted = try await stage.run(.grant(user: first.id), by: signer)
            let (faucet, registry) = (stage.ledger.contracts[.faucet], stage.ledger.contracts[.userRegistry])
            let expected: [Event] = [
                .transfer(from: faucet, to: registry, value: TokenAmount(amount)),
                .bonusCredited(user: first.id, amount: amount, expires: granted.time + 180 * .day),
                .granted(user: first.id, amount: amount),
            ]
            try expect(granted.events, is: expected)
            try await stage.refuse(.grant(user: first.id), by: signer, .alreadyGranted)
            try await stage.refuse(.grant(user: second.id), by: signer, .budgetSpent)
            try await stage.advance(.day)
            try await stage.run(.grant(user: second.id), by: signer)
            try await stage.refuse(.creditBonus(user: first.id, amount: Nano(1)), .notAllowed)
        },
    ]
}

extension Stage {
    /// Commands that only some may give, with who may; each refuses everybody else before it looks at anything else.
    fileprivate func guarded(_ host: HostedNode, _ person: Person) throws -> [(Command, [Secp256k1Key])] {
        let (node, owner) = (host.id, cast.owner)
        var commands: [(Command, [Secp256k1Key])] = [
            (.registerAttested(commitment: .zero), [cast.registrar]),
            (
                .grantKeyAttested(user: person.id, key: person.key.keyID, kind: .secp256k1, validUntil: 0, cap: .zero),
                [cast.registrar]
            ),
            (.creditBonus(user: person.id, amount: Nano(1)), []),
            (.setMeta(node: node, meta: .zero), [host.owner]),
            (.setModel(node: node, model: .zero), [host.owner]),
            (.setSigner(node: node, signer: .zero), [host.owner]),
            (.proposePayout(node: node, payout: .zero), [host.owner]),
            (.setCommission(node: node, commission: 1), [host.owner]),
            (.transferNode(node: node, to: .zero), [host.owner]),
            (.exit(node: node), [host.owner]),
            (.setCompute(node: node, units: 1), [cast.attester]),
            (.ban(node: node, reason: .zero), [owner]),
            (.report(epoch: 0, evidence: .zero, rows: []), [cast.reporter]),
            (.seal(epoch: 0), [cast.reporter]),
            (.reject(epoch: 0), [cast.guardian]),
            (.suspend(node: node, reason: .zero), [cast.reporter]),
            (.resume(node: node), [cast.reporter]),
            (.payInsurance(to: person.wallet.address, amount: Nano(1)), [owner]),
            (.giveBackSlash(CaseID(1)), [owner]),
            (.proposeQuality(node: node, bps: 1, evidence: .zero), [cast.committee]),
            (.vetoQuality(CaseID(1)), [cast.guardian]),
            (.grant(user: person.id), [cast.faucetSigner]),
            (.payFromTreasury(to: person.wallet.address, amount: Nano(1)), [owner]),
            (.queue(target: ledger.contracts[.treasury], call: []), [cast.council]),
            (.cancelQueued(CallID(1)), [cast.council, cast.guardian]),
            (.allowFunction(target: .zero, FunctionSelector(0), isAllowed: true), [owner]),
            (.publish(name: .zero, at: .zero), [owner]),
        ]
        for contract in Contract.allCases where contract != .laiToken {
            let holders = contract == .timelock ? [] : [owner]
            commands.append((.proposeOwner(contract, owner: .zero), holders))
            for role in role(on: contract) { commands.append((.setRole(contract, role, holder: .zero), holders)) }
        }
        for contract in Pause.contracts {
            commands.append((.pause(contract), [owner, cast.guardian]))
            commands.append((.unpause(contract), [owner]))
        }
        for name in Parameters.Name.allCases {
            commands.append((.setParameter(name, value: name.standard), name == .timelock ? [] : [owner]))
        }
        return commands
    }

    private func role(on contract: Contract) -> [Role] {
        Role.allCases.filter { $0.contracts.contains(contract) }
    }
}
