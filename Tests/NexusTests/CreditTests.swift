import LatticeTesting
import Ledger
import NIOConcurrencyHelpers
import Testing

@testable import Nexus

@Suite struct `Users credit` {
    let credit = Credit()
    let user = UserID(1)
    let channel = Credit.ChannelName(key: .zero, node: NodeID(1))

    @Test func `waits for a batch on its way before it says that there is too little`() async throws {
        let credit = Credit()
        let channel = Credit.ChannelName(key: KeyID.zero, node: NodeID(1))
        credit.restore(user: UserID(1), channel: channel, signed: Nano(40), paid: .zero)
        credit.beginSettling()
        let asked = NIOLockedValueBox(0)
        // The ledger has charged the forty of its hundred, which stand here as unsettled still.
        async let hold = credit.hold(Nano(60), for: UserID(1)) {
            asked.withLockedValue { $0 += 1 }
            return Nano(60)
        }
        try await eventually("the ledger is asked") { asked.withLockedValue { $0 > 0 } }
        credit.settled(channel, of: UserID(1), paid: Nano(40))
        credit.endSettling()
        #expect(try await hold.amount == Nano(60))
    }

    @Test func `holds no more than there is`() async throws {
        _ = try await hold(60)
        await #expect(throws: NexusError.insufficientCredits(needed: Nano(50), headroom: Nano(40))) {
            try await hold(50)
        }
    }

    @Test func `gives a hold back once`() async throws {
        let first = try await hold(60)
        let second = try await hold(40)
        credit.release(first)
        credit.release(first)
        #expect(credit.standing(of: user).reserved == Nano(40))
        credit.release(second)
        #expect(credit.standing(of: user).reserved == .zero)
    }

    @Test func `turns a hold into what the voucher adds`() async throws {
        credit.charge(try await hold(60), channel: channel, signed: Nano(10))
        #expect(credit.standing(of: user) == Credit.Standing(unsettled: Nano(10), reserved: .zero))
        credit.charge(try await hold(60), channel: channel, signed: Nano(25))
        #expect(credit.standing(of: user).unsettled == Nano(25))
    }

    @Test func `forgets what the ledger has paid`() async throws {
        credit.charge(try await hold(60), channel: channel, signed: Nano(25))
        credit.settled(channel, of: user, paid: Nano(20))
        #expect(credit.standing(of: user).unsettled == Nano(5))
        credit.settled(channel, of: user, paid: Nano(10))
        #expect(credit.standing(of: user).unsettled == Nano(5))
    }

    @Test func `reads the ledger again when a settlement comes between`() async throws {
        credit.charge(try await hold(60), channel: channel, signed: Nano(60))
        var readings = 0
        // The first reading is from before the settlement, which then moves 60 from our books to the ledger's.
        let held = try? await credit.hold(Nano(50), for: user) { () async throws(NexusError) in
            readings += 1
            if readings == 1 {
                credit.settled(channel, of: user, paid: Nano(60))
                return Nano(100)
            }
            return Nano(40)
        }
        #expect(readings == 2)
        #expect(held == nil)
    }

    @Test(arguments: 0..<20) func `never lets a user spend more than the ledger has`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let funds = UInt64(1000)
        var paid = UInt64(0)
        var signed = UInt64(0)
        var holds: [Credit.Hold] = []
        for _ in 0..<500 {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                let left = Nano(funds - paid)
                let amount = Nano(.random(in: 1...100, using: &generator))
                if let hold = try? await credit.hold(amount, for: user, funds: { () async throws(NexusError) in left })
                {
                    holds.append(hold)
                }
            case 2 where !holds.isEmpty:
                let hold = holds.remove(at: .random(in: 0..<holds.count, using: &generator))
                let cost = UInt64.random(in: 0...hold.amount.count, using: &generator)
                signed += cost
                credit.charge(hold, channel: channel, signed: Nano(signed))
            default:
                paid = signed
                credit.settled(channel, of: user, paid: Nano(paid))
            }
            let held = holds.reduce(UInt64(0)) { $0 + $1.amount.count }
            #expect(signed + held <= funds)
            #expect(credit.standing(of: user).reserved == Nano(held))
            #expect(credit.standing(of: user).unsettled == Nano(signed - paid))
        }
    }

    private func hold(_ amount: UInt64, of funds: UInt64 = 100) async throws(NexusError) -> Credit.Hold {
        try await credit.hold(Nano(amount), for: user) { () async throws(NexusError) in Nano(funds) }
    }
}
