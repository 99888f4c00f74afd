import Ledger
import Testing

/// Random commands and events: one of each case, in the order of the declarations.
struct RandomRules {
    var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func number() -> UInt64 { random.next() >> UInt64.random(in: 0..<64, using: &random) }
    mutating func small() -> UInt16 { UInt16(truncatingIfNeeded: random.next()) }
    mutating func word() throws -> Bytes32 { try random.word() }
    mutating func address() throws -> Address { Address(lastOf: try word()) }
    mutating func key() throws -> KeyID { KeyID(secp256k1: try address()) }
    mutating func user() -> UserID { UserID(number()) }
    mutating func node() -> NodeID { NodeID(number()) }
    mutating func nano() -> Nano { Nano(number()) }
    mutating func tokens() -> TokenAmount { TokenAmount(units: UInt128(random.next()) << 64 | UInt128(random.next())) }
    mutating func kind() -> KeyKind { Bool.random(using: &random) ? .p256 : .secp256k1 }

    mutating func signature() throws -> LedgerSignature {
        try LedgerSignature(r: word(), s: word(), x: word(), y: word())
    }

    mutating func bare() throws -> LedgerSignature { try LedgerSignature(r: word(), vs: word()) }

    mutating func auth() throws -> Auth {
        let data = random.bytes(Int.random(in: 0...80, using: &random))
        let rest = random.bytes(Int.random(in: 0...80, using: &random))
        return Auth(
            r: try word(),
            s: try word(),
            x: try word(),
            y: try word(),
            authenticatorData: data,
            clientDataRest: rest
        )
    }

    mutating func optionalAuth() throws -> Auth? { Bool.random(using: &random) ? try auth() : nil }

    mutating func entry() throws -> SettleEntry {
        SettleEntry(
            node: node(),
            amount: nano(),
            units: number(),
            receipts: try word(),
            signature: try signature()
        )
    }

    mutating func parameter() -> Parameters.Name { Parameters.Name.allCases.randomElement(using: &random) ?? .feeBPS }

    mutating func wide() -> UInt128 { UInt128(number()) << 64 | UInt128(number()) }
    mutating func role() -> Role { Role.allCases.randomElement(using: &random) ?? .guardian }
    mutating func contract() -> Contract { Contract.allCases.dropFirst().randomElement(using: &random) ?? .treasury }
    mutating func call() -> [UInt8] { random.bytes(Int.random(in: 0...70, using: &random)) }
    mutating func function() -> FunctionSelector { FunctionSelector(UInt32(truncatingIfNeeded: random.next())) }

    mutating func row() -> ReportRow {
        ReportRow(
            node: node(),
            uptime: small(),
            units: number(),
            health: small(),
            reputation: small(),
            latency: UInt32(truncatingIfNeeded: random.next())
        )
    }

    mutating func signed<Message>(_ message: Message) throws -> SignedMessage<Message> {
        SignedMessage(message, signature: try bare())
    }

    mutating func receipt() throws -> Receipt {
        Receipt(
            session: try word(),
            seq: number(),
            node: node(),
            key: try key(),
            request: try word(),
            response: try word(),
            quote: try word(),
            inputTokens: number(),
            outputTokens: number(),
            cost: nano(),
            amount: nano(),
            finishedAt: number()
        )
    }

    mutating func quote() throws -> Quote {
        Quote(node: node(), model: try word(), inputPrice: nano(), outputPrice: nano(), validUntil: number())
    }

    mutating func probe() throws -> Probe {
        Probe(node: node(), challenge: try word(), status: try word(), at: number())
    }

