import LatticeTesting
import Testing

@testable import Inference

@Suite struct `Pre-tokenizer` {
    private func pieces(_ name: String, _ text: String) throws -> [String] {
        let preTokenizer = try #require(PreTokenizer(name: name))
        let bytes = Array(text.utf8)
        var pieces: [String] = []
        preTokenizer.forEachPiece(in: bytes, 0..<bytes.count) {
            pieces.append(String(decoding: bytes[$0], as: UTF8.self))
        }
        return pieces
    }

    /// What the published expressions give, by Python's `regex`.
    @Test(arguments: [
        ("qwen2", "I'll DON'T we'Re", ["I", "'ll", " DON", "'T", " we", "'Re"]),
        ("qwen2", "x=1234;", ["x", "=", "1", "2", "3", "4", ";"]),
        ("llama-bpe", "x=1234567;", ["x", "=", "123", "456", "7", ";"]),
        (
            "qwen2", "  two  spaces\n\n\tnew \r\n end  ",
            [" ", " two", " ", " spaces", "\n\n", "\tnew", " \r\n", " end", "  "]
        ),
        ("qwen2", "a!\n\n b", ["a", "!\n\n", " b"]),
        ("qwen2", "\u{3000}\u{A0}你好 é", ["\u{3000}", "\u{A0}你好", " é"]),
        ("qwen2", "cafe\u{301}s", ["cafe", "\u{301}s"]),
        ("qwen35", "cafe\u{301}s", ["cafe\u{301}s"]),
        ("gpt-2", "I'll DON'T 123 a!\n\n b", ["I", "'ll", " DON", "'", "T", " 123", " a", "!", "\n\n", " b"]),
        ("smollm", "a 12!", ["a", " ", "1", "2", "!"]),
        ("default", "a 1234, b", ["a", " ", "123", "4", ",", " b"]),
        ("tekken", "HelloWorld fooBAR ABCdef 12", ["Hello", "World", " foo", "BAR", " ABCdef", " ", "1", "2"]),
        ("tekken", "ÄBC ÄbC你BC aÄ", ["Ä", "BC", " Äb", "C你", "BC", " aÄ"]),
        ("tekken", " /x//\n don't", [" /", "x", "//\n", " don", "'t"]),
        ("deepseek-llm", "Hi, 你好 12\n\nx ", ["Hi", ",", " ", "你好", " ", "12", "\n", "\n", "x", " "]),
        ("deepseek-coder", "Hi, 12 ", ["Hi", ",", " ", "1", "2", " "]),
    ])
    func `cuts as its expression says`(name: String, text: String, expected: [String]) throws {
        #expect(try pieces(name, text) == expected)
    }

    @Test(arguments: [
        "qwen2", "qwen35", "llama-bpe", "gpt-2", "smollm", "default", "tekken", "deepseek-llm", "deepseek-coder",
    ])
    func `loses nothing and cuts between characters`(name: String) throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<400 {
            let text = RandomText.any(length: 40, using: &generator)
            let pieces = try pieces(name, text)
            #expect(Array(pieces.joined().utf8) == Array(text.utf8))
            #expect(pieces.allSatisfy { !$0.isEmpty })
        }
    }
}
