import LatticeTesting
import Ledger

extension Scenario {
    /// Settlement.
    static let settlement: [Scenario] = [
        Scenario([23, 24, 25], "a voucher charges the difference to what was paid, once") { stage in
            let person = try await stage.person(deposit: Nano(100_000))
            let node = try await stage.node()
            let first = try stage.voucher(person.key, node, Nano(10_001), units: 9)
            let events = try await stage.run(.settle([first]), by: stage.stranger).events
            try expect(
                events == [
                    .settled(
                        key: person.key.keyID,
                        node: node,
                        amount: Nano(10_001),
                        paid: Nano(10_001),
                        units: 9,
                        receipts: first.receipts
                    ),
                    .transfer(
                        from: stage.ledger.contracts[.userRegistry],
                        to: stage.ledger.contracts[.tokenomics],
                        value: TokenAmount(Nano(10_001))
                    ),
                    .collected(node: node, gross: Nano(10_001), bonus: .zero, fee: Nano(501)),
                ]
            )
            try expect(try await stage.funds(person).available == Nano(89_999))
            try expect(try await stage.ledger.earnings(node).earned == Nano(9_500))
            try expect(try await stage.settle([first]) == [.nothingNew])
            try expect(try await stage.settle([try stage.voucher(person.key, node, Nano(10_006))]) == [.settled])
            try expect(try await stage.funds(person).available == Nano(89_994))
            try expect(try await stage.settle([try stage.voucher(person.key, node, Nano(10_002))]) == [.nothingNew])
            try expect(try await stage.ledger.channel(person.key.keyID, node).paid == Nano(10_006))
        },

        Scenario([26], "vouchers in any order and any batches end like the last alone") { stage in
            var generator = SeededGenerator(seed: 26)
            let person = try await stage.person(deposit: Nano(1_000_000))
            let node = try await stage.node()
            var vouchers = try (1...100).map { try stage.voucher(person.key, node, Nano(UInt64($0) * 77)) }
            vouchers.shuffle(using: &generator)
            while !vouchers.isEmpty {
                let count = Int.random(in: 1...min(30, vouchers.count), using: &generator)
                try await stage.settle(Array(vouchers.prefix(count)))
                vouchers.removeFirst(count)
            }
            try expect(try await stage.ledger.channel(person.key.keyID, node).paid == Nano(7_700))
            try expect(try await stage.funds(person).available == Nano(1_000_000 - 7_700))
        },

        Scenario([27], "two keys of a user have channels of their own") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let second = P256SessionKey()
            try await stage.grant(second.keyID, .p256, to: person)
            let node = try await stage.node()
            let entries = [try stage.voucher(person.key, node, Nano(30)), try stage.voucher(second, node, Nano(30))]
            try expect(try await stage.settle(entries) == [.settled, .settled])
            try expect(try await stage.funds(person).available == Nano(40))
        },

        Scenario([28], "two hundred vouchers of many users settle to the nano; 201 are refused; none does nothing") {
            stage in
            var (people, nodes) = ([Person](), [NodeID]())
            for _ in 0..<40 { people.append(try await stage.person(deposit: Nano(1_000_000))) }
            for _ in 0..<20 { nodes.append(try await stage.node()) }
            var entries: [SettleEntry] = []
            for (index, node) in nodes.enumerated() {
                for offset in 0..<10 {
                    let key = people[(index + offset * 3) % 40].key
                    entries.append(try stage.voucher(key, node, Nano(UInt64(1_000 + index * 7 + offset))))
                }
            }
            try expect(try await stage.settle(entries) == Array(repeating: .settled, count: 200))
            let gross = (0..<20).reduce(UInt64(0)) { sum, index in
                (0..<10).reduce(sum) { $0 + UInt64(1_000 + index * 7 + $1) }
            }
            let balances = try await stage.ledger.balances()
            try expect(balances.sumOfEarnings == TokenAmount(Nano(gross)))
            try expect(balances.sumOfUsers == TokenAmount(Nano(40_000_000 - gross)))
            try await stage.refuse(.settle(entries + [entries[0]]), .tooMany)
            try expect(try await stage.run(.settle([])).events.isEmpty)
        },