    mutating func commands() throws -> [Command] {
        [
            .transfer(to: try address(), amount: tokens()),
            .burn(amount: tokens()),
            .registerWallet(owner: try address(), signature: try bare()),
            .registerWallet(owner: try address(), signature: nil),
            .registerPasskey(
                RegisterPasskey(x: try word(), y: try word(), rpIDHash: try word()),
                assertion: try auth()
            ),
            .registerAttested(commitment: try word()),
            .grantKey(
                KeyGrant(
                    user: user(),
                    key: try key(),
                    kind: kind(),
                    validUntil: number(),
                    cap: nano(),
                    nonce: number()
                ),
                auth: try optionalAuth()
            ),
            .revokeKey(KeyRevoke(user: user(), key: try key(), nonce: number()), auth: try optionalAuth()),
            .changeRoot(
                RootChange(
                    user: user(),
                    root: try key(),
                    kind: kind(),
                    rpIDHash: try word(),
                    add: Bool.random(using: &random),
                    nonce: number()
                ),
                auth: try optionalAuth()
            ),
            .bumpGeneration(BumpGeneration(user: user(), nonce: number()), auth: try optionalAuth()),
            .grantKeyAttested(user: user(), key: try key(), kind: kind(), validUntil: number(), cap: nano()),
            .veto(KeyRevoke(user: user(), key: try key(), nonce: number()), signature: try signature()),
            .deposit(user: user(), amount: tokens()),
            .depositWithPermit(
                user: user(),
                owner: try address(),
                amount: tokens(),
                deadline: number(),
                signature: try bare()
            ),
            .creditBonus(user: user(), amount: nano()),
            .expireBonus(user: user()),
            .requestWithdraw(
                Withdraw(user: user(), amount: nano(), to: try address(), nonce: number()),
                auth: try optionalAuth()
            ),
            .cancelWithdraw(CancelWithdraw(user: user(), nonce: number()), auth: try optionalAuth()),
            .completeWithdraw(user: user()),
            .settle([]),
            .settle([try entry(), try entry(), try entry()]),
            .registerNode(
                NodeApplication(
                    kind: .agent,
                    model: try word(),
                    meta: try word(),
                    payout: try address(),
                    signer: try address(),
                    commission: small(),
                    selfStake: nano()
                )
            ),
            .setMeta(node: node(), meta: try word()),
            .setModel(node: node(), model: try word()),
            .setSigner(node: node(), signer: try address()),
            .proposePayout(node: node(), payout: try address()),
            .acceptPayout(node: node()),
            .setCommission(node: node(), commission: small()),
            .transferNode(node: node(), to: try address()),
            .acceptNode(node: node()),
            .exit(node: node()),
            .completeExit(node: node()),
            .setCompute(node: node(), units: number()),
            .ban(node: node(), reason: try word()),
            .report(epoch: number(), evidence: try word(), rows: []),
            .report(epoch: number(), evidence: try word(), rows: [row(), row(), row()]),
            .seal(epoch: number()),
            .reject(epoch: number()),
            .suspend(node: node(), reason: try word()),
            .resume(node: node()),
            .stake(node: node(), amount: nano()),
            .requestExit(node: node(), shares: wide()),
            .withdrawStake(node: node()),
            .harvest(node: node()),
            .claim(node: node()),
            .sweep,
            .claimReward(epoch: number(), node: node()),
            .payInsurance(to: try address(), amount: nano()),
            .proveReceipts(try signed(try receipt()), try signed(try receipt())),
            .proveOvercharge(try signed(try quote()), try signed(try receipt())),
            .proveProbes(try signed(try probe()), try signed(try probe())),
            .releaseSlash(CaseID(number())),
            .giveBackSlash(CaseID(number())),
            .proposeQuality(node: node(), bps: small(), evidence: try word()),
            .vetoQuality(CaseID(number())),
            .executeQuality(CaseID(number())),
            .grant(user: user()),
            .payFromTreasury(to: try address(), amount: nano()),
            .setParameter(parameter(), value: number()),
            .proposeOwner(contract(), owner: try address()),
            .acceptOwner(contract()),
            .setRole(contract(), role(), holder: try address()),
            .pause(.staking),
            .unpause(.userRegistry),
            .queue(target: try address(), call: call()),
            .executeQueued(CallID(number()), target: try address(), call: call()),
            .cancelQueued(CallID(number())),
            .allowFunction(target: try address(), function(), isAllowed: Bool.random(using: &random)),
            .propose(target: try address(), call: call(), description: try word(), nodes: [node(), node()]),
            .vote(ProposalID(number()), support: Bool.random(using: &random), nodes: []),
            .enact(ProposalID(number()), target: try address(), call: call()),
            .publish(name: try word(), at: try address()),
        ]
    }

