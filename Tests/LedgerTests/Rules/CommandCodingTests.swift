import Testing

@testable import Ledger

@Suite struct `Commands` {
    @Test func `of every kind are read back as they were`() throws {
        var rules = RandomRules(seed: 20)
        for _ in 0..<20 {
            let commands = try rules.commands()
            #expect(Set(commands.map(\.kind)) == Set(Command.Kind.allCases))
            for command in commands {
                let call = command.encoded()
                #expect(try Command(contract: command.contract, call: call) == command, "\(command.name)")
            }
        }
    }

    @Test func `are calls as independent libraries write them`() throws {
        for vectors in try EthVectors.all() {
            let signature = "settle((uint64,uint64,uint64,bytes32,bytes32,bytes32,bytes32,bytes32)[])"
            let selector = try #require(vectors.selectors.first { $0.signature == signature }).selector.bytes
            let vector = try #require(vectors.abi.first { signature == "settle(\($0.types.joined(separator: ",")))" })
            let entries = try #require(vector.values.first?.list).map { entry in
                let fields = try #require(entry.list)
                let words = fields.compactMap { $0.text.flatMap { Bytes32(hex: $0) } }
                try #require(fields.count == 8 && words.count == 5)
                return SettleEntry(
                    node: NodeID(try #require(fields[0].number)),
                    amount: Nano(try #require(fields[1].number)),
                    units: try #require(fields[2].number),
                    receipts: words[0],
                    signature: LedgerSignature(r: words[1], s: words[2], x: words[3], y: words[4])
                )
            }
            #expect(Command.settle(entries).encoded() == selector + vector.encoded.bytes)

            let transfer = try #require(vectors.selectors.first { $0.signature == "transfer(address,uint256)" })
            let call = Command.transfer(to: .zero, amount: TokenAmount(units: 1)).encoded()
            #expect(Array(call.prefix(4)) == transfer.selector.bytes)
        }
    }

    @Test func `cut short or drawn out are refused`() throws {
        var rules = RandomRules(seed: 21)
        for command in try rules.commands() {
            let call = command.encoded()
            for count in 0..<call.count {
                #expect(throws: LedgerCodingError.self) {
                    try Command(contract: command.contract, call: Array(call.prefix(count)))
                }
            }
            for more in [[0], [UInt8](repeating: 0, count: 32)] {
                #expect(throws: LedgerCodingError.malformed(.trailingBytes)) {
                    try Command(contract: command.contract, call: call + more)
                }
            }
        }
    }

    /// No two calls mean one command, so that the hash over calls binds what they do.
    @Test func `with a bit flipped are refused or mean another command`() throws {
        var rules = RandomRules(seed: 22)
        for command in try rules.commands() {
            let call = command.encoded()
            for bit in 0..<call.count * 8 {
                var flipped = call
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                guard let other = try? Command(contract: command.contract, call: flipped) else { continue }
                #expect(other != command)
                #expect(other.encoded() == flipped)
            }
        }
    }

    @Test func `for another contract are refused`() throws {
        var rules = RandomRules(seed: 23)
        for command in try rules.commands() {
            for contract in Contract.allCases where contract != command.contract {
                // Owners, roles and pauses are alike on several contracts; everything else is one contract's.
                if let other = try? Command(contract: contract, call: command.encoded()) {
                    #expect(other != command && other.contract == contract && command.kind.isShared)
                } else {
                    #expect(throws: LedgerCodingError.unknownKind) {
                        try Command(contract: contract, call: command.encoded())
                    }
                }
            }
        }
    }

    @Test func `of random bytes are refused or written back as they were`() throws {
        var random = SeededGenerator(seed: 24)
        for kind in Command.Kind.allCases {
            for _ in 0..<300 {
                var call = kind.selector
                for _ in 0..<Int.random(in: 0...20, using: &random) {
                    let word = Bytes32(number: random.next() >> UInt64.random(in: 0..<64, using: &random))
                    call += Bool.random(using: &random) ? word.bytes : Bytes32(number: 32).bytes
                }
                for contract in Contract.allCases {
                    guard let command = try? Command(contract: contract, call: call) else { continue }
                    #expect(command.encoded() == call)
                }
            }
        }
    }
}

extension Command.Kind {
    fileprivate var isShared: Bool {
        [.proposeOwner, .acceptOwner, .setRole, .pause, .unpause].contains(self)
    }
}
