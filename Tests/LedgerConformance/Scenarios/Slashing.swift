import Ledger

extension Scenario {
    /// Offences and their penalties.
    static let slashing: [Scenario] = [
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
    ]
}
