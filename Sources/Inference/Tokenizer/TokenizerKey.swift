/// The keys of a file that describe its tokenizer, read with errors that name them.
struct TokenizerKey {
    static let model = "tokenizer.ggml.model"
    static let pre = "tokenizer.ggml.pre"
    static let tokens = "tokenizer.ggml.tokens"
    static let tokenTypes = "tokenizer.ggml.token_type"
    static let scores = "tokenizer.ggml.scores"
    static let merges = "tokenizer.ggml.merges"
    static let bos = "tokenizer.ggml.bos_token_id"
    static let eos = "tokenizer.ggml.eos_token_id"
    static let unknown = "tokenizer.ggml.unknown_token_id"
    static let cls = "tokenizer.ggml.cls_token_id"
    /// Misspelt in the format itself.
    static let separator = "tokenizer.ggml.seperator_token_id"
    static let addsBOS = "tokenizer.ggml.add_bos_token"
    static let addsEOS = "tokenizer.ggml.add_eos_token"
    static let lowercases = "tokenizer.ggml.normalizer.lowercase"
    static let stripsAccents = "tokenizer.ggml.normalizer.strip_accents"
    static let addsSpacePrefix = "tokenizer.ggml.add_space_prefix"
    /// Keys of tokens that end a turn or a message.
    static let ends = ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"]

    /// Tokens that end a turn in published models, whether or not their files say so.
    static let knownEnds: Set<String> = [
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<|end|>", "<|return|>",
        "<|call|>",
        "<｜end▁of▁sentence｜>", "</s>", "<end_of_turn>", "<|end_of_role|>", "<EOT>", "[EOT]",
    ]

    let metadata: GGUFMetadata

    func string(_ key: String) throws(TokenizerError) -> String {
        guard case .string(let text) = metadata[key] else { throw .missing(key: key) }
        return text
    }

    func optionalString(_ key: String) -> String? {
        guard case .string(let text) = metadata[key] else { return nil }
        return text
    }

    func bool(_ key: String) -> Bool? {
        guard case .bool(let flag) = metadata[key] else { return nil }
        return flag
    }

    func strings(_ key: String) throws(TokenizerError) -> [String] {
        guard case .strings(let list) = metadata[key] else { throw .missing(key: key) }
        return list
    }

    func floats(_ key: String) throws(TokenizerError) -> [Float] {
        guard case .floats(let list) = metadata[key] else { throw .missing(key: key) }
        return list
    }

    /// The token at a key; `nil` where the file has no such key or says that there is none.
    func token(_ key: String, below count: Int) throws(TokenizerError) -> TokenID? {
        let number: Int64? =
            switch metadata[key] {
            case .uint(let value): value == UInt64(UInt32.max) ? nil : Int64(clamping: value)
            case .int(let value): value == -1 ? nil : value
            default: nil
            }
        guard let number else { return nil }
        guard number >= 0, number < count else {
            throw .inconsistent(key: key, cause: "token \(number) of \(count)")
        }
        return TokenID(number)
    }

    func vocabulary(spelling: Vocabulary.Spelling) throws(TokenizerError) -> Vocabulary {
        var kinds: [Int64] = []
        if case .ints(let declared) = metadata[Self.tokenTypes] { kinds = declared }
        return try Vocabulary(texts: strings(Self.tokens), declaredKinds: kinds, spelling: spelling)
    }

    func endTokens(of vocabulary: Vocabulary, eos: TokenID?) throws(TokenizerError) -> Set<TokenID> {
        var ends: Set<TokenID> = eos.map { [$0] } ?? []
        for key in Self.ends {
            if let token = try token(key, below: vocabulary.count) { ends.insert(token) }
        }
        let known = Set(Self.knownEnds.map { Array($0.utf8) })
        for (index, kind) in vocabulary.kinds.enumerated() where kind == .control {
            if known.contains(Array(vocabulary.pieces[TokenID(index)])) { ends.insert(TokenID(index)) }
        }
        return ends
    }
}
