/// Why a chat template did not give a prompt.
@nonexhaustive
public enum TemplateError: Error, Hashable, Sendable {
    /// A bound on what a template may use.
    public enum Limit: String, Hashable, Sendable {
        /// The template's own text, in bytes.
        case source
        /// Parts within parts: expressions, blocks, values and calls.
        case nesting
        /// Expressions evaluated, with a share for the text they move.
        case steps
        /// The length of one text, the prompt included.
        case text
    }

    /// The template is not of the supported language.
    case syntax(line: Int, cause: String)
    /// An expression has no value, as when a part of something undefined is asked for.
    case evaluation(line: Int, cause: String)
    /// The template itself refused the conversation (`raise_exception`), for example because roles do not alternate.
    case refused(line: Int, message: String)
    /// The template would use more than it may.
    case overLimit(Limit, line: Int)
}

extension TemplateError: CustomStringConvertible {
    /// One sentence with the line of the template and the cause.
    public var description: String {
        switch self {
        case .syntax(let line, let cause): "the chat template is wrong in line \(line): \(cause)"
        case .evaluation(let line, let cause): "the chat template failed in line \(line): \(cause)"
        case .refused(let line, let message): "the chat template refused the conversation in line \(line): \(message)"
        case .overLimit(let limit, let line):
            "the chat template passed the limit of its \(limit.rawValue) in line \(line)"
        }
    }
}
