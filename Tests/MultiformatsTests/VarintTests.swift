import LatticeTesting
import Multiformats
import Testing

@Suite struct `Varints` {
    @Test(
        arguments: [
            (0, [0x00]), (1, [0x01]), (127, [0x7f]), (128, [0x80, 0x01]), (255, [0xff, 0x01]), (300, [0xac, 0x02]),
            (16384, [0x80, 0x80, 0x01]),
            (UInt64.max, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] as [(UInt64, [UInt8])]
    )
    func `has the forms of the specification`(value: UInt64, bytes: [UInt8]) throws {
        #expect(Varint.encode(value) == bytes)
        #expect(Varint.encodedLength(value) == bytes.count)
        let decoded = try #require(try Varint.decode(bytes + [0xff]))
        #expect(decoded.value == value)
        #expect(decoded.length == bytes.count)
        for length in 0..<bytes.count { #expect(try Varint.decode(bytes.prefix(length)) == nil) }
    }

    @Test func `refuses what has a shorter form`() {
        #expect(throws: VarintError.notMinimal) { try Varint.decode([0x81, 0x00]) }
        #expect(throws: VarintError.notMinimal) { try Varint.decode([0x80, 0x80, 0x00]) }
    }

    @Test func `refuses what needs more than 64 bits`() {
        let ones = [UInt8](repeating: 0xff, count: 9)
        #expect(throws: VarintError.tooLong) { try Varint.decode(ones + [0x02]) }
        #expect(throws: VarintError.tooLong) { try Varint.decode(ones + [0xff, 0x01]) }
    }

    @Test func `gives back every value`() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let value = random.next() >> UInt64.random(in: 0..<64, using: &random)
            #expect(try Varint.decode(Varint.encode(value))?.value == value)
        }
    }
}
