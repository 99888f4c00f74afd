extension TemplateInterpreter {
    /// The functions that every template knows.
    func function(named name: String) -> TemplateValue? {
        switch name {
        case "range", "namespace", "raise_exception", "dict": .function(name)
        // A template that finds no clock falls back to a fixed date, or leaves the date out.
        case "strftime_now": now == nil ? nil : .function(name)
        default: nil
        }
    }

    mutating func call(function name: String, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        switch name {
        case "range":
            return try range(call)
        case "namespace":
            var values = call.named
            if case .mapping(let mapping) = call.positional.first {
                for entry in mapping.entries { values[try text(of: entry.key).string] = entry.value }
            }
            namespaces.append(values)
            return .namespace(namespaces.count - 1)
        case "dict":
            var mapping = TemplateMapping()
            if case .mapping(let first) = call.positional.first { mapping = first }
            for (name, value) in call.named.sorted(by: { $0.key < $1.key }) { mapping.insert(value, for: .text(name)) }
            return .mapping(mapping)
        case "raise_exception":
            let message = try text(of: call.argument(0, "message") ?? .none)
            throw .refused(line: line, message: message[0..<500].string)
        case "strftime_now":
            guard let now, let format = call.text(0, "format") else { throw fault("strftime_now needs a format") }
            return .text(TemplateText(CalendarDate(secondsSinceEpoch: now).formatted(format.string)))
        default:
            throw fault("\(name) is not a function")
        }
    }

    private mutating func range(_ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        let numbers = call.positional.compactMap(\.integer)
        guard numbers.count == call.positional.count, (1...3).contains(numbers.count) else {
            throw fault("range needs one to three integers")
        }
        let start = numbers.count > 1 ? numbers[0] : 0
        let end = numbers.count > 1 ? numbers[1] : numbers[0]
        let step = numbers.count > 2 ? numbers[2] : 1
        guard step != 0 else { throw fault("range cannot have step 0") }
        var elements: [TemplateValue] = []
        var next = start
        while step > 0 ? next < end : next > end {
            try charge()
            guard elements.count < limits.valueSize else { throw .overLimit(.steps, line: line) }
            elements.append(.integer(next))
            let (sum, hasOverflow) = next.addingReportingOverflow(step)
            if hasOverflow { break }
            next = sum
        }
        return .list(TemplateList(elements))
    }

    // MARK: Tests

    /// `value is name`.
    mutating func test(
        _ name: String,
        _ value: TemplateValue,
        _ call: TemplateCall
    ) throws(TemplateError) -> Bool {
        switch (name, value) {
        case ("defined", .undefined): return false
        case ("defined", _): return true
        case ("undefined", .undefined): return true
        case ("undefined", _): return false
        case ("none", .none): return true
        case ("string", .text), ("boolean", .bool), ("integer", .integer), ("float", .float), ("mapping", .mapping):
            return true
        case ("number", .integer), ("number", .float), ("number", .bool): return true
        case ("lower", .text(let text)), ("upper", .text(let text)):
            return Self.isCased(text, upper: name == "upper")
        case ("true", .bool(let flag)): return flag
        case ("false", .bool(let flag)): return !flag
        case ("iterable", .text), ("iterable", .list), ("iterable", .mapping), ("iterable", .undefined): return true
        case ("sequence", .text), ("sequence", .list), ("sequence", .mapping), ("sequence", .undefined): return true
        case ("callable", .function), ("callable", .macro), ("callable", .method): return true
        case ("none", _), ("string", _), ("boolean", _), ("integer", _), ("float", _), ("mapping", _), ("number", _),
            ("true", _), ("false", _), ("iterable", _), ("sequence", _), ("callable", _), ("lower", _), ("upper", _):
            return false
        case ("odd", _), ("even", _), ("divisibleby", _):
            guard let number = value.integer else { throw fault("\(value.kind) is not an integer") }
            let divisor = name == "divisibleby" ? call.integer(0, "num") ?? 0 : 2
            guard divisor != 0 else { throw fault("division by zero") }
            let isDivisible = divisor == -1 || number % divisor == 0
            return name == "odd" ? !isDivisible : isDivisible
        default:
            return try compare(name, value, call.positional.first ?? .none)
        }
    }

    private mutating func compare(
        _ name: String,
        _ value: TemplateValue,
        _ other: TemplateValue
    ) throws(TemplateError) -> Bool {
        try chargeComparison(value, other)
        switch name {
        case "eq", "equalto", "sameas", "==": return value.isEqual(to: other)
        case "ne", "!=": return !value.isEqual(to: other)
        case "in": return try contains(other, value)
        case "lt", "lessthan", "<": return try isLess(value, other)
        case "le", "<=": return try !isLess(other, value)
        case "gt", "greaterthan", ">": return try isLess(other, value)
        case "ge", ">=": return try !isLess(value, other)
        default: throw fault("the test \(name) is not supported")
        }
    }

    static func isCased(_ text: TemplateText, upper: Bool) -> Bool {
        var hasCased = false
        for scalar in text.scalars where scalar.properties.isCased {
            if upper != scalar.properties.isUppercase { return false }
            hasCased = true
        }
        return hasCased
    }
}
