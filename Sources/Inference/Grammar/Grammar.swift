/// A language that answers are kept to, checked at every token.
///
/// Made once, used by any number of requests. An answer under a grammar that ends by itself is a text of the language; one
/// that ends with `.length` or `.cancelled` is the beginning of one.
public struct Grammar: Sendable {
    /// Any JSON object: what OpenAI calls `json_object`.
    ///
    /// White space between tokens is at most a space, or a line's end with an indentation, so that it cannot go on for ever.
    public static let jsonObject: Grammar = {
        var rules = GrammarRules()
        let value = rules.jsonValue()
        rules.define(GrammarRules.root, .rule(rules.jsonObject(value)))
        guard let program = try? GrammarProgram(rules) else { preconditionFailure("the grammar of JSON is sound") }
        return Grammar(source: "json_object", program: program)
    }()

    /// The most bytes of a GBNF text or a schema.
    public static let sizeLimit = 1 << 20

    let program: GrammarProgram
    /// What the grammar was made of: equal sources make equal grammars.
    private let source: String

    /// The SHA-256 of what the grammar was made of, in hexadecimal.
    public var fingerprint: String { ReceiptChain.hash(of: source) }

    /// A grammar in GBNF, the notation of llama.cpp, whose rule `root` describes the answer.
    ///
    /// Rules, literals, character classes, `.`, groups, alternatives, `?`, `*`, `+`, `{m,n}` and comments; tokens in
    /// angle brackets are refused.
    public init(gbnf text: String) throws(GrammarError) {
        self.init(source: "gbnf:" + text, program: try GrammarProgram(GBNFParser.parse(text)))
    }

    /// The JSON texts that are valid under a JSON schema (2020-12, and what draft 7 writes otherwise).
    ///
    /// Every answer is valid; not every valid text is an answer: properties come in the schema's order, strings with a
    /// pattern are escaped in one way, numbers have at most 16 digits, and objects have properties that the schema does
    /// not name only where it says `additionalProperties`. What cannot be enforced is refused with the place in the schema.
    public init(jsonSchema text: String) throws(GrammarError) {
        self.init(source: "schema:" + text, program: try GrammarProgram(SchemaCompiler.compile(text)))
    }

    /// A grammar of rules that were made of `source`.
    init(source: String, rules: GrammarRules) throws(GrammarError) {
        self.init(source: source, program: try GrammarProgram(rules))
    }

    private init(source: String, program: GrammarProgram) {
        self.source = source
        self.program = program
    }
}

extension Grammar: Hashable {
    /// Whether both were made of the same text.
    public static func == (left: Grammar, right: Grammar) -> Bool { left.source == right.source }

    /// Hashes the text that the grammar was made of.
    public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
