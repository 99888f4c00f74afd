/// Expressions, with Jinja's precedence: `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`, `**`, signs, and closest of
/// all calls, parts, filters and tests.
extension TemplateParser {
    /// An expression, or several with commas between them, which make a list.
    mutating func tupleOrExpression(allowsConditional: Bool = true) throws(TemplateError) -> TemplateExpression {
        let start = line
        let first = allowsConditional ? try expression() : try disjunction()
        guard current == .symbol(",") else { return first }
        var elements = [first]
        while take(",") {
            switch current {
            case .tagEnd, .outputEnd, .symbol(")"): break
            default: elements.append(allowsConditional ? try expression() : try disjunction())
            }
        }
        return try TemplateExpression(.list(elements), line: start)
    }

    mutating func expression() throws(TemplateError) -> TemplateExpression {
        try nested { parser throws(TemplateError) in try parser.conditionalExpression() }
    }

    private mutating func conditionalExpression() throws(TemplateError) -> TemplateExpression {
        let start = line
        var value = try disjunction()
        while takeName("if") {
            let condition = try disjunction()
            let otherwise = takeName("else") ? try expression() : nil
            value = try TemplateExpression(
                .conditional(condition: condition, then: value, otherwise: otherwise),
                line: start
            )
        }
        return value
    }

    private mutating func disjunction() throws(TemplateError) -> TemplateExpression {
        let start = line
        var value = try conjunction()
        while takeName("or") { value = try TemplateExpression(.disjunction(value, try conjunction()), line: start) }
        return value
    }

    private mutating func conjunction() throws(TemplateError) -> TemplateExpression {
        let start = line
        var value = try negation()
        while takeName("and") { value = try TemplateExpression(.conjunction(value, try negation()), line: start) }
        return value
    }

    private mutating func negation() throws(TemplateError) -> TemplateExpression {
        let start = line
        guard takeName("not") else { return try comparison() }
        let value = try nested { parser throws(TemplateError) in try parser.negation() }
        return try TemplateExpression(.negation(value), line: start)
    }

    private mutating func comparison() throws(TemplateError) -> TemplateExpression {
        let start = line
        let first = try arithmetic(0)
        var others: [(TemplateExpression.Comparison, TemplateExpression)] = []
        while let comparison = takeComparison() { others.append((comparison, try arithmetic(0))) }
        return others.isEmpty ? first : try TemplateExpression(.comparison(first, others), line: start)
    }

    private mutating func takeComparison() -> TemplateExpression.Comparison? {
        switch (current, next) {
        case (.symbol(let symbol), _):
            guard let comparison = TemplateExpression.Comparison(rawValue: symbol) else { return nil }
            advance()
            return comparison
        case (.name("in"), _):
            advance()
            return .contained
        case (.name("not"), .name("in")):
            advance()
            advance()
            return .notContained
        default:
            return nil
        }
    }

    /// The operators of one precedence bind from the left; each level holds those that bind closer than the one before.
    private static let levels: [Set<String>] = [["+", "-"], ["~"], ["*", "/", "//", "%"], ["**"]]

    private mutating func arithmetic(_ level: Int) throws(TemplateError) -> TemplateExpression {
        guard level < Self.levels.count else { return try signed(withFilters: true) }
        let start = line
        var value = try arithmetic(level + 1)
        while case .symbol(let symbol) = current, Self.levels[level].contains(symbol),
            let operation = TemplateExpression.Operator(rawValue: symbol)
        {
            advance()
            value = try TemplateExpression(.arithmetic(value, operation, try arithmetic(level + 1)), line: start)
        }
        return value
    }

    private mutating func signed(withFilters: Bool) throws(TemplateError) -> TemplateExpression {
        let start = line
        var value: TemplateExpression
        if take("-") {
            let operand = try nested { parser throws(TemplateError) in try parser.signed(withFilters: false) }
            value = try TemplateExpression(.minus(operand), line: start)
        } else if take("+") {
            value = try nested { parser throws(TemplateError) in try parser.signed(withFilters: false) }
        } else {
            value = try primary()
        }
        value = try parts(of: value)
        return withFilters ? try filters(of: value) : value
    }

    // MARK: Primaries

