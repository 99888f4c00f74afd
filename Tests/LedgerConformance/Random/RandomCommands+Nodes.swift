import Ledger

extension RandomCommands {
    /// The wallet of a node's owner, or anyone's.
    private mutating func owner(of node: NodeID, _ ledger: any Ledger) async throws -> Secp256k1Key {
        let owner = try await ledger.node(node)?.owner
        return try mostly(people.first { $0.address == owner } ?? cast.stranger)
    }

    mutating func nodeLife(_ ledger: any Ledger) async throws -> Step {
        let (node, person) = (node(), try pick(people))
        let owner = try await owner(of: node, ledger)
        switch number(0...13) {
        case 0,
            1 where happens(oneIn: 2):
            let application = NodeApplication(
                kind: try pick(NodeKind.allCases),
                model: .zero,
                meta: .zero,
                payout: person.address,
                signer: try freshSigner().address,
                commission: UInt16(number(0...10_050)),
                selfStake: Nano(number(900_000_000...4_000_000_000))
            )
            return plain(.registerNode(application), person)
        case 5: return plain(.setMeta(node: node, meta: Bytes32(number: number(0...9))), owner)
        case 6: return plain(.setSigner(node: node, signer: try freshSigner().address), owner)
        case 7: return plain(.proposePayout(node: node, payout: person.address), owner)
        case 8: return plain(.acceptPayout(node: node), person)
        case 9: return plain(.setCommission(node: node, commission: UInt16(number(0...10_000))), owner)
        case 10: return plain(.transferNode(node: node, to: person.address), owner)
        case 11:
            let pending = try await ledger.node(node)?.pendingOwner
            return plain(.acceptNode(node: node), people.first { $0.address == pending } ?? person)
        case 12 where happens(oneIn: 4): return plain(.exit(node: node), owner)
        case 1 where happens(oneIn: 2): return plain(.completeExit(node: node), person)
        case 2, 3: return plain(.setCompute(node: node, units: number(0...6)), try mostly(cast.attester))
        case 4 where happens(oneIn: 25): return plain(.ban(node: node, reason: .zero), try mostly(cast.owner))
        default: return plain(.resume(node: node), try mostly(cast.reporter))
        }
    }

    mutating func staking(_ ledger: any Ledger) async throws -> Step {
        let (node, person) = (node(), try pick(people))
        switch number(0...9) {
        case 0...4: return plain(.stake(node: node, amount: nano(9_000_000_000)), person)
        case 5...7:
            let pool = try await ledger.pool(node)
            let isOwner = try await ledger.node(node)?.owner == person.address
            let stake = try await ledger.stake(node, of: person.address)
            let held = isOwner ? pool.selfShares : stake.shares
            let part = held / UInt128(number(1...4)) + UInt128(happens(oneIn: 8) ? 1 : 0)
            return plain(.requestExit(node: node, shares: part), person)
        default:
            let exit = try await ledger.exit(node, of: person.address)
            if exit.end != 0, happens(oneIn: 2) { time = max(time, exit.end) }
            return plain(.withdrawStake(node: node), person)
        }
    }

    mutating func earnings() throws -> Step {
        let (node, caller) = (node(), try anyone())
        switch number(0...9) {
        case 0...3: return plain(.harvest(node: node), caller)
        case 4...5: return plain(.claim(node: node), caller)
        case 6: return plain(.sweep, caller)
        case 7: return plain(.payInsurance(to: caller.address, amount: nano(9_000)), try mostly(cast.owner))
        default: return plain(.payFromTreasury(to: caller.address, amount: nano(9_000)), try mostly(cast.owner))
        }
    }

    mutating func reports(_ ledger: any Ledger) async throws -> Step {
        let today = time / .day
        let epoch = today - number(happens(oneIn: 5) ? 0...4 : 1...1)
        if let step = try await followUp(ledger, today - 1) { return step }
        switch number(0...9) {
        case 0...3:
            var rows: [ReportRow] = []
            for number in UInt64(1)...6 where try await ledger.node(NodeID(number)) != nil && !happens(oneIn: 4) {
                rows.append(
                    ReportRow(
                        node: NodeID(number),
                        uptime: UInt16(self.number(8_900...10_000)),
                        units: self.number(0...300),
                        health: 9_000,
                        reputation: UInt16(self.number(0...10_000)),
                        latency: UInt32(self.number(0...2_000))
                    )
                )
            }
            return plain(.report(epoch: epoch, evidence: .zero, rows: rows), try mostly(cast.reporter))
        case 4, 5: return plain(.seal(epoch: epoch), try mostly(cast.reporter))
        case 6 where happens(oneIn: 2): return plain(.reject(epoch: epoch), try mostly(cast.guardian))
        case 7: return plain(.suspend(node: node(), reason: .zero), try mostly(cast.reporter))
        default: return plain(.claimReward(epoch: today - number(1...4), node: node()), try anyone())
        }
    }

