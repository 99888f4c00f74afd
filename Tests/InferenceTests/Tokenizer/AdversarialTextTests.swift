import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2))) struct `Adversarial text` {
    /// A quadratic merge or scan would take hours for these.
    @Test(arguments: ["a", " ", "\n", "<", "'", "你", "1", "\u{301}", "<|im_end|>", "ab ", "\t\u{A0}", "!\n"])
    func `takes time in the order of its length`(unit: String) throws {
        let text = String(repeating: unit, count: 200_000 / unit.utf8.count)
        let tiny = try Tokenizer(metadata: GGUFFile(path: Fixtures.tiny).metadata)
        #expect(!tiny.encode(text, parsingSpecial: true, addingBOS: false).isEmpty)
        let pieces: [(String, Float)] = [
            ("a", -3), ("aa", -2), ("aaaa", -1), ("▁", -1), ("▁▁", -1), ("ab", -1), ("<", -1),
        ]
        let small = try SmallVocabulary.sentencePiece(pieces)
        #expect(!small.encode(text, parsingSpecial: true, addingBOS: false).isEmpty)
    }

    @Test func `meets special tokens that are long and alike`() throws {
        let alike = (1...255).map { String(repeating: "<", count: $0) }
        let tokenizer = try SmallVocabulary.tokenizer(
            control: ["<|bos|>", String(repeating: "<", count: 100_000)] + alike
        )
        let text = String(repeating: "<", count: 50_000)
        #expect(tokenizer.encode(text, parsingSpecial: true, addingBOS: false).count == 197)
    }

    @Test func `is cut where working memory would grow too large`() throws {
        let tokenizer = try SmallVocabulary.tokenizer(merges: ["a a"])
        var run = RunEncoder(tokenizer: tokenizer, longestPart: 10)
        var tokens: [TokenID] = []
        let text = Array(String(repeating: "aé", count: 9).utf8)
        run.encode(text, 0..<text.count, into: &tokens)
        #expect(tokens.flatMap { tokenizer.bytes(of: $0) } == text)
    }
}
