import Testing

@testable import Ledger

@Suite struct `Events` {
    @Test func `of every kind are read back as they were`() throws {
        var rules = RandomRules(seed: 30)
        for _ in 0..<20 {
            let events = try rules.events()
            #expect(Set(events.map(\.kind)) == Set(Event.Kind.allCases))
            for event in events {
                let log = event.encoded()
                #expect(log.topics.count <= 4)
                #expect(try Event(log) == event, "\(event.name)")
            }
        }
    }

    @Test func `have the topic of their signature`() throws {
        for vectors in try EthVectors.all() {
            let transfer = "Transfer(address,address,uint256)"
            let vector = try #require(vectors.selectors.first { $0.signature == transfer })
            let event = Event.transfer(from: .zero, to: .zero, value: .zero)
            #expect(event.encoded().topics.first == vector.topic)
        }
        let settled = Event.settled(key: .zero, node: NodeID(1), amount: .zero, paid: .zero, units: 0, receipts: .zero)
        #expect(
            settled.encoded().topics.first
                == ABI.eventTopic("Settled(address,uint64,uint64,uint64,uint64,bytes32)")
        )
    }

    @Test func `with missing or further topics and data are refused`() throws {
        var rules = RandomRules(seed: 31)
        for event in try rules.events() {
            let log = event.encoded()
            for count in 0..<log.topics.count {
                var short = log
                short.topics = Array(log.topics.prefix(count))
                #expect(throws: LedgerCodingError.self) { try Event(short) }
            }
            for count in 0..<log.data.count {
                var short = log
                short.data = Array(log.data.prefix(count))
                #expect(throws: LedgerCodingError.wrongLength) { try Event(short) }
            }
            var long = log
            long.topics.append(.zero)
            #expect(throws: LedgerCodingError.wrongLength) { try Event(long) }
            long = log
            long.data += [UInt8](repeating: 0, count: 32)
            #expect(throws: LedgerCodingError.wrongLength) { try Event(long) }
        }
    }

    @Test func `with a bit flipped are refused or mean another event`() throws {
        var rules = RandomRules(seed: 32)
        for event in try rules.events() {
            let log = event.encoded()
            for bit in 0..<log.data.count * 8 {
                var flipped = log
                flipped.data[bit / 8] ^= 1 << UInt8(bit % 8)
                guard let other = try? Event(flipped) else { continue }
                #expect(other != event)
                #expect(other.encoded() == flipped)
            }
        }
    }

    @Test func `logged by another contract are refused`() throws {
        var rules = RandomRules(seed: 33)
        for event in try rules.events() {
            for contract in Contract.allCases where contract != event.contract {
                var log = event.encoded()
                log.contract = contract
                // Owners, roles and pauses are alike on several contracts; everything else is one contract's.
                if let other = try? Event(log) {
                    #expect(other != event && other.contract == contract && event.kind.isShared)
                } else {
                    #expect(throws: LedgerCodingError.unknownKind) { try Event(log) }
                }
            }
        }
    }

    @Test func `say what happened with amounts in LAI`() {
        let event = Event.settled(
            key: .zero,
            node: NodeID(3),
            amount: Nano(81_000),
            paid: Nano(81_000),
            units: 48,
            receipts: .zero
        )
        #expect(event.name == "Settled")
        #expect(event.summary.contains("node 3, amount 0.000081000, paid 0.000081000, units 48"))
    }

    @Test func `of a settlement give the status of every entry`() {
        func settled(_ paid: UInt64) -> Event {
            .settled(
                key: .zero,
                node: NodeID(1),
                amount: Nano(10),
                paid: Nano(paid),
                units: 0,
                receipts: .zero
            )
        }
        let events = [settled(10), .rejected(index: 1, status: .unknownKey), settled(4)]
        let inclusion = Inclusion(block: 1, time: 1, events: events)
        #expect(inclusion.settleStatuses(count: 3) == [.settled, .unknownKey, .partial])
        #expect(inclusion.settleStatuses(count: 2) == nil)
        #expect(inclusion.settleStatuses(count: 4) == nil)
        #expect(inclusion.settleStatuses(count: -1) == nil)
    }
}

extension Event.Kind {
    fileprivate var isShared: Bool {
        [.ownerProposed, .ownerChanged, .roleSet, .paused, .unpaused].contains(self)
    }
}
