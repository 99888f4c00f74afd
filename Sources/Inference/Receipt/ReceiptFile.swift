/// A receipt of computation with all that is needed to check it: what `lattice verify` reads.
///
/// Written as JSON by `lattice run --receipt`, and given by the API as `lattice.computation`:
///
/// ```json
/// {
///   "receipt": { "version": 1, "model": "…", "chain": "…", … },
///   "prompt_tokens": [1, 2, 3],
///   "answer_tokens": [4, 5],
///   "grammar": { "kind": "json_schema", "text": "{…}" },
///   "text": "what the answer tokens say"
/// }
/// ```
///
/// The tokens are what the receipt vouches for. The text is for people: it is not checked by the receipt, but
/// `Tokenizer` says what the tokens mean.
public struct ReceiptFile: Hashable, Sendable {
    /// The source of a grammar that an answer was kept to.
    public struct GrammarSource: Hashable, Sendable, Codable {
        /// The language that the source is in.
        public enum Kind: String, Hashable, Sendable, Codable {
            /// Any JSON object; the text is empty.
            case jsonObject = "json_object"
            /// A JSON schema.
            case jsonSchema = "json_schema"
            /// GBNF, the notation of llama.cpp.
            case gbnf
            /// A call of a tool, or that or JSON; the text is the JSON form of `ToolCallGrammar`.
            case toolCalls = "tool_calls"
        }

        /// The language.
        public var kind: Kind
        /// The source, byte for byte as the request had it.
        public var text: String

        /// The source of a grammar.
        public init(kind: Kind, text: String = "") {
            self.kind = kind
            self.text = text
        }

        /// The grammar that the source describes.
        public func grammar() throws(GrammarError) -> Grammar {
            switch kind {
            case .jsonObject: .jsonObject
            case .jsonSchema: try Grammar(jsonSchema: text)
            case .gbnf: try Grammar(gbnf: text)
            case .toolCalls: try Grammar(toolCalls: text)
            }
        }
    }

    /// What was computed, by the word of who computed it.
    public var receipt: ComputationReceipt
    /// The prompt's tokens.
    public var promptTokens: [TokenID]
    /// The answer's tokens, an end token included.
    public var answerTokens: [TokenID]
    /// What the answer was kept to, if it was.
    public var grammar: GrammarSource?
    /// The answer as text.
    public var text: String?

    /// A receipt with all that is needed to check it.
    public init(
        receipt: ComputationReceipt,
        promptTokens: [TokenID],
        answerTokens: [TokenID],
        grammar: GrammarSource? = nil,
        text: String? = nil
    ) {
        self.receipt = receipt
        self.promptTokens = promptTokens
        self.answerTokens = answerTokens
        self.grammar = grammar
        self.text = text
    }

    /// Computes the answer again with `engine`, and compares: believed if this returns.
    ///
    /// The engine must have loaded the model whose fingerprint is `receipt.model`, with a cache of type `receipt.cache`
    /// and room for prompt and answer.
    public func check(with engine: Engine) async throws(ReceiptFault) {
        var rules: Grammar?
        if let grammar {
            do { rules = try grammar.grammar() } catch { throw .invalid("its grammar cannot be read: \(error)") }
        }
        try await engine.verify(receipt, prompt: promptTokens, tokens: answerTokens, grammar: rules)
    }
}

extension ReceiptFile: Codable {
    private enum CodingKeys: String, CodingKey {
        case receipt, grammar, text
        case promptTokens = "prompt_tokens"
        case answerTokens = "answer_tokens"
    }
}
