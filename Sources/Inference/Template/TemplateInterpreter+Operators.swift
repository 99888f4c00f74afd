extension TemplateInterpreter {
    func negative(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .float(let number): return .float(-number)
        default:
            guard let number = value.integer, number != .min else { throw fault("\(value.kind) has no negative") }
            return .integer(-number)
        }
    }

    mutating func arithmetic(
        _ left: TemplateValue,
        _ operation: TemplateExpression.Operator,
        _ right: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        switch (left, operation, right) {
        case (_, .concatenate, _):
            return .text(try join(try text(of: left), try text(of: right)))
        case (.text(let left), .add, .text(let right)):
            return .text(try join(left, right))
        case (.list(let left), .add, .list(let right)):
            try charge((left.elements.count + right.elements.count) / 4)
            return .list(TemplateList(left.elements + right.elements))
        case (.text(let text), .multiply, .integer(let count)), (.integer(let count), .multiply, .text(let text)):
            return .text(try repeated(text, count))
        case (.text(let pattern), .remainder, _):
            if case .list(let list) = right { return .text(try formatted(pattern, list.elements)) }
            return .text(try formatted(pattern, [right]))
        case (.float, _, _), (_, _, .float), (_, .divide, _):
            guard let left = left.number, let right = right.number else { break }
            guard let result = Self.calculate(left, operation, right) else { throw fault("division by zero") }
            return .float(result)
        default:
            guard let left = left.integer, let right = right.integer else { break }
            return .integer(try calculate(left, operation, right))
        }
        throw fault("\(left.kind) \(operation.rawValue) \(right.kind) is not possible")
    }

    private mutating func join(_ left: TemplateText, _ right: TemplateText) throws(TemplateError) -> TemplateText {
        guard left.count + right.count <= limits.text else { throw .overLimit(.text, line: line) }
        return left + right
    }

    private func repeated(_ text: TemplateText, _ count: Int) throws(TemplateError) -> TemplateText {
        guard count > 0, !text.isEmpty else { return TemplateText() }
        guard count <= limits.text / text.count else { throw .overLimit(.text, line: line) }
        var result = TemplateText()
        for _ in 0..<count { result.append(text) }
        return result
    }

    private static func calculate(
        _ left: Double,
        _ operation: TemplateExpression.Operator,
        _ right: Double
    ) -> Double? {
        switch operation {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: right == 0 ? nil : left / right
        case .floorDivide: right == 0 ? nil : (left / right).rounded(.down)
        case .remainder: right == 0 ? nil : left - right * (left / right).rounded(.down)
        case .power, .concatenate: nil
        }
    }

    private func calculate(
        _ left: Int,
        _ operation: TemplateExpression.Operator,
        _ right: Int
    ) throws(TemplateError) -> Int {
        let (result, hasOverflow): (Int, Bool)
        switch operation {
        case .add: (result, hasOverflow) = left.addingReportingOverflow(right)
        case .subtract: (result, hasOverflow) = left.subtractingReportingOverflow(right)
        case .multiply: (result, hasOverflow) = left.multipliedReportingOverflow(by: right)
        case .floorDivide, .remainder:
            guard right != 0 else { throw fault("division by zero") }
            guard right != -1 else { return operation == .remainder ? 0 : try calculate(0, .subtract, left) }
            // Python rounds down, so that the remainder has the sign of the divisor.
            let (quotient, remainder) = left.quotientAndRemainder(dividingBy: right)
            let isRoundedUp = remainder != 0 && (remainder < 0) != (right < 0)
            if operation == .remainder { return isRoundedUp ? remainder + right : remainder }
            return isRoundedUp ? quotient - 1 : quotient
        case .power: (result, hasOverflow) = Self.power(left, right)
        case .divide, .concatenate: throw fault("\(operation.rawValue) does not give an integer")
        }
        guard !hasOverflow else { throw fault("a number is too large") }
        return result
    }

    private static func power(_ base: Int, _ exponent: Int) -> (Int, Bool) {
        guard exponent >= 0, exponent < 64 else { return (0, true) }
        var result = 1
        for _ in 0..<exponent {
            let (product, hasOverflow) = result.multipliedReportingOverflow(by: base)
            guard !hasOverflow else { return (0, true) }
            result = product
        }
        return (result, false)
    }

    // MARK: Comparisons

    mutating func compare(
        _ first: TemplateExpression,
        _ others: [(TemplateExpression.Comparison, TemplateExpression)]
    ) throws(TemplateError) -> Bool {
        var left = try evaluate(first)
        for (comparison, expression) in others {
            let right = try evaluate(expression)
            try chargeComparison(left, right)
            guard try holds(left, comparison, right) else { return false }
            left = right
        }
        return true
    }

    private mutating func holds(
        _ left: TemplateValue,
        _ comparison: TemplateExpression.Comparison,
        _ right: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch comparison {
        case .equal: left.isEqual(to: right)
        case .unequal: !left.isEqual(to: right)
        case .less: try isLess(left, right)
        case .greaterOrEqual: try !isLess(left, right)
        case .greater: try isLess(right, left)
        case .lessOrEqual: try !isLess(right, left)
        case .contained: try contains(right, left)
        case .notContained: try !contains(right, left)
        }
    }

    func isLess(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        if case .text(let left) = left, case .text(let right) = right {
            return left.scalars.lexicographicallyPrecedes(right.scalars)
        }
        guard let leftNumber = left.number, let rightNumber = right.number else {
            throw fault("\(left.kind) and \(right.kind) have no order")
        }
        if let left = left.integer, let right = right.integer { return left < right }
        return leftNumber < rightNumber
    }

    /// Python's `in`.
    mutating func contains(_ container: TemplateValue, _ value: TemplateValue) throws(TemplateError) -> Bool {
        switch container {
        case .text(let text):
            guard case .text(let part) = value else { throw fault("\(value.kind) cannot be in a string") }
            try charge(text.count / 64)
            return text.firstPlace(of: part) != nil
        case .list(let list):
            try charge(list.elements.count / 8)
            for element in list.elements {
                try chargeComparison(element, value)
                if element.isEqual(to: value) { return true }
            }
            return false
        case .mapping(let mapping):
            try chargeComparison(value, value)
            return mapping[value] != nil
        case .undefined:
            return false
        default:
            throw fault("\(container.kind) contains nothing")
        }
    }
}
