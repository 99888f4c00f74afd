import LatticeTesting
import Multiformats
import Testing

@Suite struct `Content ids` {
    /// The id of the raw block `hello`.
    static let hello = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"

    @Test func `version 1 reads and prints`() throws {
        let id = try CID(Self.hello)
        #expect(id.version == .v1)
        #expect(id.codec == .raw)
        #expect(id.hash.code == .sha256)
        #expect(id.hash.digest.prefix(4) == [0x2c, 0xf2, 0x4d, 0xba])
        #expect(id.bytes.prefix(4) == [0x01, 0x55, 0x12, 0x20])
        #expect(id.description == Self.hello)
        #expect(try CID(bytes: id.bytes) == id)
        #expect(try CID(Multibase.base58btc.encode(id.bytes)) == id)
    }

    @Test func `version 0 reads and prints`() throws {
        let text = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
        let id = try CID(text)
        #expect(id.version == .v0)
        #expect(id.codec == .dagPB)
        #expect(id.description == text)
        #expect(try CID(bytes: id.bytes) == id)
    }

    @Test func `version 0 has no multibase form`() throws {
        let id = try CID("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n")
        #expect(throws: CIDError.unknownVersion(0)) { try CID(Multibase.base32.encode(id.bytes)) }
    }

    @Test func `other versions are refused`() throws {
        let bytes = try CID(Self.hello).bytes
        #expect(throws: CIDError.unknownVersion(2)) { try CID(bytes: [2] + bytes.dropFirst()) }
    }

    @Test func `a content id cut short or with bytes behind it is refused`() throws {
        let bytes = try CID(Self.hello).bytes
        for length in 0..<bytes.count { #expect(throws: CIDError.self) { try CID(bytes: bytes.prefix(length)) } }
        #expect(throws: CIDError.multihash(.trailingBytes)) { try CID(bytes: bytes + [0]) }
    }

    @Test func `any bytes are read or refused`() throws {
        var random = SeededGenerator(seed: 4)
        let valid = try CID(Self.hello).bytes
        for _ in 0..<2000 {
            var bytes = random.bytes(Int.random(in: 0..<60, using: &random))
            if Bool.random(using: &random) {
                bytes = valid
                bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8(truncatingIfNeeded: random.next())
            }
            if let id = try? CID(bytes: bytes) { #expect(id.bytes == bytes) }
            if let hash = try? Multihash(bytes: bytes) { #expect(hash.bytes == bytes) }
        }
    }

    @Test func `a digest has the length of its function`() {
        #expect(throws: MultihashError.wrongLength(31)) {
            try Multihash(.sha256, digest: [UInt8](repeating: 0, count: 31))
        }
        #expect(throws: MultihashError.tooLong(129)) {
            try Multihash(.identity, digest: [UInt8](repeating: 0, count: 129))
        }
        #expect(throws: MultihashError.tooLong(Int.max)) {
            try Multihash(bytes: [0x12] + Varint.encode(.max))
        }
    }
}
