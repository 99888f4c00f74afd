import LatticeTesting
import Ledger
import LedgerConformance
import LedgerEmbedded
import Testing

/// Commands in shapes that no honest program sends: what they came to must not hang on how they lay in memory.
private struct OddCommands {
    var generator: SeededGenerator
    let callers: [Address]

    private mutating func pick<Element>(_ elements: [Element], or other: Element) -> Element {
        elements.randomElement(using: &generator) ?? other
    }

    private mutating func word() -> Bytes32 {
        let ones = Bytes32([UInt8](repeating: 0xff, count: 32)) ?? .zero
        return pick([.zero, .zero, Bytes32(number: 1), ones, Keccak256.hash([generator.bytes(1)[0]])], or: .zero)
    }

    private mutating func signature() -> LedgerSignature {
        LedgerSignature(r: word(), s: word(), x: word(), y: word())
    }

    private mutating func auth() -> Auth? {
        let lengths = [0, 0, 1, 31, 32, 37, 80]
        let data = generator.bytes(pick(lengths, or: 0))
        let rest = generator.bytes(pick(lengths, or: 0))
        return pick(
            [
                nil,
                Auth(r: .zero, vs: .zero),
                Auth(r: word(), s: word(), x: word(), y: word(), authenticatorData: data, clientDataRest: rest),
                Auth(r: .zero, s: .zero, x: .zero, y: word(), authenticatorData: data, clientDataRest: rest),
            ],
            or: nil
        )
    }

    mutating func next() -> Command {
        let (user, node) = (UserID(pick([0, 1, 2, 3, .max], or: 0)), NodeID(pick([0, 1, .max], or: 0)))
        let nonce = pick([0, 1, 2, 3, .max] as [UInt64], or: 0)
        let person = pick(callers, or: .zero)
        let key = KeyID(secp256k1: person)
        let nano = Nano(pick([0, 1, .max], or: 0))
        let revoke = KeyRevoke(user: user, key: key, nonce: nonce)
        switch UInt8.random(in: 0..<12, using: &generator) {
        case 0, 1: return .registerWallet(owner: person, signature: pick([nil, signature()], or: nil))
        case 2:
            let message = RegisterPasskey(x: word(), y: word(), rpIDHash: word())
            return .registerPasskey(message, assertion: auth() ?? Auth(r: .zero, vs: .zero))
        case 3:
            let message = KeyGrant(
                user: user,
                key: key,
                kind: pick([.p256, .secp256k1], or: .p256),
                validUntil: pick([0, 1_800_000_000 + 20 * .day, .max], or: 0),
                cap: nano,
                nonce: nonce
            )
            return .grantKey(message, auth: auth())
        case 4: return .revokeKey(revoke, auth: auth())
        case 5:
            let message = RootChange(
                user: user,
                root: key,
                kind: pick([.p256, .secp256k1], or: .p256),
                rpIDHash: word(),
                add: Bool.random(using: &generator),
                nonce: nonce
            )
            return .changeRoot(message, auth: auth())
        case 6: return .bumpGeneration(BumpGeneration(user: user, nonce: nonce), auth: auth())
        case 7: return .veto(revoke, signature: signature())
        case 8:
            return .depositWithPermit(
                user: user,
                owner: person,
                amount: TokenAmount(nano),
                deadline: .max,
                signature: signature()
            )
        case 9:
            return .requestWithdraw(Withdraw(user: user, amount: nano, to: person, nonce: nonce), auth: auth())
        case 10: return .cancelWithdraw(CancelWithdraw(user: user, nonce: nonce), auth: auth())
        default:
            let entries = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                let voucher = Voucher(node: node, amount: nano, units: nonce, receipts: word())
                return SettleEntry(voucher, signature: signature())
            }
            return .settle(entries)
        }
    }
}

@Suite struct `Replay` {
    /// Plays commands on a ledger of its own, which must verify afterwards.
    private func verified(_ body: (EmbeddedLedger) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            try await body(ledger)
            await ledger.close()
            let report = try await EmbeddedLedger.verify(path: cabinet.path)
            #expect(report.fault == nil)
        }
    }

    @Test func `what a signature of zeros did is what a replay finds`() async throws {
        try await verified { ledger in
            let none = LedgerSignature(r: .zero, vs: .zero)
            let point = LedgerSignature(r: .zero, s: .zero, x: .zero, y: Bytes32(number: 7))
            let other = Address(lastOf: Keccak256.hash([2]))
            let commands: [(owner: Address, signature: LedgerSignature, caller: Address, reason: Reason?)] = [
                (.zero, none, .stranger, .notAllowed), (.stranger, none, .stranger, nil), (other, point, other, nil),
            ]
            for (number, command) in commands.enumerated() {
                let outcome = try await ledger.submit(
                    .registerWallet(owner: command.owner, signature: command.signature),
                    caller: command.caller,
                    id: .test(UInt64(number))
                ).outcome
                if let reason = command.reason {
                    #expect(outcome == .rejected(reason))
                } else {
                    #expect(outcome.inclusion != nil)
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `commands in odd shapes replay as they ran`(seed: UInt64) async throws {
        try await verified { ledger in
            let roles = ledger.genesis.roles
            let callers = [.zero, .stranger, roles.owner, roles.registrar, roles.reporter]
            var odd = OddCommands(generator: SeededGenerator(seed: seed), callers: callers)
            let commands = (UInt64(1)...300).map { ($0, odd.next()) }
            let done = try await withThrowingTaskGroup(of: Bool.self) { group in
                for (number, command) in commands {
                    group.addTask {
                        let caller = callers[Int(number % 5)]
                        let id = SubmissionID.test(seed << 32 | number)
                        return try await ledger.submit(command, caller: caller, id: id).outcome.inclusion != nil
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(done > 10)
        }
    }

    @Test func `nobody acts in the name of a contract`() async throws {
        try await verified { ledger in
            let command = Command.transfer(to: .stranger, amount: TokenAmount(Nano(1)))
            for (number, contract) in Contract.allCases.enumerated() {
                let caller = ledger.contracts[contract]
                let outcome = try await ledger.submit(command, caller: caller, id: .test(UInt64(number))).outcome
                #expect(outcome == .rejected(.notAllowed))
            }
        }
    }
}
