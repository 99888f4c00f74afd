import Foundation
import Testing

@testable import Inference

@Suite struct `Token ids of llama.cpp` {
    private func check(_ model: String, _ golden: URL) throws {
        let tokenizer = try Tokenizer(metadata: GGUFFile(path: model).metadata)
        let cases = try TokenGolden.read(golden)
        #expect(!cases.isEmpty)
        for example in cases {
            let tokens = tokenizer.encode(example.prompt, parsingSpecial: true, addingBOS: tokenizer.addsBOS)
            #expect(tokens == example.tokens, "\(example.prompt)")
        }
    }

    @Test func `for the shipped model`() throws {
        try check(Fixtures.tiny, Fixtures.tinyGolden)
    }

    @Test(
        .enabled(if: Fixtures.has("models/arch-fixtures"), "needs the shared model folder"),
        arguments: ["llama-q8_0", "llama-mixed", "llama-spm-f16", "qwen2-q4_k_m", "qwen3-q8_0"]
    )
    func `for each kind of tokenizer`(name: String) throws {
        let folder = Fixtures.shared.appending(path: "models/arch-fixtures")
        try check(folder.appending(path: name + ".gguf").path, folder.appending(path: name + ".golden.json"))
    }
}

@Suite struct `Byte-pair tokenizer` {
    @Test func `merges by rank, leftmost first`() throws {
        let tokenizer = try SmallVocabulary.tokenizer(merges: ["b c", "a b", "a bc", "a a", "aa a"])
        func encode(_ text: String) -> [TokenID] { tokenizer.encode(text, parsingSpecial: false, addingBOS: false) }
        #expect(encode("abc") == [258])
        #expect(encode("ab") == [257])
        #expect(encode("aab") == [97, 257])
        #expect(encode("aaaa") == [259, 259])
        #expect(encode("aaa") == [260])
        #expect(encode("") == [])
    }

    @Test func `goes through pieces that are no tokens`() throws {
        let metadata = SmallVocabulary.metadata(merges: ["x y", "xy z"])
        guard case .strings(var tokens) = metadata["tokenizer.ggml.tokens"] else { return }
        tokens[256] = "unrelated"
        let tokenizer = try Tokenizer(
            metadata: GGUFMetadata(
                file: "small",
                values: Dictionary(uniqueKeysWithValues: metadata.keys.map { ($0, metadata[$0] ?? .bool(false)) })
                    .merging(["tokenizer.ggml.tokens": .strings(tokens)]) { $1 }
            )
        )
        #expect(tokenizer.encode("xyz", parsingSpecial: false, addingBOS: false) == [257])
        #expect(tokenizer.encode("xy", parsingSpecial: false, addingBOS: false) == [120, 121])
    }

    @Test func `takes a whole piece that is a token where the pre-tokenizer says so`() throws {
        let merges = ["a b", "b c", "ab c"]
        let expected: [(String, [TokenID])] = [("llama-bpe", [258]), ("qwen2", [258])]
        for (pre, tokens) in expected {
            let tokenizer = try SmallVocabulary.tokenizer(merges: merges, pre: pre)
            #expect(tokenizer.encode("abc", parsingSpecial: false, addingBOS: false) == tokens)
        }
        // "cab" is a token, but no merge leads to it.
        let metadata = SmallVocabulary.metadata(
            merges: ["a b"],
            control: ["<|bos|>"],
            userDefined: [],
            pre: "llama-bpe"
        )
        guard case .strings(var tokens) = metadata["tokenizer.ggml.tokens"] else { return }
        tokens[255] = "cab"
        let values = Dictionary(uniqueKeysWithValues: metadata.keys.map { ($0, metadata[$0] ?? .bool(false)) })
        let tokenizer = try Tokenizer(
            metadata: GGUFMetadata(
                file: "s",
                values: values.merging(["tokenizer.ggml.tokens": .strings(tokens)]) { $1 }
            )
        )
        #expect(tokenizer.encode("cab", parsingSpecial: false, addingBOS: false) == [255])
    }

    @Test func `finds the longest special token where it may`() throws {
        let tokenizer = try SmallVocabulary.tokenizer(
            control: ["<|a|>", "<|a|>b", "<|bos|>"],
            userDefined: ["<think>", "<|sly|>"]
        )
        func encode(_ text: String, _ special: Bool) -> [TokenID] {
            tokenizer.encode(text, parsingSpecial: special, addingBOS: false)
        }
        #expect(encode("<|a|>b<|a|>c", true) == [257, 256, 99])
        #expect(encode("<|a|>", false) == Array("<|a|>".utf8).map { TokenID($0) })
        #expect(encode("<|a|", true) == Array("<|a|".utf8).map { TokenID($0) })
        // A user-defined token is found in any text, unless it is written like the marker of a turn.
        #expect(encode("x<think>", false) == [120, 259])
        #expect(encode("<|sly|>", true) == [260])
        #expect(encode("<|sly|>", false).count == 7)
    }

    @Test func `begins with the token that begins a sequence when asked`() throws {
        let tokenizer = try SmallVocabulary.tokenizer(addsBOS: true)
        #expect(tokenizer.addsBOS)
        #expect(tokenizer.bos == 256)
        #expect(tokenizer.encode("a", parsingSpecial: false, addingBOS: true) == [256, 97])
        #expect(tokenizer.encode("", parsingSpecial: false, addingBOS: true) == [256])
    }

    @Test func `knows the tokens that end an answer`() throws {
        let tokenizer = try SmallVocabulary.tokenizer(control: ["<|bos|>", "<|im_end|>", "<|eot_id|>", "<|other|>"])
        #expect(tokenizer.endTokens == [257, 258])
        let tiny = try Tokenizer(metadata: GGUFFile(path: Fixtures.tiny).metadata)
        #expect(tiny.endTokens == [2_045, 2_047])
        #expect(tiny.vocabularySize == 2_048)
    }

