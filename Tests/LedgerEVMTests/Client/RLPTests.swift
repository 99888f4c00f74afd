import LatticeTesting
import Ledger
import Testing

@testable import LedgerEVM

@Suite struct `Recursive length prefix` {
    @Test func `encodes and reads the published vectors`() throws {
        for vectors in try ClientVectors.all() {
            for pair in vectors.rlp.encode {
                let item = RLP(pair.value)
                #expect(item.encoded() == pair.encoded.bytes)
                #expect(try RLP(pair.encoded.bytes) == item)
            }
        }
    }

    @Test func `refuses the published encodings that are not canonical`() throws {
        for vectors in try ClientVectors.all() {
            for bytes in vectors.rlp.invalid {
                #expect(throws: RLPError.self) { _ = try RLP(bytes.bytes) }
            }
        }
    }

    @Test func `refuses every prefix of a list`() throws {
        let bytes = RLP.list([.bytes(Array(repeating: 7, count: 60)), .list([.bytes([1]), .bytes([])])]).encoded()
        for count in 0..<bytes.count {
            #expect(throws: RLPError.self) { _ = try RLP(Array(bytes.prefix(count))) }
        }
        #expect(throws: RLPError.trailingBytes) { _ = try RLP(bytes + [0]) }
    }

    @Test func `refuses lists that stand too deep in each other`() {
        #expect(throws: RLPError.tooDeep) { _ = try RLP(nested(40)) }
        #expect(throws: Never.self) { _ = try RLP(nested(RLP.mostDepth)) }
    }

    @Test func `answers any bytes with an item that encodes to them, or with an error`() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            if let item = try? RLP(bytes) { #expect(item.encoded() == bytes) }
        }
    }

    private func nested(_ depth: Int) -> [UInt8] {
        (0..<depth).reduce(RLP.list([])) { item, _ in .list([item]) }.encoded()
    }
}

extension RLP {
    fileprivate init(_ item: ClientVectors.Item) {
        switch item {
        case .bytes(let bytes): self = .bytes(bytes.bytes)
        case .list(let items): self = .list(items.map(RLP.init))
        }
    }
}
