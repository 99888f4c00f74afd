import LatticeTesting
public import Ledger

/// Commands that a seed decides (ledger specification, scenario 86): users, keys, vouchers, withdrawals, nodes, stakes,
/// reports, offences, authority, votes and jumps in time.
///
/// Most of them can succeed: the generator looks at the ledger for numbers and nonces. It is the same from run to run, as
/// far as the ledger it looks at is.
public struct RandomCommands: Sendable {
    var random: SeededGenerator
    let cast: Cast
    let people: [Secp256k1Key]
    let keys: [Secp256k1Key]
    let devices: [P256SessionKey]
    let signers: [Secp256k1Key]
    private var usedSigners = 0
    /// Commands at the beginning that make a world in which most others can succeed.
    private var prelude = 0
    /// The greatest amount that each key signed for each node.
    public private(set) var signed: [ChannelKey: Nano] = [:]
    var time: UInt64 = 0

    /// The commands of a seed.
    public init(seed: UInt64, _ beginning: Beginning) throws {
        random = SeededGenerator(seed: seed)
        cast = beginning.cast
        people = try (0..<6).map { number throws(KeyError) in try .seeded("person \(number)") }
        keys = try (0..<6).map { number throws(KeyError) in try .seeded("key \(number)") }
        signers = try (0..<40).map { number throws(KeyError) in try .seeded("signer \(number)") }
        devices = try (0..<3).map { number throws(KeyError) in
            try P256SessionKey(rawRepresentation: Keccak256.hash(Array("lattice device \(number)".utf8)).bytes)
        }
    }

    /// What a run of a seed begins with: small stakes, and every fourth time an owner behind the timelock or a governor.
    public static func beginning(seed: UInt64) throws -> Beginning {
        var beginning = try Beginning()
        for name in [Parameters.Name.minimumStakeLLM, .minimumStakeKnowledge, .minimumStakeAgent, .stakePerUnit] {
            beginning.parameters[name] = Nano.lai.count
        }
        beginning.parameters[.burnBPS] = 300
        beginning.parameters[.lambda] = seed.isMultiple(of: 3) ? 20_000 : 8_000
        beginning.parameters[.epochBudget] = Nano(lai: 20).count
        beginning.isOwnedByTimelock = seed % 4 == 3
        beginning.isGovernedByStake = seed % 4 == 2
        return beginning
    }

    /// Every wallet that calls, besides the cast.
    public var callers: [Secp256k1Key] { people }

    /// Every key that may have a channel.
    public var keyIDs: [KeyID] { keys.map(\.keyID) + devices.map(\.keyID) }

    // MARK: Chance

    mutating func number(_ range: ClosedRange<UInt64>) -> UInt64 { UInt64.random(in: range, using: &random) }
    mutating func pick<Element>(_ elements: [Element]) throws -> Element {
        try require(elements.randomElement(using: &random))
    }
    mutating func happens(oneIn count: UInt64) -> Bool { number(1...count) == 1 }

    mutating func nano(_ most: UInt64 = 3_000_000_000) -> Nano {
        switch number(0...9) {
        case 0: Nano(number(0...3))
        case 1, 2: Nano(number(0...5_000))
        default: Nano(number(0...most))
        }
    }

    mutating func node() -> NodeID { NodeID(number(happens(oneIn: 20) ? 0...9 : 1...6)) }
    mutating func user() -> UserID { UserID(number(1...7)) }
    mutating func anyone() throws -> Secp256k1Key { try pick(people + [cast.stranger]) }

    /// Mostly who may, sometimes another.
    mutating func mostly(_ key: Secp256k1Key) throws -> Secp256k1Key { happens(oneIn: 12) ? try anyone() : key }

    mutating func advance() {
        switch number(0...79) {
        case 0...61: time += number(1...900)
        case 62...73: time += number(3_600...40_000)
        case 74...78: time += .day - time % .day + number(0...600)
        default: time += number(1...8) * .day
        }
    }

    mutating func step(
        _ caller: Secp256k1Key,
        _ name: String,
        _ build: @escaping @Sendable (any Ledger) throws -> Command
    ) -> Step {
        Step(time, caller, name, build)
    }

