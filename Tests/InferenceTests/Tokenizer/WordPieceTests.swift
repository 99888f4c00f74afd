import Foundation
import LatticeTesting
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2))) struct `WordPiece tokenizer` {
    private func words(_ text: String, _ rule: WordPiece = WordPiece()) -> [String] {
        let bytes = Array(text.utf8)
        var words: [String] = []
        rule.forEachWord(in: bytes, 0..<bytes.count) { word, _ in words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }

    /// What the published `BasicTokenizer` gives.
    @Test(arguments: [
        ("Hello, World!", ["hello", ",", "world", "!"]), ("Café NAÏVE Ångström", ["cafe", "naive", "angstrom"]),
        ("你好ab世", ["你", "好", "ab", "世"]), ("a\u{0}b\u{FFFD}c\u{200B}d", ["abcd"]),
        ("a\u{A0}b\u{3000}c\td\re\nf", ["a", "b", "c", "d", "e", "f"]), ("don't_x", ["don", "'", "t", "_", "x"]),
        ("", []), ("  ", []), ("İ", ["i"]), ("한", ["\u{1112}\u{1161}\u{11AB}"]), ("e\u{301}", ["e"]),
        ("«x»—y", ["«", "x", "»", "—", "y"]), ("a+b=c$", ["a", "+", "b", "=", "c", "$"]), ("x²€", ["x²€"]),
    ])
    func `cuts text into words`(text: String, expected: [String]) {
        #expect(words(text) == expected.map { " " + $0 })
    }

    @Test func `keeps case and accents where a file asks for it`() {
        #expect(words("Café", WordPiece(lowercases: false, stripsAccents: false)) == [" Café"])
        #expect(words("Café", WordPiece(lowercases: true, stripsAccents: false)) == [" café"])
    }

    private func tokenizer() throws -> Tokenizer {
        try Tokenizer(metadata: GGUFMetadata(file: "bert", values: RandomBert(type: .f32).writer.values))
    }

    @Test func `spells words with the longest pieces, or not at all`() throws {
        let tokenizer = try tokenizer()
        func encode(_ text: String) -> [TokenID] { tokenizer.encode(text, parsingSpecial: false, addingBOS: false) }
        #expect(encode("hello abc, world") == [4, 6, 7, 8, 9, 5])
        #expect(encode("ax hello") == [1, 4])
        #expect(encode("bc") == [1])
        #expect(encode("a" + String(repeating: "b", count: 99)) == [6] + [TokenID](repeating: 7, count: 99))
        #expect(encode("a" + String(repeating: "b", count: 100)) == [1])
        #expect(tokenizer.addsBOS && tokenizer.addsEOS && tokenizer.bos == 2 && tokenizer.eos == 3)
        #expect(encode("[CLS]") == [1, 1, 1])
        var decoder = TokenDecoder(tokenizer: tokenizer)
        #expect(encode("hello abc").map { decoder.append($0) }.joined() == "hello abc")
    }

    @Test func `survives any text`() throws {
        let tokenizer = try tokenizer()
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<400 {
            let text = RandomText.any(length: 60, using: &generator)
            let tokens = tokenizer.encode(text, parsingSpecial: true, addingBOS: true)
            #expect(tokens.allSatisfy { (0..<TokenID(RandomBert.words.count)).contains($0) })
        }
    }
}

@Suite(.timeLimit(.minutes(3))) struct `A million characters` {
    /// All of them with `LATTICE_LONG=1`.
    private static let texts = {
        let all = ["word and 12 more, it's\n", "你好", "a", "é", " ", "<|im_end|>", "🙂x"]
        return ProcessInfo.processInfo.environment["LATTICE_LONG"] == "1" ? all : Array(all.prefix(2))
    }()

    @Test(arguments: texts) func `become tokens in the order of their number`(unit: String) throws {
        let text = String(repeating: unit, count: 1_000_000 / unit.count)
        let clock = ContinuousClock()
        let tiny = try Tokenizer(metadata: GGUFFile(path: Fixtures.tiny).metadata)
        let pieces: [(String, Float)] = [("a", -3), ("aa", -2), ("▁", -1), ("▁▁", -1), ("▁word", -1)]
        let small = try SmallVocabulary.sentencePiece(pieces)
        let bert = try Tokenizer(metadata: GGUFMetadata(file: "bert", values: RandomBert(type: .f32).writer.values))
        for tokenizer in [tiny, small, bert] {
            let took = clock.measure { _ = tokenizer.encode(text, parsingSpecial: true, addingBOS: true) }
            #expect(took < .seconds(40), "\(unit): \(took)")
        }
    }
}
