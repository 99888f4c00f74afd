import LatticeTesting
import Ledger
import Testing

@Suite struct `Commands and events as bytes` {
    private let word = Keccak256.hash([1])
    private var address: Address { Address(lastOf: word) }
    private var key: KeyID { KeyID(secp256k1: address) }
    private var signature: LedgerSignature { LedgerSignature(r: word, vs: Keccak256.hash([2])) }

    private var commands: [Command] {
        let user = UserID(7)
        let node = NodeID(9)
        let auth = Auth(
            r: word,
            s: word,
            x: word,
            y: word,
            authenticatorData: Array(1...37),
            clientDataRest: Array("rest".utf8)
        )
        let grant = KeyGrant(user: user, key: key, kind: .p256, validUntil: 5, cap: Nano(.max), nonce: 3)
        let revoke = KeyRevoke(user: user, key: key, nonce: 1)
        let change = RootChange(user: user, root: key, kind: .p256, rpIDHash: word, add: true, nonce: 2)
        let entry = SettleEntry(
            Voucher(node: node, amount: Nano(5), units: 6, receipts: word),
            signature: LedgerSignature(r: word, s: word, x: word, y: word)
        )
        let application = NodeApplication(
            kind: .agent,
            model: word,
            meta: word,
            payout: address,
            signer: address,
            selfStake: Nano(4)
        )
        return [
            .transfer(to: address, amount: .cap), .burn(amount: TokenAmount(units: .max)),
            .registerWallet(owner: address, signature: signature), .registerWallet(owner: address, signature: nil),
            .registerPasskey(RegisterPasskey(x: word, y: word, rpIDHash: word), assertion: auth),
            .registerAttested(commitment: word), .grantKey(grant, auth: auth), .grantKey(grant, auth: nil),
            .revokeKey(revoke, auth: auth), .changeRoot(change, auth: auth),
            .bumpGeneration(BumpGeneration(user: user, nonce: 4), auth: auth),
            .grantKeyAttested(user: user, key: key, kind: .secp256k1, validUntil: 8, cap: Nano(1)),
            .veto(revoke, signature: signature), .deposit(user: user, amount: TokenAmount(Nano(1))),
            .depositWithPermit(
                user: user,
                owner: address,
                amount: TokenAmount(Nano(1)),
                deadline: 8,
                signature: signature
            ),
            .creditBonus(user: user, amount: Nano(2)), .expireBonus(user: user),
            .requestWithdraw(Withdraw(user: user, amount: Nano(2), to: address, nonce: 5), auth: auth),
            .cancelWithdraw(CancelWithdraw(user: user, nonce: 6), auth: auth), .completeWithdraw(user: user),
            .settle([]), .settle([entry, entry]), .registerNode(application), .setMeta(node: node, meta: word),
            .setModel(node: node, model: word), .suspend(node: node, reason: word), .resume(node: node),
            .exit(node: node), .ban(node: node, reason: word), .withdrawStake(node: node), .harvest(node: node),
            .claim(node: node), .sweep, .grant(user: user), .setParameter(.feeBPS, value: 3),
        ]
    }