        Scenario([29], "the same voucher twice in a batch pays once") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let entry = try stage.voucher(person.key, try await stage.node(), Nano(60))
            try expect(try await stage.settle([entry, entry]) == [.settled, .nothingNew])
        },

        Scenario([30, 31], "a short balance pays what is there, and the same voucher pays the rest later") { stage in
            let person = try await stage.person(deposit: Nano(40))
            let entry = try stage.voucher(person.key, try await stage.node(), Nano(100))
            try expect(try await stage.settle([entry]) == [.partial])
            try expect(try await stage.settle([entry]) == [.noFunds])
            try await stage.run(.deposit(user: person.id, amount: TokenAmount(Nano(1))))
            try expect(try await stage.settle([entry]) == [.partial])
            try await stage.run(.deposit(user: person.id, amount: TokenAmount(Nano(80))))
            try expect(try await stage.settle([entry]) == [.settled])
            try expect(try await stage.funds(person).available == Nano(21))
        },

        Scenario([32], "a short cap pays up to it, and the same voucher pays the rest when it is raised") { stage in
            let person = try await stage.person(deposit: Nano(1_000), cap: Nano(30))
            let entry = try stage.voucher(person.key, try await stage.node(), Nano(100))
            try expect(try await stage.settle([entry]) == [.partial])
            try expect(try await stage.settle([entry]) == [.capReached])
            try await stage.grant(person.key.keyID, to: person, cap: Nano(100))
            try expect(try await stage.settle([entry]) == [.settled])
        },

        Scenario([33], "a node that does not exist is not paid") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let node = try await stage.node()
            let unknown = try [0, node.number + 1].map { try stage.voucher(person.key, NodeID($0), Nano(1)) }
            try expect(try await stage.settle(unknown) == [.unknownNode, .unknownNode])
            try expect(try await stage.funds(person).available == Nano(100))
        },

        Scenario([34, 35, 36, 37], "a bad or foreign signature stops no other entry") { stage in
            let person = try await stage.person(deposit: Nano(1_000))
            let device = P256SessionKey()
            try await stage.grant(device.keyID, .p256, to: person)
            let node = try await stage.node()
            let good = try stage.voucher(person.key, node, Nano(10))
            let onDevice = try stage.voucher(device, node, Nano(10))
            let one = Bytes32(number: 1)
            func entry(_ r: Bytes32, _ s: Bytes32, _ x: Bytes32 = .zero, _ y: Bytes32 = .zero) -> SettleEntry {
                var entry = good
                entry.signature = LedgerSignature(r: r, s: s, x: x, y: y)
                return entry
            }
            var highS = good.signature.s.bytes
            for index in highS.indices { highS[index] = 0x7f | (index == 0 ? highS[index] & 0x80 : 0x80) }
            var wrongParity = good.signature.s.bytes
            wrongParity[0] ^= 0x80
            let order = try require(Bytes32([UInt8](repeating: 0xff, count: 32)))
            let root = Secp256k1Key()
            let foreignDomains = [
                TypedDomain(chainID: 5, verifyingContract: stage.ledger.domain.verifyingContract),
                TypedDomain(chainID: stage.ledger.domain.chainID, verifyingContract: .zero),
            ]
            var entries = [
                entry(.zero, .zero), entry(good.signature.r, try require(Bytes32(highS))),
                entry(.zero, good.signature.s), entry(good.signature.r, try require(Bytes32(wrongParity))),
                entry(order, order), entry(onDevice.signature.r, onDevice.signature.s, one, one),
                entry(onDevice.signature.r, onDevice.signature.s, onDevice.signature.x),
                entry(onDevice.signature.r, onDevice.signature.s),
                entry(good.signature.r, good.signature.s, device.point.x, device.point.y),
                try stage.voucher(person.wallet, node, Nano(10)), try stage.voucher(root, node, Nano(10)),
            ]
            for domain in foreignDomains {
                entries.append(SettleEntry(good.voucher, signature: try person.key.sign(good.voucher, in: domain)))
            }
            let bad = entries.count
            entries += [good, onDevice]
            try expect(
                try await stage.settle(entries)
                    == Array(repeating: .unknownKey, count: bad) + [.settled, .settled]
            )
        },

        Scenario([38, 39], "the largest amount pays what is there, and units keep their maximum") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let node = try await stage.node()
            let all = try stage.voucher(person.key, node, Nano(.max), units: .max)
            try expect(try await stage.settle([all]) == [.partial])
            try await stage.run(.deposit(user: person.id, amount: TokenAmount(Nano(50))))
            try expect(try await stage.settle([try stage.voucher(person.key, node, Nano(120), units: 3)]) == [.settled])
            let channel = try await stage.ledger.channel(person.key.keyID, node)
            try expect(channel == Channel(paid: Nano(120), units: .max))
        },

        Scenario([40], "a node is paid in every status") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let owner = try await stage.wallet()
            var nodes: [NodeID] = []
            for _ in 0..<4 { nodes.append(try await stage.node(owner)) }
            nodes.append(try await stage.node(owner, status: .pending))
            try await stage.run(.suspend(node: nodes[0], reason: .zero), by: stage.cast.reporter)
            try await stage.run(.ban(node: nodes[1], reason: .zero), by: stage.owner)
            try await stage.run(.exit(node: nodes[2]), by: owner)
            try await stage.refuse(.completeExit(node: nodes[2]), .tooEarly)
            try await stage.advance(7 * .day)
            try await stage.run(.completeExit(node: nodes[2]))
            try await stage.run(.exit(node: nodes[3]), by: owner)
            let statuses: [NodeStatus] = [.suspended, .banned, .exited, .exiting, .pending]
            for (node, status) in zip(nodes, statuses) {
                try expect(try await stage.ledger.node(node)?.status == status)
            }
            let entries = try nodes.map { try stage.voucher(person.key, $0, Nano(5)) }
            try expect(try await stage.settle(entries) == Array(repeating: .settled, count: 5))
        },

        Scenario([41, 42, 43, 44], "whoever settles, with whatever overlap, each nano is charged once") { stage in
            let person = try await stage.person(deposit: Nano(1_000))
            let node = try await stage.node()
            try await stage.settle([try stage.voucher(person.key, node, Nano(100))], by: person.wallet)
            let batch = [
                try stage.voucher(person.key, node, Nano(300)), try stage.voucher(person.key, node, Nano(500)),
            ]
            let other = [try stage.voucher(person.key, node, Nano(400)), batch[1]]
            async let first = stage.submit(.settle(batch), by: stage.stranger)
            async let second = stage.submit(.settle(other), by: stage.administrator)
            _ = try await [first, second]
            try expect(try await stage.funds(person).available == Nano(500))
            try expect(try await stage.ledger.channel(person.key.keyID, node).paid == Nano(500))
        },

        Scenario([45], "the fee is rounded up and sums are conserved") { stage in
            let person = try await stage.person(deposit: Nano(1_000))
            let node = try await stage.node()
            try await stage.settle([try stage.voucher(person.key, node, Nano(1))])
            try expect(try await stage.ledger.earnings(node).earned == .zero)
            try expect(try await stage.ledger.balances().fees == Nano(1))
            for amount in UInt64(2)...50 {
                try await stage.settle([try stage.voucher(person.key, node, Nano(amount))])
            }
            try expect(try await stage.ledger.balances().fees == Nano(50))
            try expect(try await stage.funds(person).available == Nano(950))
        },

        Scenario([46, 47], "a key settles up to its last second, and again when it is extended") { stage in
            let person = try await stage.person(deposit: Nano(1_000))
            let node = try await stage.node()
            let end = try require(try await stage.ledger.key(person.key.keyID)).validUntil
            try await stage.setTime(end)
            let last = [try stage.voucher(person.key, node, Nano(1))]
            try expect(try await stage.settle(last, atItsTime: true) == [.settled])
            try await stage.setTime(end + 1)
            let late = try stage.voucher(person.key, node, Nano(2))
            try expect(try await stage.settle([late], atItsTime: true) == [.keyExpired])
            try await stage.grant(person.key.keyID, to: person)
            try expect(try await stage.settle([late]) == [.settled])
        },
    ]
}
