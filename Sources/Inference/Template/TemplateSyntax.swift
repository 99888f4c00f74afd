/// An expression of a template.
struct TemplateExpression: Sendable {
    /// Deep enough for any published template, and shallow enough for the smallest thread's stack.
    static let maximumDepth = 96

    indirect enum Kind: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case float(Double)
        case text(TemplateText)
        case name(String)
        case list([TemplateExpression])
        case mapping([(key: TemplateExpression, value: TemplateExpression)])
        case attribute(TemplateExpression, String)
        case element(TemplateExpression, TemplateExpression)
        case slice(TemplateExpression, start: TemplateExpression?, end: TemplateExpression?, step: TemplateExpression?)
        case call(TemplateExpression, TemplateArguments)
        case filter(TemplateExpression, String, TemplateArguments)
        case test(TemplateExpression, String, TemplateArguments)
        case negation(TemplateExpression)
        case minus(TemplateExpression)
        case conjunction(TemplateExpression, TemplateExpression)
        case disjunction(TemplateExpression, TemplateExpression)
        case arithmetic(TemplateExpression, Operator, TemplateExpression)
        case comparison(TemplateExpression, [(Comparison, TemplateExpression)])
        case conditional(condition: TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
        /// The text that a block around a filter gave; it stands where the filtered expression would.
        case captured
    }

    enum Operator: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case floorDivide = "//"
        case remainder = "%"
        case power = "**"
        case concatenate = "~"
    }

    enum Comparison: String, Sendable {
        case equal = "=="
        case unequal = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case contained = "in"
        case notContained = "not in"
    }

    let kind: Kind
    let line: Int
    let depth: Int

    init(_ kind: Kind, line: Int) throws(TemplateError) {
        self.kind = kind
        self.line = line
        depth = 1 + Self.depthOfParts(kind)
        guard depth <= Self.maximumDepth else { throw .overLimit(.nesting, line: line) }
    }

    private static func depthOfParts(_ kind: Kind) -> Int {
        switch kind {
        case .none, .bool, .integer, .float, .text, .name, .captured: 0
        case .list(let parts): parts.lazy.map(\.depth).max() ?? 0
        case .mapping(let entries): entries.lazy.map { max($0.key.depth, $0.value.depth) }.max() ?? 0
        case .attribute(let part, _), .negation(let part), .minus(let part): part.depth
        case .slice(let base, let start, let end, let step):
            max(base.depth, start?.depth ?? 0, end?.depth ?? 0, step?.depth ?? 0)
        case .call(let base, let arguments), .filter(let base, _, let arguments), .test(let base, _, let arguments):
            max(base.depth, arguments.depth)
        case .element(let left, let right), .conjunction(let left, let right), .disjunction(let left, let right),
            .arithmetic(let left, _, let right):
            max(left.depth, right.depth)
        case .comparison(let first, let others): max(first.depth, others.lazy.map(\.1.depth).max() ?? 0)
        case .conditional(let condition, let then, let otherwise):
            max(condition.depth, then.depth, otherwise?.depth ?? 0)
        }
    }
}

/// The arguments of a call, filter or test.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []

    var depth: Int {
        max(positional.lazy.map(\.depth).max() ?? 0, named.lazy.map(\.value.depth).max() ?? 0)
    }
}

/// A statement or a piece of text of a template.
struct TemplateStatement: Sendable {
    indirect enum Kind: Sendable {
        case text(TemplateText)
        case output(TemplateExpression)
        case set(Target, TemplateExpression)
        /// `{% set x %}…{% endset %}` and `{% filter f %}…{% endfilter %}`: the body's text, put through the expression.
        case capture(Target?, [TemplateStatement], TemplateExpression)
        case conditional([(condition: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
        case loop(Loop)
        case macro(TemplateMacro)
        case breakLoop
        case continueLoop
    }

    /// What a value is given to.
    enum Target: Sendable {
        case name(String)
        case attribute(of: String, String)
        case names([String])
    }

    struct Loop: Sendable {
        var target: Target
        var sequence: TemplateExpression
        var condition: TemplateExpression?
        var body: [TemplateStatement]
        var otherwise: [TemplateStatement]
    }

    let kind: Kind
    let line: Int
}

/// A macro: named text with parameters.
struct TemplateMacro: Sendable {
    var name: String
    var parameters: [(name: String, standard: TemplateExpression?)]
    var body: [TemplateStatement]
}
