import Ledger
import Testing

@testable import NodeHost

@Suite struct `Affordable tokens` {
    let price = TokenPrice(input: Nano(1_000_000), output: Nano(2_000_000))

    @Test func `are all that were wanted when the credit is large`() {
        #expect(price.affordableTokens(prompt: 10, wanted: 100, credit: .lai) == 100)
    }

    @Test func `end where the credit does`() throws {
        let count = try #require(price.affordableTokens(prompt: 10, wanted: 100, credit: Nano(50)))
        #expect(count == 20)
        #expect(try #require(price.cost(inputTokens: 10, outputTokens: UInt64(count))) <= Nano(50))
        #expect(try #require(price.cost(inputTokens: 10, outputTokens: UInt64(count) + 1)) > Nano(50))
    }

    @Test func `are none when the prompt alone costs more`() {
        #expect(price.affordableTokens(prompt: 100, wanted: 10, credit: Nano(99)) == nil)
    }

    @Test func `do not overflow on prices of strangers`() {
        let absurd = TokenPrice(input: Nano(.max), output: Nano(.max))
        #expect(absurd.affordableTokens(prompt: .max, wanted: 10, credit: .lai) == nil)
    }
}
