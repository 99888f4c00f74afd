/// Reads the statements of a template.
///
/// The language is the part of Jinja that published chat templates use; other tags are errors, with their line.
struct TemplateParser {
    /// Blocks within blocks.
    static let maximumNesting = 32

    private let tokens: [TemplateToken]
    private var position = 0
    /// How deep the parser itself is, in blocks and brackets.
    var nesting = 0

    static func statements(of source: String) throws(TemplateError) -> [TemplateStatement] {
        var parser = TemplateParser(tokens: try TemplateLexer.tokens(of: source))
        let statements = try parser.statements(until: [])
        guard parser.current == .end else { throw parser.error("unexpected end of a block") }
        return statements
    }

    private init(tokens: [TemplateToken]) {
        self.tokens = tokens
    }

    // MARK: Words

    /// The last word is `end`, and nothing moves past it.
    var current: TemplateToken.Kind { tokens[position].kind }
    var next: TemplateToken.Kind { tokens[min(position + 1, tokens.count - 1)].kind }
    var line: Int { tokens[position].line }

    mutating func advance() { position = min(position + 1, tokens.count - 1) }

    /// Moves past a word if it is the given one.
    mutating func take(_ kind: TemplateToken.Kind) -> Bool {
        guard current == kind else { return false }
        advance()
        return true
    }

    mutating func take(_ symbol: String) -> Bool { take(.symbol(symbol)) }

    mutating func takeName(_ name: String) -> Bool { take(.name(name)) }

    mutating func expect(_ symbol: String) throws(TemplateError) {
        guard take(symbol) else { throw error("expected \(symbol), found \(describe(current))") }
    }

    mutating func name() throws(TemplateError) -> String {
        guard case .name(let name) = current else { throw error("expected a name, found \(describe(current))") }
        advance()
        return name
    }

    func error(_ cause: String) -> TemplateError { .syntax(line: line, cause: cause) }

    mutating func nested<Result>(
        _ body: (inout TemplateParser) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.maximumNesting else { throw .overLimit(.nesting, line: line) }
        return try body(&self)
    }

    private func describe(_ kind: TemplateToken.Kind) -> String {
        switch kind {
        case .text: "text"
        case .outputStart: "{{"
        case .outputEnd: "}}"
        case .tagStart: "{%"
        case .tagEnd: "%}"
        case .name(let name): name
        case .integer, .float: "a number"
        case .string: "a string"
        case .symbol(let symbol): symbol
        case .end: "the end of the template"
        }
    }

    // MARK: Statements

    /// Statements up to a tag with one of the names, whose name is not yet read; or to the end of the template.
    private mutating func statements(until names: Set<String>) throws(TemplateError) -> [TemplateStatement] {
        var statements: [TemplateStatement] = []
        while true {
            let start = line
            switch current {
            case .end:
                guard names.isEmpty else { throw error("expected \(names.sorted().joined(separator: " or "))") }
                return statements
            case .text(let text):
                advance()
                statements.append(TemplateStatement(kind: .text(text), line: start))
            case .outputStart:
                advance()
                let value = try tupleOrExpression()
                guard take(.outputEnd) else { throw error("expected }}, found \(describe(current))") }
                statements.append(TemplateStatement(kind: .output(value), line: start))
            case .tagStart:
                advance()
                if case .name(let name) = current, names.contains(name) { return statements }
                let kinds = try nested { parser throws(TemplateError) in try parser.tag() }
                statements += kinds.map { TemplateStatement(kind: $0, line: start) }
            case .outputEnd, .tagEnd, .name, .integer, .float, .string, .symbol:
                throw error("unexpected \(describe(current))")
            }
        }
    }

    /// The body of a block up to the tag that ends it, that tag included.
    private mutating func body(of name: String) throws(TemplateError) -> [TemplateStatement] {
        let body = try statements(until: ["end" + name])
        advance()
        // `endmacro` may repeat the macro's name.
        if name == "macro", case .name = current { advance() }
        try endTag()
        return body
    }

    private mutating func endTag() throws(TemplateError) {
        guard take(.tagEnd) else { throw error("expected %}, found \(describe(current))") }
    }

    private mutating func tag() throws(TemplateError) -> [TemplateStatement.Kind] {
        let start = line
        switch try name() {
        case "if":
            return [try conditional()]
        case "for":
            return [.loop(try loop())]
        case "set":
            return [try set()]
        case "macro":
            return [.macro(try macro())]
        case "filter":
            var filtered = try filter(try TemplateExpression(.captured, line: start))
            while take("|") { filtered = try filter(filtered) }
            try endTag()
            return [.capture(nil, try body(of: "filter"), filtered)]
        case "generation":
            // Marks what a model is trained on; for a prompt it is its body.
            try endTag()
            return try body(of: "generation").map(\.kind)
        case "break":
            try endTag()
            return [.breakLoop]
        case "continue":
            try endTag()
            return [.continueLoop]
        case let name:
            throw .syntax(line: start, cause: "the tag \(name) is not supported")
        }
    }

    private mutating func conditional() throws(TemplateError) -> TemplateStatement.Kind {
        var branches: [(condition: TemplateExpression, body: [TemplateStatement])] = []
        while true {
            let condition = try tupleOrExpression()
            try endTag()
            branches.append((condition, try statements(until: ["elif", "else", "endif"])))
            let name = try name()
            if name == "elif" { continue }
            try endTag()
            let otherwise = name == "else" ? try body(of: "if") : []
            return .conditional(branches, otherwise: otherwise)
        }
    }

    private mutating func loop() throws(TemplateError) -> TemplateStatement.Loop {
        let target = try target()
        guard takeName("in") else { throw error("expected in, found \(describe(current))") }
        let sequence = try tupleOrExpression(allowsConditional: false)
        let condition = takeName("if") ? try expression() : nil
        if current == .name("recursive") { throw error("recursive loops are not supported") }
        try endTag()
        let statements = try statements(until: ["else", "endfor"])
        let hasOtherwise = try name() == "else"
        try endTag()
        let otherwise = hasOtherwise ? try body(of: "for") : []
        return TemplateStatement.Loop(
            target: target,
            sequence: sequence,
            condition: condition,
            body: statements,
            otherwise: otherwise
        )
    }

    private mutating func set() throws(TemplateError) -> TemplateStatement.Kind {
        let start = line
        let target = try target()
        if take("=") {
            let value = try tupleOrExpression()
            try endTag()
            return .set(target, value)
        }
        var filtered = try TemplateExpression(.captured, line: start)
        while take("|") { filtered = try filter(filtered) }
        try endTag()
        return .capture(target, try body(of: "set"), filtered)
    }

    private mutating func target() throws(TemplateError) -> TemplateStatement.Target {
        let isBracketed = take("(")
        let first = try name()
        if !isBracketed, take(".") { return .attribute(of: first, try name()) }
        var names = [first]
        while take(",") {
            guard case .name(let name) = current, name != "in" else { break }
            advance()
            names.append(name)
        }
        if isBracketed { try expect(")") }
        return names.count == 1 ? .name(first) : .names(names)
    }

    private mutating func macro() throws(TemplateError) -> TemplateMacro {
        let name = try name()
        var parameters: [(name: String, standard: TemplateExpression?)] = []
        try expect("(")
        while !take(")") {
            if !parameters.isEmpty {
                try expect(",")
                if take(")") { break }
            }
            let parameter = try self.name()
            parameters.append((parameter, take("=") ? try expression() : nil))
        }
        try endTag()
        return TemplateMacro(name: name, parameters: parameters, body: try body(of: "macro"))
    }
}
