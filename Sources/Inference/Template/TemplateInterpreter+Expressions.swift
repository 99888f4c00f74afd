extension TemplateInterpreter {
    /// The value of an expression.
    mutating func evaluate(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
        line = expression.line
        try charge()
        try enter()
        defer { leave() }
        return try evaluate(expression.kind)
    }

    private mutating func evaluate(_ kind: TemplateExpression.Kind) throws(TemplateError) -> TemplateValue {
        switch kind {
        case .none: .none
        case .bool(let flag): .bool(flag)
        case .integer(let number): .integer(number)
        case .float(let number): .float(number)
        case .text(let text): .text(text)
        case .captured: .text(capturedText)
        case .name(let name): value(named: name) ?? function(named: name) ?? .undefined(name)
        case .list(let parts): try checked(.list(TemplateList(try evaluate(all: parts))))
        case .mapping(let entries): try checked(try mapping(entries))
        case .attribute(let base, let name): try attribute(name, of: try evaluate(base))
        case .element(let base, let index): try element(of: try evaluate(base), at: try evaluate(index))
        case .slice(let base, let start, let end, let step): try checked(try slice(base, start, end, step))
        case .call(let callee, let arguments): try checked(try call(callee, arguments))
        case .filter(let value, let name, let arguments):
            try checked(try filter(name, try evaluate(value), try evaluate(arguments)))
        case .test(let value, let name, let arguments):
            .bool(try test(name, try evaluate(value), try evaluate(arguments)))
        case .negation(let part): .bool(!(try evaluate(part).isTrue))
        case .minus(let part): try negative(try evaluate(part))
        case .conjunction(let left, let right): try conjunction(left, right)
        case .disjunction(let left, let right): try disjunction(left, right)
        case .arithmetic(let left, let operation, let right):
            try checked(try arithmetic(try evaluate(left), operation, try evaluate(right)))
        case .comparison(let first, let others): .bool(try compare(first, others))
        case .conditional(let condition, let then, let otherwise): try choose(condition, then, otherwise)
        }
    }

    private mutating func evaluate(all parts: [TemplateExpression]) throws(TemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for part in parts { values.append(try evaluate(part)) }
        return values
    }

    private mutating func evaluate(_ arguments: TemplateArguments) throws(TemplateError) -> TemplateCall {
        var call = TemplateCall(positional: try evaluate(all: arguments.positional))
        for argument in arguments.named { call.named[argument.name] = try evaluate(argument.value) }
        return call
    }

    private mutating func mapping(
        _ entries: [(key: TemplateExpression, value: TemplateExpression)]
    ) throws(TemplateError) -> TemplateValue {
        var mapping = TemplateMapping()
        for entry in entries {
            let key = try evaluate(entry.key)
            guard mapping.insert(try evaluate(entry.value), for: key) else {
                throw fault("\(key.kind) cannot be a key")
            }
        }
        return .mapping(mapping)
    }

    private mutating func conjunction(
        _ left: TemplateExpression,
        _ right: TemplateExpression
    ) throws(TemplateError) -> TemplateValue {
        let value = try evaluate(left)
        return value.isTrue ? try evaluate(right) : value
    }

    private mutating func disjunction(
        _ left: TemplateExpression,
        _ right: TemplateExpression
    ) throws(TemplateError) -> TemplateValue {
        let value = try evaluate(left)
        return value.isTrue ? value : try evaluate(right)
    }

    private mutating func choose(
        _ condition: TemplateExpression,
        _ then: TemplateExpression,
        _ otherwise: TemplateExpression?
    ) throws(TemplateError) -> TemplateValue {
        if try evaluate(condition).isTrue { return try evaluate(then) }
        guard let otherwise else { return .undefined("a condition without else") }
        return try evaluate(otherwise)
    }

    private mutating func call(
        _ callee: TemplateExpression,
        _ arguments: TemplateArguments
    ) throws(TemplateError) -> TemplateValue {
        let function = try evaluate(callee)
        let arguments = try evaluate(arguments)
        line = callee.line
        switch function {
        case .function(let name): return try call(function: name, arguments)
        case .macro(let number):
            return try call(number, arguments)
        case .method(let name, let receiver): return try call(method: name, of: receiver, arguments)
        case .undefined(let name): throw fault("\(name) is undefined and cannot be called")
        default: throw fault("\(function.kind) cannot be called")
        }
    }

    // MARK: Parts

    /// `value.name`: what Python's attribute is, else the entry of that name.
    private func attribute(_ name: String, of value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .undefined(let parent):
            throw fault("\(parent) is undefined and has no \(name)")
        case .mapping(let mapping):
            if Self.mappingMethods.contains(name) { return .method(name, of: value) }
            return mapping[name] ?? .undefined(name)
        case .text where Self.textMethods.contains(name):
            return .method(name, of: value)
        case .namespace(let number):
            return namespaces[number][name] ?? .undefined(name)
        case .loop(let loop):
            if name == "cycle" { return .method(name, of: value) }
            return loop[name] ?? .undefined("loop.\(name)")
        default:
            return .undefined(name)
        }
    }

    /// `value[index]`: the entry or element, else the attribute of that name.
    mutating func element(
        of value: TemplateValue,
        at index: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        if case .text(let name) = index { try charge(name.count / 64) }
        switch (value, index) {
        case (.undefined(let parent), _):
            throw fault("\(parent) is undefined and has no parts")
        case (.mapping(let mapping), _):
            if let entry = mapping[index] { return entry }
        case (.list(let list), _):
            guard let place = index.integer else { break }
            let count = list.elements.count
            let wrapped = place < 0 ? place + count : place
            return list.elements.indices.contains(wrapped) ? list.elements[wrapped] : .undefined("element \(place)")
        case (.text(let text), _):
            guard let place = index.integer else { break }
            let wrapped = place < 0 ? place + text.count : place
            guard (0..<text.count).contains(wrapped) else { return .undefined("character \(place)") }
            return .text(text[wrapped..<wrapped + 1])
        default:
            break
        }
        guard case .text(let name) = index else { return .undefined("element") }
        return try attribute(name.string, of: value)
    }

    private mutating func slice(
        _ base: TemplateExpression,
        _ start: TemplateExpression?,
        _ end: TemplateExpression?,
        _ step: TemplateExpression?
    ) throws(TemplateError) -> TemplateValue {
        let value = try evaluate(base)
        let count: Int
        switch value {
        case .list(let list): count = list.elements.count
        case .text(let text): count = text.count
        default: throw fault("\(value.kind) cannot be sliced")
        }
        let step = try bound(step) ?? 1
        guard step != 0 else { throw fault("a slice cannot have step 0") }
        try charge(count / 64)
        let startPlace = try bound(start)
        let endPlace = try bound(end)
        let range = Self.slice(count: count, start: startPlace, end: endPlace, step: step)
        switch value {
        case .list(let list):
            return .list(TemplateList(range.map { list.elements[$0] }))
        case .text(let text):
            if step == 1 { return .text(text[(range.first ?? 0)..<(range.last.map { $0 + 1 } ?? 0)]) }
            try charge(range.count)
            var result = TemplateText()
            for place in range { result.append(text[place..<place + 1]) }
            return .text(result)
        default:
            return value
        }
    }

    private mutating func bound(_ expression: TemplateExpression?) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression)
        if case .none = value { return nil }
        guard let number = value.integer else { throw fault("a slice needs integers, not \(value.kind)") }
        return number
    }

    /// The places that Python's slice covers.
    private static func slice(count: Int, start: Int?, end: Int?, step: Int) -> [Int] {
        let step = max(min(step, count + 1), -count - 1)
        func clamp(_ place: Int, _ low: Int, _ high: Int) -> Int {
            let wrapped = place < 0 ? max(place, -count - 1) + count : place
            return min(max(wrapped, low), high)
        }
        if step > 0 {
            let low = clamp(start ?? 0, 0, count)
            let high = clamp(end ?? count, 0, count)
            return Array(stride(from: low, to: max(low, high), by: step))
        }
        let high = start.map { clamp($0, -1, count - 1) } ?? count - 1
        let low = end.map { clamp($0, -1, count - 1) } ?? -1
        return Array(stride(from: high, to: min(high, low), by: step))
    }

    /// The elements that `for` goes through.
    mutating func elements(of value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
        switch value {
        case .list(let list):
            try charge(list.elements.count / 4)
            return list.elements
        case .mapping(let mapping):
            try charge(mapping.entries.count / 4)
            return mapping.entries.map(\.key)
        case .text(let text):
            try charge(text.count)
            return (0..<text.count).map { .text(text[$0..<$0 + 1]) }
        case .undefined:
            return []
        default:
            throw fault("\(value.kind) cannot be gone through")
        }
    }
}