    mutating func events() throws -> [Event] {
        let identity: [Event] = [
            .transfer(from: try address(), to: try address(), value: tokens()),
            .userRegistered(user: user(), kind: .attested, credential: try word()),
            .rootChanged(user: user(), root: try key(), kind: kind(), rpIDHash: try word(), isAdded: true),
            .keyGranted(user: user(), key: try key(), kind: kind(), validUntil: number(), cap: nano()),
            .keyProposed(
                user: user(),
                key: try key(),
                kind: kind(),
                validUntil: number(),
                cap: nano(),
                readyAt: number()
            ),
            .keyVetoed(user: user(), key: try key()),
            .keyRevoked(user: user(), key: try key(), validUntil: number()),
            .generationBumped(user: user(), generation: small(), endsAt: number()),
        ]
        let money: [Event] = [
            .deposited(user: user(), from: try address(), amount: nano()),
            .bonusCredited(user: user(), amount: nano(), expires: number()),
            .bonusExpired(user: user(), amount: nano()),
            .withdrawRequested(user: user(), to: try address(), amount: nano(), thawEnd: number()),
            .withdrawCancelled(user: user(), amount: nano()),
            .withdrawn(user: user(), to: try address(), amount: nano()),
            .settled(
                key: try key(),
                node: node(),
                amount: nano(),
                paid: nano(),
                units: number(),
                receipts: try word()
            ),
            .rejected(index: number(), status: .capReached),
        ]
        let nodes: [Event] = [
            .nodeRegistered(
                node: node(),
                owner: try address(),
                kind: .knowledge,
                model: try word(),
                meta: try word(),
                payout: try address(),
                signer: try address(),
                commission: small()
            ),
            .metaSet(node: node(), meta: try word()),
            .modelSet(node: node(), model: try word()),
            .signerSet(node: node(), signer: try address()),
            .payoutProposed(node: node(), payout: try address(), readyAt: number()),
            .payoutSet(node: node(), payout: try address()),
            .commissionSet(node: node(), commission: small(), effectiveAt: number()),
            .nodeOwnerProposed(node: node(), owner: try address()),
            .nodeOwnerSet(node: node(), owner: try address()),
            .computeSet(node: node(), units: number()),
            .statusChanged(node: node(), status: .banned, reason: try word()),
            .reported(epoch: number(), evidence: try word(), rows: [row(), row()]),
            .reported(epoch: number(), evidence: try word(), rows: []),
            .sealed(epoch: number(), finalAt: number()),
            .reportRejected(epoch: number()),
        ]
        let stakes: [Event] = [
            .staked(node: node(), staker: try address(), amount: nano(), shares: wide()),
            .exitRequested(
                node: node(),
                staker: try address(),
                shares: wide(),
                amount: nano(),
                exitShares: wide(),
                endsAt: number()
            ),
            .stakeWithdrawn(node: node(), staker: try address(), amount: nano()),
            .stakeSlashed(node: node(), fromPool: nano(), fromUnbonding: nano()),
            .collected(node: node(), gross: nano(), bonus: nano(), fee: nano()),
            .harvested(node: node(), claimable: nano(), pool: nano(), stake: nano()),
            .claimed(node: node(), to: try address(), amount: nano()),
            .swept(amount: nano(), burned: nano()),
            .rewardClaimed(epoch: number(), node: node(), amount: nano()),
            .insurancePaid(to: try address(), amount: nano()),
            .slashed(
                id: CaseID(number()),
                node: node(),
                reporter: try address(),
                offence: .probes,
                amount: nano(),
                evidence: try word()
            ),
            .slashReleased(id: CaseID(number()), reward: nano(), insured: nano(), burned: nano()),
            .slashReturned(id: CaseID(number()), amount: nano()),
            .qualityProposed(
                id: CaseID(number()),
                node: node(),
                bps: small(),
                evidence: try word(),
                bond: nano(),
                readyAt: number()
            ),
            .qualityVetoed(id: CaseID(number())),
        ]
        let authority: [Event] = [
            .granted(user: user(), amount: nano()),
            .paid(to: try address(), amount: nano()),
            .parameterSet(name: try #require(Bytes32(ascii: parameter().rawValue)), value: number()),
            .ownerProposed(contract(), owner: try address()),
            .ownerChanged(contract(), owner: try address()),
            .roleSet(contract(), role: try #require(Bytes32(ascii: role().rawValue)), holder: try address()),
            .paused(.tokenomics, until: number()),
            .unpaused(.staking),
            .queued(id: CallID(number()), target: try address(), dataHash: try word(), readyAt: number()),
            .executed(id: CallID(number())),
            .cancelled(id: CallID(number())),
            .functionAllowed(target: try address(), function: function(), isAllowed: true),
            .proposed(
                id: ProposalID(number()),
                proposer: try address(),
                target: try address(),
                dataHash: try word(),
                description: try word(),
                endsAt: number()
            ),
            .voted(id: ProposalID(number()), node: node(), voter: try address(), support: true, weight: nano()),
            .enacted(id: ProposalID(number()), call: CallID(number())),
            .published(name: try word(), at: try address()),
        ]
        return identity + money + nodes + stakes + authority
    }
}
