import LatticeTesting
import Ledger
import LedgerConformance
@testable import LedgerEmbedded
import Testing

/// A small world in which random commands happen.
///
/// Signatures are taken as given: what they prove is written into the call,
/// so that thousands of commands take a second; the scenarios check the signatures themselves.
private struct World {
    var core: LedgerCore
    var time: UInt64 = 1_800_000_000
    var generator: SeededGenerator
    let people: [Address]
    let keys: [KeyID]
    var users: [UserID] = []
    /// The greatest amount that a key signed for a node, and the greatest cap that it had.
    var signed: [ChannelName: Nano] = [:]
    var caps: [KeyID: Nano] = [:]
    /// Calls with a nonce that were done, to be tried again.
    var done: [Call] = []

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        func address(_ number: Int) -> Address { Address(lastOf: Keccak256.hash([UInt8(number), 0xee])) }
        people = (0..<6).map { address($0) }
        keys = (0..<10).map { KeyID(secp256k1: address($0 + 100)) }
        var parameters = Parameters()
        parameters[.minimumStakeLLM] = Nano.lai.count
        parameters[.burnBPS] = 300
        let genesis = Genesis(
            administrator: address(200),
            faucetSupply: TokenAmount(Nano(lai: 1_000)),
            parameters: parameters
        )
        core = LedgerCore(genesis: genesis, domain: TypedDomain(chainID: 1, verifyingContract: address(201)))
        _ = core.begin(at: time)
        _ = core.state.takeChanges()
    }

    var administrator: Address { core.genesis.administrator }

    mutating func random(_ range: ClosedRange<UInt64>) -> UInt64 { UInt64.random(in: range, using: &generator) }

    mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &generator) }

    /// A command with its caller, and as witness the wallet or the keys that would have signed.
    mutating func call() -> Call {
        let person = pick(people) ?? .zero
        let user = UserID(random(1...7))
        let key = pick(keys) ?? .zero
        let node = NodeID(random(1...5))
        let amount = Nano(random(0...(Bool.random(using: &generator) ? 50 : 3_000_000_000)))
        let nonce = core.state.users[user]?.nonce ?? random(0...3)
        // Mostly the user's own wallet, sometimes another.
        let owner = core.state.roots.rows.first { $0.value.user == user }?.key.address
        let wallet = random(0...9) == 0 ? person : owner ?? person
        func signed(_ command: Command) -> Call {
            var witness = Witness(.sweep, domain: core.domain)
            witness.signer = Witness.Signer(id: KeyID(secp256k1: wallet), form: .plain(.secp256k1))
            return Call(command, caller: administrator, witness: witness)
        }
        func plain(_ command: Command, by caller: Address) -> Call {
            Call(command, caller: caller, witness: Witness(.sweep, domain: core.domain))
        }
        let auth = Auth(r: Bytes32(number: 1), vs: Bytes32(number: 1))
        switch random(0...29) {
        case 0: return plain(.registerWallet(owner: person, signature: nil), by: person)
        case 1, 2: return plain(.transfer(to: person, amount: TokenAmount(amount)), by: administrator)
        case 3, 4, 5: return plain(.deposit(user: user, amount: TokenAmount(amount)), by: administrator)
        case 6: return plain(.grant(user: user), by: administrator)
        case 7: return plain(.expireBonus(user: user), by: person)
        case 8, 9, 10:
            let until = time + random(0...40 * .day)
            let message = KeyGrant(user: user, key: key, kind: .secp256k1, validUntil: until, cap: amount, nonce: nonce)
            return signed(.grantKey(message, auth: auth))
        case 11: return signed(.revokeKey(KeyRevoke(user: user, key: key, nonce: nonce), auth: auth))
        case 12 where random(0...3) == 0:
            return signed(.bumpGeneration(BumpGeneration(user: user, nonce: nonce), auth: auth))
        case 13, 14:
            let message = Withdraw(user: user, amount: amount, to: person, nonce: nonce)
            return signed(.requestWithdraw(message, auth: auth))
        case 15: return signed(.cancelWithdraw(CancelWithdraw(user: user, nonce: nonce), auth: auth))
        case 16: return plain(.completeWithdraw(user: user), by: person)
        case 17:
            let application = NodeApplication(
                kind: .llm,
                model: .zero,
                meta: .zero,
                payout: person,
                signer: Address(lastOf: Keccak256.hash(generator.bytes(8))),
                selfStake: Nano(lai: 1)
            )
            return plain(.registerNode(application), by: core.state.nodes.rows.count < 4 ? administrator : person)
        case 18: return plain(.resume(node: node), by: administrator)
        case 19: return plain(.suspend(node: node, reason: .zero), by: administrator)
        case 20 where random(0...9) == 0: return plain(.exit(node: node), by: administrator)
        case 21: return plain(.withdrawStake(node: node), by: person)
        case 22: return plain(.harvest(node: node), by: person)
        case 23: return plain(.claim(node: node), by: person)
        case 24: return plain(.sweep, by: person)
        case 25: return plain(.burn(amount: TokenAmount(amount)), by: person)
        case 26 where !done.isEmpty: return pick(done) ?? plain(.sweep, by: person)
        default: return settlement()
        }
    }

    private mutating func settlement() -> Call {
        var entries: [SettleEntry] = []
        var witness = Witness(.sweep, domain: core.domain)
        let none = LedgerSignature(r: .zero, vs: .zero)
        for _ in 0..<random(1...6) {
            let key = random(0...9) == 0 ? nil : pick(keys)
            let node = NodeID(random(0...5))
            let paid = key.flatMap { core.state.channels[ChannelName(key: $0, node: node)]?.paid.count } ?? 0
            let amount = random(0...20) == 0 ? UInt64.max : paid &+ random(0...5_000)
            let voucher = Voucher(node: node, amount: Nano(amount), units: random(0...100), receipts: .zero)
            entries.append(SettleEntry(voucher, signature: none))
            witness.entries.append(key)
            if let key {
                let name = ChannelName(key: key, node: node)
                signed[name] = max(signed[name] ?? .zero, Nano(amount))
            }
        }
        return Call(.settle(entries), caller: pick(people) ?? .zero, witness: witness)
    }

    /// Does one random command and checks what must hold after each (specification, §6).
    mutating func step() throws {
        if random(0...4) == 0 { time += random(0...12 * .hour) }
        let call = call()
        let before = core.state
        let result = core.apply(call, at: time)
        switch result {
        case .failure:
            // Invariant: what is refused changes nothing.
            if random(0...63) == 0 { #expect(core.state.allRows() == before.allRows(), "\(call.command)") }
        case .success(let events):
            for case .keyGranted(_, let key, _, _, let cap) in events { caps[key] = max(caps[key] ?? .zero, cap) }
            if call.witness.signer != nil {
                // Invariant 14: the same message again meets a used nonce.
                #expect(core.apply(call, at: time) == .failure(.badNonce))
                done.append(call)
            }
            checkCharges(events, before)
            checkLosses(call.command, before)
            for case .withdrawn(let user, _, let amount) in events {
                let funds = try #require(before.funds[user])
                #expect(funds.thawEnd <= time && funds.thawing == amount)
            }
        }
        checkSums()
        try checkChannels(before)
        _ = core.state.takeChanges()
    }

    /// Invariants 1 to 3.
    ///
    /// Nobody sends tokens to a contract in this world, so they hold exactly.
    private func checkSums() {
        let balances = core.state.balances(block: 0, genesisSupply: core.genesis.supply)
        #expect(balances.areConserved(contracts: core.contracts))
        #expect(balances.sumOfUsers == balances.accounts[core.contracts[.userRegistry]] ?? .zero)
        #expect(balances.sumOfEarnings == balances.accounts[core.contracts[.tokenomics]] ?? .zero)
        #expect(balances.sumOfStakes == balances.accounts[core.contracts[.staking]] ?? .zero)
    }

    /// Invariants 4 and 5.
    private func checkChannels(_ before: LedgerState) throws {
        var spent: [KeyID: UInt64] = [:]
        for (name, channel) in core.state.channels.rows {
            #expect(channel.paid <= signed[name] ?? .zero)
            let old = before.channels[name] ?? Channel()
            #expect(channel.paid >= old.paid && channel.units >= old.units)
            spent[name.key, default: 0] += channel.paid.count
        }
        for (id, key) in core.state.keys.rows {
            #expect(key.spent.count == spent[id] ?? 0)
            #expect(key.spent <= caps[id] ?? .zero)
        }
    }

    /// Invariant 6.
    private func checkCharges(_ events: [Event], _ before: LedgerState) {
        var paid: [ChannelName: UInt64] = [:]
        var charged: UInt64 = 0
        var credited: UInt64 = 0
        for event in events {
            switch event {
            case .settled(let key, let node, _, let total, _, _):
                let name = ChannelName(key: key, node: node)
                charged += total.count - (paid[name] ?? before.channels[name]?.paid.count ?? 0)
                paid[name] = total.count
            case .collected(_, let gross, let bonus, let fee):
                credited += gross.count
                #expect(fee <= gross && bonus <= gross)
                #expect(fee.count == (gross.count * 500 + 9_999) / 10_000)
            default: continue
            }
        }
        #expect(charged == credited)
    }

    /// Invariant 7.
    private func checkLosses(_ command: Command, _ before: LedgerState) {
        switch command {
        case .settle, .completeWithdraw, .expireBonus: return
        default:
            for (user, funds) in before.funds.rows {
                #expect(core.state.funds[user]?.chargeable ?? .zero >= funds.chargeable)
            }
        }
    }
}

@Suite struct `Invariants` {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `hold after every one of thousands of random commands`(seed: UInt64) throws {
        var world = World(seed: seed)
        // A hundred thousand of all seeds together in a long run (specification, scenario 86).
        for _ in 0..<(isLongRun ? 25_000 : 2_500) { try world.step() }
        // The run is worth something only where all of this happened.
        #expect(world.core.state.channels.rows.count > 10)
        #expect(world.done.count > 150)
        #expect((world.core.state.counters[.nodes] ?? 0) > 3)
    }
}