    private var events: [Event] {
        let (user, node) = (UserID(7), NodeID(9))
        return [
            .transfer(from: address, to: .zero, value: .cap),
            .userRegistered(user: user, kind: .attested, credential: word),
            .rootChanged(user: user, root: key, kind: .p256, rpIDHash: word, isAdded: false),
            .keyGranted(user: user, key: key, kind: .p256, validUntil: 3, cap: Nano(4)),
            .keyProposed(user: user, key: key, kind: .p256, validUntil: 3, cap: Nano(4), readyAt: 5),
            .keyVetoed(user: user, key: key), .keyRevoked(user: user, key: key, validUntil: 4),
            .generationBumped(user: user, generation: 5, endsAt: 6),
            .deposited(user: user, from: address, amount: Nano(5)),
            .bonusCredited(user: user, amount: Nano(5), expires: 6), .bonusExpired(user: user, amount: Nano(5)),
            .withdrawRequested(user: user, to: address, amount: Nano(5), thawEnd: 6),
            .withdrawCancelled(user: user, amount: Nano(1)), .withdrawn(user: user, to: address, amount: Nano(5)),
            .settled(key: key, node: node, amount: Nano(5), paid: Nano(4), units: 3, receipts: word),
            .rejected(index: 3, status: .capReached),
            .nodeRegistered(
                node: node,
                owner: address,
                kind: .llm,
                model: word,
                meta: word,
                payout: address,
                signer: address,
                commission: 2_000
            ),
            .metaSet(node: node, meta: word), .modelSet(node: node, model: word),
            .statusChanged(node: node, status: .banned, reason: word), .selfStaked(node: node, amount: Nano(1)),
            .exitRequested(node: node, endsAt: 9), .stakeWithdrawn(node: node, to: address, amount: Nano(1)),
            .collected(node: node, gross: Nano(3), bonus: Nano(2), fee: Nano(1)),
            .harvested(node: node, claimable: Nano(2), stake: Nano(1)),
            .claimed(node: node, to: address, amount: Nano(1)), .swept(amount: Nano(2), burned: Nano(1)),
            .granted(user: user, amount: Nano(1)),
            .parameterSet(name: Parameters.Name.dailyBudget.word, value: 1),
        ]
    }

    @Test func `every command reads back from its bytes`() throws {
        #expect(Set(commands.map(\.name)).count == 32)
        for command in commands {
            #expect(try Command(contract: command.contract, call: command.encoded()) == command)
        }
    }

    @Test func `every event reads back from its topics and data`() throws {
        #expect(Set(events.map(\.name)).count == 29)
        for event in events { #expect(try Event(event.encoded()) == event) }
    }

    @Test func `names and selectors are those of the contracts`() {
        let transfer = Event.transfer(from: .zero, to: .zero, value: .zero).encoded()
        let topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
        #expect(transfer.topics[0].description == topic)
        #expect(transfer.topics.count == 3 && transfer.data.count == 32)
        let call = Command.transfer(to: .zero, amount: .zero).encoded()
        #expect(call.prefix(4) == [0xa9, 0x05, 0x9c, 0xbb])
        let settled = events.first { $0.name == "Settled" }
        #expect(
            settled?.summary.hasPrefix("key \(address), node 9, amount 0.000000005, paid 0.000000004, units 3") == true
        )
    }

    @Test func `a prefix, a longer call and a flipped bit are errors or another command, and never a crash`() throws {
        var generator = SeededGenerator(seed: 3)
        for command in commands {
            let bytes = command.encoded()
            for count in bytes.indices {
                #expect(throws: LedgerCodingError.self) {
                    try Command(contract: command.contract, call: Array(bytes.prefix(count)))
                }
            }
            #expect(throws: LedgerCodingError.self) {
                try Command(contract: command.contract, call: bytes + [UInt8](repeating: 0, count: 32))
            }
            for _ in 0..<50 {
                var changed = bytes
                changed[Int.random(in: changed.indices, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
                let read = try? Command(contract: command.contract, call: changed)
                // What reads at all reads to what these bytes say: nothing is silently dropped.
                if let read { #expect(read.encoded() == changed) }
            }
        }
        for _ in 0..<2_000 {
            let bytes = generator.bytes(Int.random(in: 0..<400, using: &generator))
            #expect((try? Command(contract: .userRegistry, call: bytes)) == nil)
        }
    }

    @Test func `an event with too many or too few words is refused`() {
        for event in events {
            var log = event.encoded()
            log.data += [UInt8](repeating: 0, count: 32)
            #expect(throws: LedgerCodingError.wrongLength) { try Event(log) }
            log = event.encoded()
            log.topics.append(.zero)
            #expect(throws: LedgerCodingError.wrongLength) { try Event(log) }
            log = event.encoded()
            log.topics.removeAll()
            #expect(throws: LedgerCodingError.unknownKind) { try Event(log) }
        }
    }
}