    /// What comes next for the newest epoch that is over: its seal, its end of the window, its rewards.
    private mutating func followUp(_ ledger: any Ledger, _ epoch: UInt64) async throws -> Step? {
        let record = try await ledger.epoch(epoch)
        guard record.count != 0, happens(oneIn: 2) else { return nil }
        guard record.sealedAt != 0 else { return plain(.seal(epoch: epoch), try mostly(cast.reporter)) }
        if happens(oneIn: 8) { return plain(.reject(epoch: epoch), try mostly(cast.guardian)) }
        time = max(time, record.sealedAt + EpochRecord.rejectionTime)
        return plain(.claimReward(epoch: epoch, node: node()), try anyone())
    }

    mutating func offences(_ ledger: any Ledger) async throws -> Step {
        let (node, id) = (node(), CaseID(number(1...6)))
        switch number(0...11) {
        case 0...3:
            guard let record = try await ledger.node(node),
                let signer = signers.first(where: { $0.address == record.signer })
            else { return plain(.releaseSlash(id), try anyone()) }
            return try evidence(node, happens(oneIn: 10) ? cast.stranger : signer)
        case 4...6:
            if let record = try await ledger.slashingCase(id), record.state == .escrowed, happens(oneIn: 3) {
                time = max(time, record.time + CaseRecord.escrowTime)
            }
            return plain(.releaseSlash(id), try anyone())
        case 7 where happens(oneIn: 3): return plain(.giveBackSlash(id), try mostly(cast.owner))
        case 8, 9:
            let (bps, evidence) = (UInt16(number(0...500)), Bytes32(number: number(1...30)))
            let propose = Command.proposeQuality(node: node, bps: bps, evidence: evidence)
            return plain(propose, try mostly(cast.committee))
        case 10 where happens(oneIn: 3): return plain(.vetoQuality(id), try mostly(cast.guardian))
        default:
            if let record = try await ledger.slashingCase(id), record.state == .proposed, happens(oneIn: 2) {
                time = max(time, record.time)
            }
            return plain(.executeQuality(id), try anyone())
        }
    }

    private mutating func evidence(_ node: NodeID, _ signer: Secp256k1Key) throws -> Step {
        let (now, caller) = (time - number(0...60), try anyone())
        let (session, seq) = (Bytes32(number: number(1...9)), number(1...3))
        let quote = Quote(
            node: node,
            model: .zero,
            inputPrice: Nano(30_001),
            outputPrice: Nano(60_000),
            validUntil: 0
        )
        func receipt(_ response: UInt64, cost: UInt64) -> Receipt {
            Receipt(
                session: session,
                seq: seq,
                node: node,
                key: cast.stranger.keyID,
                request: .zero,
                response: Bytes32(number: response),
                quote: quote.structHash,
                inputTokens: 1_000,
                outputTokens: 500,
                cost: Nano(cost),
                amount: Nano(cost),
                finishedAt: now
            )
        }
        let (first, second) = (receipt(number(0...1), cost: number(60...63)), receipt(2, cost: 61))
        switch number(0...2) {
        case 0:
            return step(caller, "prove_receipts of \(node), session \(session)") { ledger in
                .proveReceipts(try ledger.signed(first, signer), try ledger.signed(second, signer))
            }
        case 1:
            return step(caller, "prove_overcharge of \(node), cost \(first.cost)") { ledger in
                .proveOvercharge(try ledger.signed(quote, signer), try ledger.signed(first, signer))
            }
        default:
            let probes = [1, number(1...2)].map { status in
                Probe(node: node, challenge: session, status: Bytes32(number: status), at: now)
            }
            return step(caller, "prove_probes of \(node), challenge \(session)") { ledger in
                .proveProbes(try ledger.signed(probes[0], signer), try ledger.signed(probes[1], signer))
            }
        }
    }
}

extension Ledger {
    fileprivate func signed<Message>(
        _ message: Message,
        _ key: Secp256k1Key
    ) throws -> SignedMessage<Message> {
        SignedMessage(message, signature: try key.sign(message, in: domain))
    }
}
