import LatticeTesting
import Testing

@testable import Inference

@Suite struct `Token decoder` {
    private func decode(_ tokens: [TokenID], _ tokenizer: Tokenizer) -> [String] {
        var decoder = TokenDecoder(tokenizer: tokenizer)
        return tokens.map { decoder.append($0) } + [decoder.finish()]
    }

    @Test func `waits for the whole of a character`() throws {
        let tokenizer = try SmallVocabulary.tokenizer()
        #expect(decode(Array("é🙂a".utf8).map { TokenID($0) }, tokenizer) == ["", "é", "", "", "", "🙂", "a", ""])
    }

    @Test func `replaces what is no character`() throws {
        let tokenizer = try SmallVocabulary.tokenizer()
        #expect(decode([0xFF, 0x61], tokenizer) == ["\u{FFFD}", "a", ""])
        #expect(decode([0xE4, 0xBD], tokenizer) == ["", "", "\u{FFFD}"])
        #expect(decode([0xE4, 0x61], tokenizer) == ["", "\u{FFFD}a", ""])
        // Overlong forms and surrogates are no beginnings of characters, so nothing is waited for.
        #expect(decode([0xE0, 0x80], tokenizer)[1] == "\u{FFFD}\u{FFFD}")
        #expect(decode([0xED, 0xA0], tokenizer)[1] == "\u{FFFD}\u{FFFD}")
    }

    @Test func `leaves out control tokens and ids that do not exist`() throws {
        let tokenizer = try SmallVocabulary.tokenizer()
        #expect(decode([256, 97, -1, 9_999], tokenizer) == ["", "a", "", "", ""])
    }

    @Test func `drops the space that SentencePiece puts in front`() throws {
        let tokenizer = try SmallVocabulary.sentencePiece([("▁", -1), ("a", -2), ("▁a", -1)])
        #expect(decode([261, 261, 260], tokenizer) == ["a", " a", "a", ""])
    }

    @Test func `gives in pieces what it gives at once`() throws {
        let tokenizer = try SmallVocabulary.tokenizer()
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<500 {
            let leads: [UInt8] = [0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xF5, 0x80, 0xBF, 0x9F, 0xA0, 0x90, 0x41]
            let bytes = (0..<12).compactMap { _ in
                Bool.random(using: &generator)
                    ? leads.randomElement(using: &generator) : UInt8.random(in: 0...255, using: &generator)
            }
            let pieces = decode(bytes.map { TokenID($0) }, tokenizer)
            #expect(pieces.joined() == String(decoding: bytes, as: UTF8.self), "\(bytes)")
        }
    }

    @Test func `gives back any text that was encoded`() throws {
        let small = try SmallVocabulary.sentencePiece([("▁", -9), ("a", -8), ("b", -7), ("ab", -2), ("▁a", -1)])
        let tiny = try Tokenizer(metadata: GGUFFile(path: Fixtures.tiny).metadata)
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<400 {
            let text = RandomText.any(length: 60, using: &generator)
            #expect(
                Array(decode(tiny.encode(text, parsingSpecial: false, addingBOS: false), tiny).joined().utf8)
                    == Array(text.utf8)
            )
            // What SentencePiece writes for a space cannot be told from one.
            let spaced = text.unicodeScalars.contains("▁") ? "a b" : text
            let back = decode(small.encode(spaced, parsingSpecial: false, addingBOS: false), small).joined()
            #expect(Array(back.utf8) == Array(spaced.utf8))
        }
    }
}