    mutating func plain(_ command: Command, _ caller: Secp256k1Key) -> Step {
        step(caller, "\(command)") { _ in command }
    }

    /// The next command on a ledger whose newest block stands at that time.
    public mutating func next(on ledger: any Ledger, now: UInt64) async throws -> Step {
        time = max(time, now)
        if let step = try opening() { return step }
        advance()
        switch number(0...99) {
        case 0...7: return try await identity(ledger)
        case 8...19: return try await money(ledger)
        case 20...29: return try await withdrawal(ledger)
        case 30...47: return try await settlement(ledger)
        case 48...58: return try await nodeLife(ledger)
        case 59...71: return try await staking(ledger)
        case 72...77: return try earnings()
        case 78...85: return try await reports(ledger)
        case 86...92: return try await offences(ledger)
        default: return try await authority(ledger)
        }
    }

    /// People with tokens, balances and keys, and four nodes.
    private mutating func opening() throws -> Step? {
        let (person, round) = (people[prelude % people.count], prelude / people.count)
        let number = UInt64(prelude % people.count)
        prelude += 1
        time += 1
        switch round {
        case 0: return plain(.registerWallet(owner: person.address, signature: nil), person)
        case 1: return plain(.transfer(to: person.address, amount: TokenAmount(Nano(lai: 200))), cast.administrator)
        case 2: return plain(.deposit(user: UserID(number + 1), amount: TokenAmount(Nano(lai: 30))), person)
        case 3, 4:
            let device = devices[Int(number) % devices.count].keyID
            let grant = KeyGrant(
                user: UserID(number + 1),
                key: round == 3 ? keys[Int(number)].keyID : device,
                kind: round == 3 ? .secp256k1 : .p256,
                validUntil: time + 29 * .day,
                cap: Nano(.max),
                nonce: UInt64(round) - 3
            )
            return plain(.grantKey(grant, auth: nil), person)
        case 5:
            let application = NodeApplication(
                kind: .llm,
                model: .zero,
                meta: .zero,
                payout: person.address,
                signer: try freshSigner().address,
                commission: UInt16(number) * 1_500,
                selfStake: Nano(lai: 3 + number)
            )
            return plain(.registerNode(application), person)
        case 6: return plain(.resume(node: NodeID(number + 1)), cast.reporter)
        default: return nil
        }
    }

    /// A signing key that no node has.
    mutating func freshSigner() throws -> Secp256k1Key {
        usedSigners += 1
        return signers[usedSigners % signers.count]
    }

    mutating func settlement(_ ledger: any Ledger) async throws -> Step {
        var entries: [(node: NodeID, amount: Nano, units: UInt64, key: Int)] = []
        for _ in 0..<number(1...5) {
            let key = Int(number(0...UInt64(keys.count + devices.count - 1)))
            let node = node()
            let paid = try await ledger.channel(keyIDs[key], node).paid.count
            let more = happens(oneIn: 30) ? UInt64.max - paid : number(0...(happens(oneIn: 3) ? 5_000_000_000 : 9_000))
            entries.append((node, Nano(paid + more), number(0...100), key))
            let channel = ChannelKey(key: keyIDs[key], node: node)
            signed[channel] = max(signed[channel] ?? .zero, Nano(paid + more))
        }
        let (keys, devices, list) = (keys, devices, entries)
        return step(try anyone(), "settle \(list.map { "\($0.key) pays \($0.node) \($0.amount)" })") { ledger in
            .settle(
                try list.map { entry in
                    let voucher = Voucher(
                        node: entry.node,
                        amount: entry.amount,
                        units: entry.units,
                        receipts: .zero
                    )
                    let signature =
                        entry.key < keys.count
                        ? try keys[entry.key].sign(voucher, in: ledger.domain)
                        : try devices[entry.key - keys.count].sign(voucher, in: ledger.domain)
                    return SettleEntry(voucher, signature: signature)
                }
            )
        }
    }
}

/// One key towards one node.
public struct ChannelKey: Hashable, Sendable {
    /// The key that pays.
    public let key: KeyID
    /// The node that is paid.
    public let node: NodeID
}
