@testable import Inference

/// Vocabularies small enough to reckon with by hand.
enum SmallVocabulary {
    /// GPT-2's stand-ins for the 256 bytes; in a vocabulary that begins with them a byte is its own token id.
    static let letters: [String] = {
        var substitute: UInt32 = 0x100
        return (0..<256).compactMap { byte in
            let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
            if !isPrintable { substitute += 1 }
            return Unicode.Scalar(isPrintable ? UInt32(byte) : substitute - 1).map { String(Character($0)) }
        }
    }()

    /// 256 bytes, then the results of merges from 256 on, then control tokens, then user-defined ones.
    static func metadata(
        merges: [String] = [],
        control: [String] = ["<|bos|>"],
        userDefined: [String] = [],
        pre: String = "qwen2",
        addsBOS: Bool = false
    ) -> GGUFMetadata {
        let joined = merges.map { $0.filter { $0 != " " } }
        let tokens = letters + joined + control + userDefined
        let plain = letters.count + joined.count
        let types = tokens.indices.map { Int64($0 < plain ? 1 : $0 < plain + control.count ? 3 : 4) }
        return GGUFMetadata(
            file: "small",
            values: [
                "tokenizer.ggml.model": .string("gpt2"),
                "tokenizer.ggml.pre": .string(pre),
                "tokenizer.ggml.tokens": .strings(tokens),
                "tokenizer.ggml.token_type": .ints(types),
                "tokenizer.ggml.merges": .strings(merges),
                "tokenizer.ggml.bos_token_id": .uint(UInt64(plain)),
                "tokenizer.ggml.add_bos_token": .bool(addsBOS),
            ]
        )
    }

    static func tokenizer(
        merges: [String] = [],
        control: [String] = ["<|bos|>"],
        userDefined: [String] = [],
        pre: String = "qwen2",
        addsBOS: Bool = false
    ) throws -> Tokenizer {
        try Tokenizer(
            metadata: metadata(merges: merges, control: control, userDefined: userDefined, pre: pre, addsBOS: addsBOS)
        )
    }

    /// `<unk> <s> </s>`, 256 bytes, then the given pieces with their scores.
    static func sentencePiece(_ pieces: [(String, Float)], addsSpacePrefix: Bool = true) throws -> Tokenizer {
        let bytes = (0..<256).map { "<0x" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) + ">" }
        return try Tokenizer(
            metadata: GGUFMetadata(
                file: "small",
                values: [
                    "tokenizer.ggml.model": .string("llama"),
                    "tokenizer.ggml.tokens": .strings(["<unk>", "<s>", "</s>"] + bytes + pieces.map(\.0)),
                    "tokenizer.ggml.scores": .floats([Float](repeating: 0, count: 259) + pieces.map(\.1)),
                    "tokenizer.ggml.token_type": .ints(
                        [2, 3, 3] + [Int64](repeating: 6, count: 256) + pieces.map { _ in 1 }
                    ),
                    "tokenizer.ggml.add_space_prefix": .bool(addsSpacePrefix),
                ]
            )
        )
    }
}
