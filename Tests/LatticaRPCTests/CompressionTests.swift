import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

@Suite struct `Compressed data` {
    static let streams: [Compression] = [.gzip, .zstd, .lz4, .brotli]
    static let plain = ByteBuffer(string: String(repeating: "x", count: 600) + "hello")

    /// Made by CPython's gzip, zstd 1.5.4, lz4 1.9.4 and Python's brotli.
    static let vectors: [(Compression, String)] = [
        (.gzip, "1f8b0800000000000203aba81805a380fa20233527271f006a6cb1ea5d020000"),
        (.zstd, "28b52ffd645d0175000038787868656c6c6f0100532a800543b2bc4d"),
        (.lz4, "04224d186440a70d0000001f780100ffff465068656c6c6f00000000a713db9e"),
        (.brotli, "1b5c02f825f06a90c60a816f466006"),
    ]

    @Test(arguments: vectors) func `restores what other programs compress`(kind: Compression, bytes: String) throws {
        #expect(try kind.decompress(hex(bytes), limit: 605) == Self.plain)
    }

    @Test(arguments: Compression.allCases) func `restores what it compresses`(kind: Compression) throws {
        var random = SeededGenerator(seed: 41)
        for length in [0, 1, 255, 65535, 65536, 65537, 300_000] {
            for bytes in [ByteBuffer(bytes: random.bytes(length)), ByteBuffer(repeating: 7, count: length)] {
                let packed = try kind.compress(bytes)
                #expect(try kind.decompress(packed, limit: ByteCount(length)) == bytes)
                if kind != .none, length == 300_000, bytes.readableBytesView.first == 7 {
                    #expect(packed.readableBytes < 3000)
                }
            }
        }
    }

    @Test(arguments: streams) func `a bomb is refused at the limit`(kind: Compression) throws {
        let bomb = try kind.compress(ByteBuffer(repeating: 0, count: 8 << 20))
        #expect(bomb.readableBytes < 40000)
        for limit in [0, 1, 1000, 65536, 8_388_607] as [ByteCount] {
            #expect(throws: CompressionError.tooLong(limit: limit)) { try kind.decompress(bomb, limit: limit) }
        }
        #expect(throws: CompressionError.tooLong(limit: 3)) {
            try Compression.none.decompress(ByteBuffer(repeating: 0, count: 4), limit: 3)
        }
    }

    @Test(arguments: vectors) func `every shorter stream, and a longer one, is refused`(
        kind: Compression,
        bytes: String
    ) throws {
        let whole = hex(bytes)
        for length in 0..<whole.readableBytes {
            let part = ByteBuffer(bytes: whole.readableBytesView.prefix(length))
            #expect(throws: CompressionError.self) { try kind.decompress(part, limit: .mebibytes(1)) }
        }
        var longer = whole
        longer.writeInteger(0, as: UInt8.self)
        #expect(throws: CompressionError.trailingBytes) { try kind.decompress(longer, limit: .mebibytes(1)) }
    }

    @Test(arguments: vectors) func `any bytes are restored or refused`(kind: Compression, bytes: String) {
        let whole = Array(buffer: hex(bytes))
        for index in whole.indices {
            for bit in 0..<8 {
                var changed = whole
                changed[index] ^= 1 << bit
                _ = try? kind.decompress(ByteBuffer(bytes: changed), limit: .mebibytes(1))
            }
        }
        var random = SeededGenerator(seed: 42)
        for _ in 0..<2000 {
            let noise =
                whole.prefix(Int.random(in: 0..<8, using: &random))
                + random.bytes(Int.random(in: 0..<60, using: &random))
            _ = try? kind.decompress(ByteBuffer(bytes: noise), limit: .mebibytes(1))
        }
    }

    @Test func `has the names that people know`() {
        #expect(Compression.allCases.map(\.description) == ["none", "gzip", "zstd", "lz4", "brotli"])
        #expect(Compression.allCases.allSatisfy { Compression($0.description) == $0 })
        #expect(Compression("GZIP") == nil)
    }

    @Test func `has the numbers of the wire`() {
        #expect(Compression.allCases.map(\.rawValue) == [0, 1, 2, 3, 4])
        #expect(Compression.allCases.map(\.threshold.bytes) == [.max, 512, 512, 256, 1024])
    }
}
