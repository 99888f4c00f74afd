import Ledger
import Testing

@Suite struct `Parameters of the ledger` {
    @Test func `stand within their bounds and keep the rule between delays`() {
        #expect(Parameters().fault == nil)
        for name in Parameters.Name.allCases { #expect(name.bounds.contains(name.standard)) }
    }

    @Test func `have names that fit a word and are read back`() {
        for name in Parameters.Name.allCases {
            #expect(Bytes32(ascii: name.rawValue) != nil)
            #expect(Parameters.Name(rawValue: name.rawValue) == name)
            #expect(Parameters.Name.allCases[name.index] == name)
        }
    }

    @Test func `move by a factor of two or a twentieth of their range and no further`() throws {
        let start = Parameters()
        #expect(try start.setting(.feeBPS, to: 1_000)[.feeBPS] == 1_000)
        #expect(throws: Reason.stepTooLarge) { try start.setting(.feeBPS, to: 1_001) }
        #expect(try start.setting(.feeBPS, to: 250)[.feeBPS] == 250)
        #expect(throws: Reason.stepTooLarge) { try start.setting(.feeBPS, to: 249) }
        #expect(try start.setting(.burnBPS, to: 500)[.burnBPS] == 500)
        #expect(throws: Reason.stepTooLarge) { try start.setting(.burnBPS, to: 501) }
    }

    @Test func `do not leave their bounds or break the rule between delays`() throws {
        let start = Parameters()
        #expect(throws: Reason.outOfBounds) { try start.setting(.feeBPS, to: 2_001) }
        #expect(throws: Reason.outOfBounds) { try start.setting(.revokeDelay, to: 3_600) }
        #expect(throws: Reason.self) { try start.setting(.feeBPS, to: .max) }
        let quick = try start.setting(.withdrawDelay, to: 12 * 3_600)
        #expect(throws: Reason.breaksRule) { try quick.setting(.revokeDelay, to: 6 * 3_600 + 2) }
        #expect(throws: Reason.breaksRule) {
            try start.setting(.revokeDelay, to: 12 * 3_600).setting(.withdrawDelay, to: 23 * 3_600)
        }
    }

    @Test func `set at random never stand with a fault`() {
        var random = SeededGenerator(seed: 40)
        var parameters = Parameters()
        for _ in 0..<20_000 {
            let name = Parameters.Name.allCases.randomElement(using: &random) ?? .feeBPS
            let value =
                Bool.random(using: &random)
                ? UInt64.random(in: name.bounds, using: &random)
                : random.next() >> UInt64.random(in: 0..<64, using: &random)
            guard let changed = try? parameters.setting(name, to: value) else { continue }
            #expect(changed.fault == nil)
            parameters = changed
        }
    }
}

@Suite struct `Amounts` {
    @Test func `of tokens are nano only when they are whole ones`() {
        #expect(TokenAmount(Nano(7)).nano == Nano(7))
        #expect(TokenAmount(Nano(.max)).nano == Nano(.max))
        #expect(TokenAmount(units: 1).nano == nil)
        #expect(TokenAmount(units: 1_000_000_001).nano == nil)
        #expect(TokenAmount(units: .max / 1_000_000_000 * 1_000_000_000).nano == nil)
        #expect(TokenAmount(units: 1).description == "0.000000000000000001")
        #expect(TokenAmount(.lai).description == "1.000000000")
    }

    @Test func `never wrap`() {
        #expect(Nano(.max).adding(Nano(1)) == nil)
        #expect(Nano.zero.subtracting(Nano(1)) == nil)
        #expect(Nano(3).clampedSubtracting(Nano(5)) == .zero)
        #expect(Nano(.max).clampedAdding(Nano(5)) == Nano(.max))
        #expect(TokenAmount(units: .max).adding(TokenAmount(units: 1)) == nil)
        #expect(TokenAmount.zero.subtracting(TokenAmount(units: 1)) == nil)
        #expect(Nano(.max).description == "18446744073.709551615")
        #expect(Nano(5).description == "0.000000005")
    }
}
