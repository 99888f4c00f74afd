/// The number of a token in a model's vocabulary.
public typealias TokenID = Int32

/// Turns text into the token ids of a model and back, as the model's file describes it.
///
/// Three kinds of vocabulary are known: byte-level byte-pair encoding (`gpt2`), where a pre-tokenizer cuts the text and learnt
/// merges build tokens from bytes; SentencePiece with scores (`llama`), where spaces are part of tokens and unknown
/// characters fall back to bytes; and WordPiece (`bert`), which spells words without case and accents and cannot be undone.
/// Ids are those of llama.cpp for the same file.
///
/// Encoding n bytes takes time in the order of n log n, whatever the text, and memory in the order of the longest run between
/// two special tokens, up to a bound.
public struct Tokenizer: Sendable {
    /// Longer text is cut, so that the working memory of a merge stays below 128 MiB.
    ///
    /// No published context is as long.
    static let longestRun = 1 << 22

    enum Encoding: Sendable {
        case bytePairs(BytePairRule, PreTokenizer)
        case sentencePiece(ScoreRule, addsSpacePrefix: Bool)
        case wordPiece(WordPiece)
    }

    let vocabulary: Vocabulary
    let encoding: Encoding
    /// Tokens found in any text, as they name things and do not end turns.
    private var userDefined = SpecialTokenTrie()
    /// Tokens found only where the text is trusted, with those above.
    private var special = SpecialTokenTrie()
    private(set) var unknown: TokenID?
    /// Control tokens that are part of an answer's text: marks of thoughts and tool calls.
    private(set) var marks: Set<TokenID> = []

    /// Tokens after which a model has nothing more to say.
    public let endTokens: Set<TokenID>
    /// The token that begins a sequence, if the model has one.
    public let bos: TokenID?
    /// The token that ends a sequence, if the model has one.
    public let eos: TokenID?
    /// Whether the model was trained on sequences that begin with `bos`.
    public let addsBOS: Bool
    /// Whether the model was trained on sequences that end with `eos`; matters to embeddings only.
    public let addsEOS: Bool

    /// Reads a tokenizer from the `tokenizer.ggml.*` keys of a file.
    public init(metadata: GGUFMetadata) throws(TokenizerError) {
        let keys = TokenizerKey(metadata: metadata)
        let model = try keys.string(TokenizerKey.model)
        let addsBOSByDefault: Bool
        switch model {
        case "gpt2":
            let name = keys.optionalString(TokenizerKey.pre) ?? "default"
            guard let preTokenizer = PreTokenizer(name: name) else { throw .unsupportedPreTokenizer(name) }
            var vocabulary = try keys.vocabulary(spelling: .byteLetters)
            let rule = try BytePairRule(lines: keys.strings(TokenizerKey.merges), vocabulary: &vocabulary)
            self.vocabulary = vocabulary
            encoding = .bytePairs(rule, preTokenizer)
            addsBOSByDefault = preTokenizer.addsBOS
        case "llama":
            vocabulary = try keys.vocabulary(spelling: .sentencePiece)
            let rule = try ScoreRule(scores: keys.floats(TokenizerKey.scores), vocabulary: vocabulary)
            encoding = .sentencePiece(rule, addsSpacePrefix: keys.bool(TokenizerKey.addsSpacePrefix) ?? true)
            addsBOSByDefault = true
        case "bert":
            // A piece that begins a word has a space before it, as in SentencePiece.
            vocabulary = try keys.vocabulary(spelling: .sentencePiece)
            let lowercases = keys.bool(TokenizerKey.lowercases) ?? true
            let stripsAccents = keys.bool(TokenizerKey.stripsAccents) ?? lowercases
            encoding = .wordPiece(WordPiece(lowercases: lowercases, stripsAccents: stripsAccents))
            addsBOSByDefault = true
        default:
            throw .unsupportedModel(model)
        }
        let count = vocabulary.count
        let usual = Self.usualTokens(model)
        func token(_ keyNames: [String], _ usual: TokenID?) throws(TokenizerError) -> TokenID? {
            for key in keyNames { if let token = try keys.token(key, below: count) { return token } }
            return usual.flatMap { $0 < count ? $0 : nil }
        }
        let isBert = model == "bert"
        bos = try token([TokenizerKey.bos] + (isBert ? [TokenizerKey.cls] : []), usual.bos)
        eos = try token((isBert ? [TokenizerKey.separator] : []) + [TokenizerKey.eos], usual.eos)
        unknown = try token([TokenizerKey.unknown], usual.unknown)
        addsBOS = (keys.bool(TokenizerKey.addsBOS) ?? addsBOSByDefault) && bos != nil
        addsEOS = (keys.bool(TokenizerKey.addsEOS) ?? isBert) && eos != nil
        endTokens = try keys.endTokens(of: vocabulary, eos: eos)
        collectSpecialTokens()
    }

