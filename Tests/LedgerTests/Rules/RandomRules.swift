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
            .suspend(node: node(), reason: try word()),
            .resume(node: node()),
            .exit(node: node()),
            .ban(node: node(), reason: try word()),
            .withdrawStake(node: node()),
            .harvest(node: node()),
            .claim(node: node()),
            .sweep,
            .grant(user: user()),
            .setParameter(parameter(), value: number()),
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
            .statusChanged(node: node(), status: .banned, reason: try word()),
            .selfStaked(node: node(), amount: nano()),
            .exitRequested(node: node(), endsAt: number()),
            .stakeWithdrawn(node: node(), to: try address(), amount: nano()),
            .collected(node: node(), gross: nano(), bonus: nano(), fee: nano()),
            .harvested(node: node(), claimable: nano(), stake: nano()),
            .claimed(node: node(), to: try address(), amount: nano()),
            .swept(amount: nano(), burned: nano()),
            .granted(user: user(), amount: nano()),
            .parameterSet(name: try #require(Bytes32(ascii: parameter().rawValue)), value: number()),
        ]
        return identity + money + nodes
    }
}