    @Test func `gives the bytes of any id`() throws {
        let tokenizer = try SmallVocabulary.tokenizer(merges: ["Ġ a"])
        #expect(tokenizer.bytes(of: 256) == Array(" a".utf8))
        #expect(tokenizer.bytes(of: 0xFF) == [0xFF])
        #expect(tokenizer.bytes(of: 257) == [])
        #expect(tokenizer.bytes(of: 257, includingControl: true) == Array("<|bos|>".utf8))
        for id in [TokenID.min, -1, 258, .max] { #expect(tokenizer.bytes(of: id, includingControl: true) == []) }
    }
}

@Suite struct `SentencePiece tokenizer` {
    private let pieces: [(String, Float)] = [
        ("▁", -9), ("a", -8), ("b", -7), ("ab", -2), ("▁a", -1), ("▁ab", -3), ("bb", -2),
    ]

    @Test func `merges by score and puts a space in front`() throws {
        let tokenizer = try SmallVocabulary.sentencePiece(pieces)
        func encode(_ text: String) -> [TokenID] { tokenizer.encode(text, parsingSpecial: false, addingBOS: false) }
        #expect(encode("ab") == [264])
        #expect(encode("abb") == [263, 265])
        #expect(encode("a b") == [263, 259, 261])
        #expect(encode("") == [])
        #expect(tokenizer.encode("b", parsingSpecial: false, addingBOS: true) == [1, 259, 261])
        #expect(tokenizer.endTokens == [2])
    }

    @Test func `can do without the space in front`() throws {
        let tokenizer = try SmallVocabulary.sentencePiece(pieces, addsSpacePrefix: false)
        #expect(tokenizer.encode("ab", parsingSpecial: false, addingBOS: false) == [262])
    }

    @Test func `falls back to bytes`() throws {
        let tokenizer = try SmallVocabulary.sentencePiece(pieces, addsSpacePrefix: false)
        #expect(tokenizer.encode("é", parsingSpecial: false, addingBOS: false) == [3 + 0xC3, 3 + 0xA9])
        #expect(tokenizer.encode("<0x41></s>", parsingSpecial: false, addingBOS: false).allSatisfy { $0 > 2 })
        #expect(tokenizer.encode("</s>", parsingSpecial: true, addingBOS: false) == [2])
    }

    @Test func `keeps its order with scores that are no numbers`() throws {
        let tokenizer = try SmallVocabulary.sentencePiece(pieces.map { ($0.0, .nan) })
        #expect(!tokenizer.encode("ab ab", parsingSpecial: false, addingBOS: false).isEmpty)
    }
}

@Suite struct `Tokenizer metadata` {
    private func error(_ changes: [String: GGUFValue?]) -> TokenizerError? {
        let metadata = SmallVocabulary.metadata(merges: ["a b"])
        var values = Dictionary(uniqueKeysWithValues: metadata.keys.map { ($0, metadata[$0] ?? .bool(false)) })
        for (key, value) in changes { values[key] = value }
        do throws(TokenizerError) {
            _ = try Tokenizer(metadata: GGUFMetadata(file: "small", values: values))
            return nil
        } catch {
            return error
        }
    }

    @Test func `is refused with the key that is wrong`() {
        #expect(error([:]) == nil)
        #expect(error(["tokenizer.ggml.model": Optional<GGUFValue>.none]) == .missing(key: "tokenizer.ggml.model"))
        #expect(error(["tokenizer.ggml.model": .string("t5")]) == .unsupportedModel("t5"))
        #expect(error(["tokenizer.ggml.pre": .string("bloom")]) == .unsupportedPreTokenizer("bloom"))
        #expect(error(["tokenizer.ggml.tokens": .bool(true)]) == .missing(key: "tokenizer.ggml.tokens"))
        #expect(error(["tokenizer.ggml.tokens": .strings([])]) == .missing(key: "tokenizer.ggml.tokens"))
        #expect(error(["tokenizer.ggml.merges": Optional<GGUFValue>.none]) == .missing(key: "tokenizer.ggml.merges"))
        for merges in [["a"], ["a "], [""], ["a b", "\u{4E00} b"]] {
            guard case .inconsistent("tokenizer.ggml.merges", _) = error(["tokenizer.ggml.merges": .strings(merges)])
            else {
                Issue.record("\(merges)")
                continue
            }
        }
        for id in [GGUFValue.uint(1 << 20), .uint(.max), .int(-2), .int(.min)] {
            guard case .inconsistent("tokenizer.ggml.bos_token_id", _) = error(["tokenizer.ggml.bos_token_id": id])
            else {
                Issue.record("\(id)")
                continue
            }
        }
        guard case .inconsistent = error(["tokenizer.ggml.token_type": .ints([1])]) else {
            Issue.record("types were accepted")
            return
        }
    }

    @Test func `of a SentencePiece model needs a score for each token`() {
        guard
            case .inconsistent("tokenizer.ggml.scores", _) = error([
                "tokenizer.ggml.model": .string("llama"), "tokenizer.ggml.scores": .floats([1]),
            ])
        else {
            Issue.record("scores were accepted")
            return
        }
    }

    @Test func `may repeat tokens, and name any type`() {
        let tokens = SmallVocabulary.letters + ["", "", "a", "\u{4E00}", "<|", "<｜｜>"]
        let types = tokens.indices.map { Int64($0 * 7 - 900) }
        #expect(error(["tokenizer.ggml.tokens": .strings(tokens), "tokenizer.ggml.token_type": .ints(types)]) == nil)
    }
}