    /// The special tokens of files that do not name them.
    private static func usualTokens(_ model: String) -> (bos: TokenID?, eos: TokenID?, unknown: TokenID?) {
        switch model {
        case "llama": (1, 2, 0)
        case "bert": (101, 102, 100)
        default: (nil, nil, nil)
        }
    }

    /// How many tokens the vocabulary has; ids are below it.
    public var vocabularySize: Int { vocabulary.count }

    private mutating func collectSpecialTokens() {
        for (index, kind) in vocabulary.kinds.enumerated() {
            let id = TokenID(index)
            switch kind {
            case .userDefined:
                userDefined.insert(vocabulary.pieces[id], token: id)
                special.insert(vocabulary.pieces[id], token: id)
            case .control, .unknown:
                special.insert(vocabulary.pieces[id], token: id)
                if ChatFormat.marks.contains(String(decoding: vocabulary.pieces[id], as: UTF8.self)) {
                    marks.insert(id)
                }
            case .normal, .unused, .byte:
                break
            }
        }
    }
}

extension Tokenizer {
    /// The token ids of a text.
    ///
    /// - Parameter parsingSpecial: whether control tokens written out in the text become those tokens. Say no for text from a
    ///   user, who could otherwise end a turn and begin another.
    /// - Parameter addingBOS: whether `bos` goes first, if the model has one.
    public func encode(_ text: String, parsingSpecial: Bool, addingBOS: Bool) -> [TokenID] {
        let bytes = Array(text.utf8)
        return encode(bytes, trusted: parsingSpecial ? [0..<bytes.count] : [], addingBOS: addingBOS)
    }

    /// The token ids of valid UTF-8, where control tokens are looked for only inside the trusted ranges.
    ///
    /// Text between two special tokens is encoded as a whole, trusted or not, so that where a template's text meets a user's
    /// makes no difference to the ids.
    ///
    /// - Parameter trusted: in order and apart from one another.
    func encode(_ text: [UInt8], trusted: [Range<Int>], addingBOS: Bool) -> [TokenID] {
        var output: [TokenID] = []
        output.reserveCapacity(text.count / 3 + 8)
        if addingBOS, let bos { output.append(bos) }
        var run = RunEncoder(tokenizer: self)
        let span = text.span
        var start = 0
        var position = 0
        var trust = trusted[...]
        while position < span.count {
            while let first = trust.first, first.upperBound <= position { trust.removeFirst() }
            guard special.firstBytes[Int(span[position])],
                let (token, end) = specialToken(in: span, at: position, trusted: trust.first)
            else {
                position += 1
                continue
            }
            run.encode(text, start..<position, into: &output)
            output.append(token)
            start = end
            position = end
        }
        run.encode(text, start..<text.count, into: &output)
        return output
    }

    private func specialToken(
        in text: Span<UInt8>,
        at position: Int,
        trusted: Range<Int>?
    ) -> (token: TokenID, end: Int)? {
        if let trusted, trusted.contains(position),
            let match = special.longestMatch(in: text, at: position, limit: trusted.upperBound)
        {
            return match
        }
        return userDefined.longestMatch(in: text, at: position, limit: text.count)
    }

    /// The bytes that a token stands for; none for a control token unless asked for, and none for an id that does not exist.
    public func bytes(of id: TokenID, includingControl: Bool = false) -> [UInt8] {
        guard id >= 0, id < vocabulary.count else { return [] }
        let kind = vocabulary.kinds[Int(id)]
        guard includingControl || (kind != .control && kind != .unknown) else { return [] }
        return Array(vocabulary.pieces[id])
    }

    /// The text of a token, control tokens included: what a template means by `bos_token`.
    func text(of id: TokenID?) -> String {
        id.map { String(decoding: bytes(of: $0, includingControl: true), as: UTF8.self) } ?? ""
    }

    /// The tokens for a piece that is no token itself.
    func fallback(for bytes: Span<UInt8>, into output: inout [TokenID]) {
        for index in 0..<bytes.count {
            if let token = vocabulary.byteTokens[Int(bytes[index])] ?? unknown { output.append(token) }
        }
    }
}
