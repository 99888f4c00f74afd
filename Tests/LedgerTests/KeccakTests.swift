import Ledger
import Testing

@Suite struct `Keccak` {
    @Test func `hashes at and around the size of a block`() throws {
        for vectors in try EthVectors.all() {
            for vector in vectors.keccak256 {
                #expect(Keccak256.hash(vector.input.bytes) == vector.hash, "\(vector.input.bytes.count) bytes")
            }
        }
    }

    @Test func `gives one hash however the bytes are cut`() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            let bytes = random.bytes(Int.random(in: 0..<500, using: &random))
            var keccak = Keccak256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &random)
                keccak.update(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(keccak.finalize() == Keccak256.hash(bytes))
        }
    }

    @Test(arguments: [0, 1, 8, 130]) func `takes a word as its bytes`(offset: Int) throws {
        var random = SeededGenerator(seed: 2)
        let start = random.bytes(offset)
        let word = try random.word()
        var keccak = Keccak256()
        keccak.update(start)
        keccak.update(word)
        #expect(keccak.finalize() == Keccak256.hash(start + word.bytes))
    }

    @Test func `goes on after a hash was taken`() {
        var keccak = Keccak256()
        keccak.update([1, 2])
        #expect(keccak.finalize() == Keccak256.hash([1, 2]))
        keccak.update([3])
        #expect(keccak.finalize() == Keccak256.hash([1, 2, 3]))
    }
}
