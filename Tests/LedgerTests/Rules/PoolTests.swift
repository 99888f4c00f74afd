import Ledger
import Testing

@Suite struct `Pools` {
    @Test func `begin at a thousand shares a nano and round against the staker`() {
        let empty = PoolRecord()
        #expect(empty.shares(for: Nano(7)) == 7_000)
        let pool = PoolRecord(assets: Nano(10), shares: 9_000, selfShares: 9_000)
        // 3 * 10 000 / 11
        #expect(pool.shares(for: Nano(3)) == 2_727)
        // 2 727 * 11 / 10 000
        #expect(pool.worth(of: 2_727) == Nano(2))
    }

    @Test func `never pay more than was paid in, whatever the price`() throws {
        var random = SeededGenerator(seed: 64)
        for _ in 0..<20_000 {
            let assets = random.next() >> UInt64.random(in: 0..<64, using: &random)
            let shares = (UInt128(random.next()) << 64) >> UInt64.random(in: 10..<128, using: &random)
            let pool = PoolRecord(assets: Nano(assets), shares: shares)
            let amount = Nano(random.next() >> UInt64.random(in: 4..<64, using: &random))
            guard let bought = pool.shares(for: amount), let sum = pool.assets.adding(amount) else { continue }
            let (all, overflow) = shares.addingReportingOverflow(bought)
            guard !overflow else { continue }
            let after = PoolRecord(assets: sum, shares: all)
            #expect(after.worth(of: bought) <= amount)
            #expect(after.worth(of: all) <= sum)
        }
    }

    @Test func `saturate or say nothing where figures are beyond their range`() {
        let pool = PoolRecord(assets: Nano(.max), shares: .max)
        #expect(pool.shares(for: Nano(1)) == nil)
        #expect(pool.worth(of: .max) == .zero)
        let dear = PoolRecord(assets: Nano(.max), shares: 0)
        #expect(dear.worth(of: .max) == Nano(.max))
        let cheap = PoolRecord(assets: .zero, shares: .max - 1_000)
        #expect(cheap.shares(for: Nano(2)) == nil)
    }

    @Test func `pack a report's row in the order of its fields, from the lowest bit up`() throws {
        let row = ReportRow(
            node: NodeID(0x0102_0304_0506_0708),
            uptime: 0x1112,
            units: 0x2122_2324_2526_2728,
            health: 0x3132,
            reputation: 0x4142,
            latency: 0x5152_5354
        )
        let word = "0x000000000000" + "51525354" + "4142" + "3132" + "2122232425262728" + "1112" + "0102030405060708"
        #expect(row.packed.description == word)
        #expect(ReportRow(packed: row.packed) == row)
        let beyond = try #require(Bytes32(hex: "0x000000000001" + word.dropFirst(14)))
        #expect(ReportRow(packed: beyond) == nil)
    }

    @Test func `are minted for by a schedule that halves every 730 days and fits under the cap`() throws {
        #expect(TokenAmount.mintable(day: 0) == TokenAmount(Nano(100_000 * Nano.lai.count)))
        #expect(TokenAmount.mintable(day: 729) == TokenAmount.mintable(day: 0))
        #expect(TokenAmount.mintable(day: 730) == TokenAmount(Nano(50_000 * Nano.lai.count)))
        #expect(TokenAmount.mintable(day: .max) == .zero)
        var sum = TokenAmount.genesisSupply
        for period in UInt64(0)..<100 {
            let units = TokenAmount.mintable(day: period * 730).units * 730
            sum = try #require(sum.adding(TokenAmount(units: units)))
        }
        #expect(sum <= .cap)
    }

    @Test func `are governed by functions whose selectors are the first bytes of their calls`() {
        let call = Command.setParameter(.feeBPS, value: 1).encoded()
        #expect(FunctionSelector(call: call) == FunctionSelector("set_parameter(bytes32,uint64)"))
        #expect(FunctionSelector(call: [1, 2, 3]) == nil)
        #expect(FunctionSelector("transfer(address,uint256)").description == "0xa9059cbb")
    }
}
