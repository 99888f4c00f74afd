import Ledger
import Testing

@Suite struct `Receipt chain` {
    @Test func `links receipts as an independent library links them`() throws {
        let vector = try LatticeVectors.load().chain
        let node = NodeID(try #require(UInt64(vector.node)))
        var heads = [ReceiptChain.start(key: vector.key, node: node)]
        for message in try EthVectors.copy.get().eip712.messages where message.type.hasPrefix("Receipt(") {
            let receipt = try #require(try typedMessage(message.type, message.message) as? Receipt)
            heads.append(ReceiptChain.advance(try #require(heads.last), receipt))
        }
        #expect(heads == vector.heads)
    }

    @Test func `depends on key, node and order`() throws {
        let receipts = try EthVectors.copy.get().eip712.messages.filter { $0.type.hasPrefix("Receipt(") }
            .compactMap { try typedMessage($0.type, $0.message) as? Receipt }
        let start = ReceiptChain.start(key: .zero, node: NodeID(1))
        #expect(start != ReceiptChain.start(key: .zero, node: NodeID(2)))
        #expect(start != ReceiptChain.start(key: KeyID(secp256k1: Secp256k1Key().address), node: NodeID(1)))
        let forward = receipts.reduce(start) { ReceiptChain.advance($0, $1) }
        let backward = receipts.reversed().reduce(start) { ReceiptChain.advance($0, $1) }
        #expect(forward != backward)
    }
}

@Suite struct `Token prices` {
    @Test func `round up to a nano`() {
        let price = TokenPrice(input: Nano(500_000_000), output: Nano(2_000_000_000))
        #expect(price.cost(inputTokens: 10, outputTokens: 38) == Nano(81_000))
        #expect(price.cost(inputTokens: 0, outputTokens: 0) == .zero)
        let dust = TokenPrice(input: Nano(1), output: Nano(1))
        #expect(dust.cost(inputTokens: 1, outputTokens: 0) == Nano(1))
        #expect(dust.cost(inputTokens: 500_000, outputTokens: 500_000) == Nano(1))
        #expect(dust.cost(inputTokens: 500_000, outputTokens: 500_001) == Nano(2))
    }

    @Test func `are exact to the greatest amount and say when it is passed`() {
        let million = TokenPrice(input: Nano(1_000_000), output: .zero)
        #expect(million.cost(inputTokens: .max, outputTokens: .max) == Nano(.max))
        let more = TokenPrice(input: Nano(1_000_000), output: Nano(1))
        #expect(more.cost(inputTokens: .max, outputTokens: 1) == nil)
        let most = TokenPrice(input: Nano(.max), output: Nano(.max))
        #expect(most.cost(inputTokens: .max, outputTokens: 0) == nil)
        #expect(most.cost(inputTokens: .max, outputTokens: .max) == nil)
        #expect(most.cost(inputTokens: 1, outputTokens: 0) == Nano(18_446_744_073_710))
    }

    @Test func `are those of a quote`() {
        let quote = Quote(node: NodeID(1), model: .zero, inputPrice: Nano(3), outputPrice: Nano(4), validUntil: 9)
        #expect(quote.price == TokenPrice(input: Nano(3), output: Nano(4)))
    }
}
