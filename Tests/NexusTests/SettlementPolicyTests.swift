import Ledger
import Testing

@testable import Nexus

@Suite struct `Settlement policy` {
    let now: UInt64 = 1_800_000_000
    let policy = SettlementPolicy()

    private func channel(
        due: Nano,
        age: UInt64 = 0,
        _ change: (inout SettlementPolicy.Channel) -> Void = { _ in }
    ) -> SettlementPolicy.Channel {
        var channel = SettlementPolicy.Channel(
            due: due,
            since: now - age,
            key: KeyRecord(
                user: UserID(1),
                validUntil: now + 86_400,
                kind: .p256,
                generation: 0,
                cap: Nano(1_000 * Nano.lai.count),
                spent: .zero
            ),
            funds: Funds(available: Nano(50 * Nano.lai.count)),
            feeBPS: 500
        )
        change(&channel)
        return channel
    }

    @Test func `waits until an amount has gathered or an hour has passed`() {
        #expect(policy.cause(channel(due: Nano(999_999_999), age: 3599), at: now) == nil)
        #expect(policy.cause(channel(due: .lai), at: now) == .value)
        #expect(policy.cause(channel(due: Nano(1), age: 3600), at: now) == .age)
        #expect(policy.cause(channel(due: .zero, age: 99_999), at: now) == nil)
    }

    @Test func `settles at once before a withdrawal, the end of a key or its cap`() {
        let withdrawing = channel(due: Nano(1)) { $0.funds.thawEnd = now + 86_400 }
        #expect(policy.cause(withdrawing, at: now) == .withdrawal)
        let ending = channel(due: Nano(1)) { $0.key.validUntil = now + 7199 }
        #expect(policy.cause(ending, at: now) == .keyEnds)
        let bumped = channel(due: Nano(1)) { ($0.funds.generation, $0.funds.generationEnd) = (1, now + 3600) }
        #expect(policy.cause(bumped, at: now) == .keyEnds)
        let nearCap = channel(due: Nano(1)) { $0.key.spent = Nano(900 * Nano.lai.count) }
        #expect(policy.cause(nearCap, at: now) == .capNear)
    }

    @Test func `leaves a voucher that is not worth its gas, for a day at most and never for a safety reason`() {
        var policy = policy
        policy.cost = .lai
        let small = Nano(2 * Nano.lai.count)
        #expect(policy.cause(channel(due: small, age: 7200), at: now) == nil)
        #expect(policy.cause(channel(due: small, age: 86_400), at: now) == .value)
        #expect(policy.cause(channel(due: Nano(20 * Nano.lai.count)), at: now) == .value)
        let withdrawing = channel(due: small) { $0.funds.thawEnd = now + 1 }
        #expect(policy.cause(withdrawing, at: now)?.isSafety == true)
    }

    @Test func `settles whatever there is where batches are free`() {
        #expect(SettlementPolicy.immediate.cause(channel(due: Nano(1)), at: now) == .value)
    }

    @Test func `figures at their bounds do not trap`() {
        let extreme = channel(due: Nano(.max)) { $0.since = .max }
        #expect(policy.cause(extreme, at: .max) != nil)
        #expect(policy.cause(extreme, at: 0) != nil)
    }
}
