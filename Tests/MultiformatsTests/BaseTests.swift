import LatticeTesting
import Multiformats
import Testing

@Suite struct `Bases` {
    @Test(arguments: [
        ("", ""), ("Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            "The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"
        ),
        ("\0\0abc", "11ZiCa"),
    ]) func `base58 has the published forms`(content: String, text: String) throws {
        #expect(Base58.encode(Array(content.utf8)) == text)
        #expect(try Base58.decode(text) == Array(content.utf8))
    }

    @Test func `base58 refuses what it does not use`() {
        #expect(throws: MultibaseError.invalidCharacter(position: 2)) { try Base58.decode("ab0c") }
        #expect(throws: MultibaseError.invalidCharacter(position: 1)) { try Base58.decode("1é") }
    }

    @Test func `base58 bounds its work`() {
        #expect(throws: MultibaseError.tooLong(limit: 512)) {
            try Base58.decode(String(repeating: "z", count: 100_000))
        }
        #expect(throws: MultibaseError.tooLong(limit: 256)) { try Base58.decode(String(repeating: "z", count: 400)) }
    }

    /// From the test vectors of multiformats/multibase, "basic", for the text "yes mani !".
    @Test(arguments: [
        "f796573206d616e692021", "bpfsxgidnmfxgsibb", "k2lcpzo5yikidynfl", "z7paNL19xttacUY", "ueWVzIG1hbmkgIQ",
    ]) func `multibase has the published forms`(text: String) throws {
        let decoded = try Multibase.decode(text)
        #expect(String(decoding: decoded.bytes, as: UTF8.self) == "yes mani !")
        #expect(decoded.base.encode(decoded.bytes) == text)
    }

    @Test(arguments: Multibase.allCases) func `a base gives back what it was given`(base: Multibase) throws {
        var random = SeededGenerator(seed: 2)
        for length in 0..<80 {
            let bytes = [UInt8](repeating: 0, count: length % 4) + random.bytes(length)
            #expect(try Multibase.decode(base.encode(bytes)).bytes == bytes)
        }
    }

    @Test(arguments: Multibase.allCases) func `a base survives any text`(base: Multibase) {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let text = String(decoding: random.bytes(Int.random(in: 0..<60, using: &random)), as: UTF8.self)
            // What is accepted has one text only, but for the case of letters in base36.
            if let bytes = try? base.decodeBare(text) { #expect(base.encodeBare(bytes) == text.lowercasedWhere(base)) }
        }
    }

    @Test func `each value has one text`() {
        #expect(throws: MultibaseError.leftoverBits) { try Multibase.decode("bpfsxgidnmfxgsibbc") }
        #expect(throws: MultibaseError.leftoverBits) { try Multibase.decode("uAB") }
        #expect(throws: MultibaseError.leftoverBits) { try Multibase.decode("f0") }
    }

    @Test func `an unknown base is named`() {
        #expect(throws: MultibaseError.unknownBase("?")) { try Multibase.decode("?abc") }
        #expect(throws: MultibaseError.empty) { try Multibase.decode("") }
    }
}

extension String {
    fileprivate func lowercasedWhere(_ base: Multibase) -> String { base == .base36 ? lowercased() : self }
}