    private mutating func primary() throws(TemplateError) -> TemplateExpression {
        let start = line
        let kind = current
        switch kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return try TemplateExpression(.bool(true), line: start)
            case "false", "False": return try TemplateExpression(.bool(false), line: start)
            case "none", "None": return try TemplateExpression(.none, line: start)
            default: return try TemplateExpression(.name(name), line: start)
            }
        case .integer(let value):
            advance()
            return try TemplateExpression(.integer(value), line: start)
        case .float(let value):
            advance()
            return try TemplateExpression(.float(value), line: start)
        case .string(var text):
            advance()
            while case .string(let more) = current {
                text.append(more)
                advance()
            }
            return try TemplateExpression(.text(text), line: start)
        case .symbol("("):
            advance()
            if take(")") { return try TemplateExpression(.list([]), line: start) }
            let value = try nested { parser throws(TemplateError) in try parser.tupleOrExpression() }
            try expect(")")
            return value
        case .symbol("["):
            advance()
            return try TemplateExpression(.list(try elements()), line: start)
        case .symbol("{"):
            advance()
            return try TemplateExpression(.mapping(try entries()), line: start)
        default:
            throw error("expected an expression")
        }
    }

    private mutating func elements() throws(TemplateError) -> [TemplateExpression] {
        var elements: [TemplateExpression] = []
        while !take("]") {
            if !elements.isEmpty {
                try expect(",")
                if take("]") { break }
            }
            elements.append(try expression())
        }
        return elements
    }

    private mutating func entries() throws(TemplateError) -> [(key: TemplateExpression, value: TemplateExpression)] {
        var entries: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !take("}") {
            if !entries.isEmpty {
                try expect(",")
                if take("}") { break }
            }
            let key = try expression()
            try expect(":")
            entries.append((key, try expression()))
        }
        return entries
    }

    // MARK: Parts, calls, filters and tests

    private mutating func parts(of base: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        var value = base
        while true {
            let start = line
            if take(".") {
                if case .integer(let index) = current {
                    advance()
                    value = try TemplateExpression(
                        .element(value, try TemplateExpression(.integer(index), line: start)),
                        line: start
                    )
                } else {
                    value = try TemplateExpression(.attribute(value, try name()), line: start)
                }
            } else if take("[") {
                value = try element(of: value, line: start)
            } else if take("(") {
                value = try TemplateExpression(.call(value, try arguments()), line: start)
            } else {
                return value
            }
        }
    }

    private mutating func element(of base: TemplateExpression, line: Int) throws(TemplateError) -> TemplateExpression {
        var places: [TemplateExpression?] = [nil]
        while !take("]") {
            if take(":") {
                guard places.count < 3 else { throw error("a slice has at most three parts") }
                places.append(nil)
            } else {
                guard places[places.count - 1] == nil else { throw error("expected ]") }
                places[places.count - 1] = try tupleOrExpression()
            }
        }
        if places.count == 1 {
            guard let index = places[0] else { throw error("an index is missing") }
            return try TemplateExpression(.element(base, index), line: line)
        }
        let step = places.count > 2 ? places[2] : nil
        return try TemplateExpression(.slice(base, start: places[0], end: places[1], step: step), line: line)
    }

    /// The arguments of a call, its opening bracket already read.
    private mutating func arguments() throws(TemplateError) -> TemplateArguments {
        var arguments = TemplateArguments()
        var isFirst = true
        while !take(")") {
            if !isFirst {
                try expect(",")
                if take(")") { break }
            }
            isFirst = false
            if case .name(let name) = current, next == .symbol("=") {
                advance()
                advance()
                arguments.named.append((name, try expression()))
            } else {
                guard arguments.named.isEmpty else { throw error("a positional argument follows a named one") }
                arguments.positional.append(try expression())
            }
        }
        return arguments
    }

    private mutating func filters(of base: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        var value = base
        while true {
            if take("|") {
                value = try filter(value)
            } else if takeName("is") {
                value = try test(value)
            } else if take("(") {
                value = try TemplateExpression(.call(value, try arguments()), line: line)
            } else {
                return value
            }
        }
    }

    /// A filter's name and arguments.
    mutating func filter(_ value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        let start = line
        let name = try name()
        let arguments = take("(") ? try arguments() : TemplateArguments()
        return try TemplateExpression(.filter(value, name, arguments), line: start)
    }

    private mutating func test(_ value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        let start = line
        let isNegated = takeName("not")
        let name = try name()
        var arguments = TemplateArguments()
        if take("(") {
            arguments = try self.arguments()
        } else if beginsArgument {
            let argument = try primary()
            arguments.positional = [try parts(of: argument)]
        }
        let test = try TemplateExpression(.test(value, name, arguments), line: start)
        return isNegated ? try TemplateExpression(.negation(test), line: start) : test
    }

    /// Whether a test's argument follows without brackets, as in `is divisibleby 3`.
    private var beginsArgument: Bool {
        switch current {
        case .name(let name): !["else", "or", "and", "is", "if", "in", "not"].contains(name)
        case .string, .integer, .float, .symbol("["), .symbol("{"): true
        default: false
        }
    }
}
