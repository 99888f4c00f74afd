/// A model's tokens as grammars see them.
final class GrammarVocabulary: Sendable {
    let trie: TokenTrie
    let endTokens: [TokenID]
    /// The number of tokens.
    let count: Int
    /// Whether the space that the first token may begin with is not part of the text.
    let dropsLeadingSpace: Bool

    private let tokenizer: Tokenizer

    init(_ tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
        count = tokenizer.vocabularySize
        endTokens = tokenizer.endTokens.filter { $0 >= 0 && $0 < tokenizer.vocabularySize }.sorted()
        let ends = tokenizer.endTokens
        trie = TokenTrie(
            (0..<TokenID(count)).lazy.filter { !ends.contains($0) }.map { ($0, tokenizer.bytes(of: $0)) }
        )
        if case .sentencePiece(_, let addsSpacePrefix) = tokenizer.encoding {
            dropsLeadingSpace = addsSpacePrefix
        } else {
            dropsLeadingSpace = false
        }
    }

    /// The bytes of a token that can be part of a text.
    func bytes(of token: TokenID) -> [UInt8] {
        let bytes = tokenizer.bytes(of: token)
        return bytes.count <= TokenTrie.lengthLimit && !endTokens.contains(token) ? bytes : []
    }
}
