/// Why a text is no grammar, or a schema cannot be kept to.
public enum GrammarError: Error, Hashable, CustomStringConvertible {
    /// The GBNF text breaks a rule of the notation. Line and column count from 1.
    case syntax(line: Int, column: Int, reason: String)
    /// A rule is named that the grammar does not have.
    case undefinedRule(String)
    /// A rule can begin with itself, so that reading from left to right would never end.
    case leftRecursion(rule: String)
    /// No text matches, because every way on is closed or leads round for ever.
    case nothingMatches
    /// The text or what is made of it is larger than the engine works with.
    case tooLarge(what: String, limit: Int)
    /// The schema is no JSON. The offset counts bytes from 0.
    case json(offset: Int, reason: String)
    /// A keyword of the schema has a value that it cannot have.
    case invalid(pointer: String, reason: String)
    /// The schema asks for something that cannot be enforced at every token.
    case unsupported(pointer: String, reason: String)

    /// The sentence for a person: what is wrong and where.
    public var description: String {
        switch self {
        case .syntax(let line, let column, let reason): "grammar, line \(line), column \(column): \(reason)"
        case .undefinedRule(let name): "the grammar has no rule \(name)"
        case .leftRecursion(let rule): "rule \(rule) of the grammar can begin with itself; put something before it"
        case .nothingMatches: "no text matches the grammar"
        case .tooLarge(let what, let limit): "the grammar has more than \(limit) \(what)"
        case .json(let offset, let reason): "the schema is no JSON at byte \(offset): \(reason)"
        case .invalid(let pointer, let reason): "schema, at \(Self.place(pointer)): \(reason)"
        case .unsupported(let pointer, let reason): "schema, at \(Self.place(pointer)): \(reason) is not supported"
        }
    }

    private static func place(_ pointer: String) -> String { pointer.isEmpty ? "the root" : pointer }
}
