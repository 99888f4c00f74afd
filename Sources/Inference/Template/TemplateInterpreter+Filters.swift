extension TemplateInterpreter {
    /// `value | name(…)`.
    mutating func filter(
        _ name: String,
        _ value: TemplateValue,
        _ call: TemplateCall
    ) throws(TemplateError) -> TemplateValue {
        switch name {
        case "trim", "upper", "lower", "title", "capitalize", "replace", "indent", "safe", "string", "escape", "e",
            "forceescape", "format":
            return try filter(name, try text(of: value), call)
        case "default", "d":
            let standard = call.argument(0, "default_value") ?? .text("")
            if case .undefined = value { return standard }
            return call.isTrue(1, "boolean") == true && !value.isTrue ? standard : value
        case "length", "count":
            return .integer(try count(of: value))
        case "tojson":
            return .text(try json(value, call))
        case "int":
            return .integer(Self.integer(value) ?? call.integer(0, "default") ?? 0)
        case "float":
            return .float(Self.float(value) ?? call.argument(0, "default")?.number ?? 0)
        case "abs":
            if case .float(let number) = value { return .float(abs(number)) }
            guard let number = value.integer, number != .min else { throw fault("\(value.kind) has no absolute value") }
            return .integer(abs(number))
        case "round":
            guard let number = value.number else { throw fault("\(value.kind) cannot be rounded") }
            return .float(number.rounded(.toNearestOrEven))
        case "items":
            switch value {
            case .mapping(let mapping): return .list(Self.items(of: mapping))
            case .undefined: return .list(TemplateList([]))
            default: throw fault("\(value.kind) has no items")
            }
        case "dictsort":
            return try sortedItems(value, call)
        default:
            return try filter(name, elements: value, call)
        }
    }

    private mutating func filter(
        _ name: String,
        _ text: TemplateText,
        _ call: TemplateCall
    ) throws(TemplateError) -> TemplateValue {
        try charge(text.count / 64)
        switch name {
        case "trim": return .text(text.trimmed(call.text(0, "chars")))
        case "upper": return .text(Self.upper(text))
        case "lower": return .text(Self.lower(text))
        case "title": return .text(Self.title(text))
        case "capitalize": return .text(Self.capitalized(text))
        case "replace": return .text(try replace(in: text, call))
        case "format": return .text(try formatted(text, call.positional))
        case "indent": return .text(try indented(text, call))
        case "escape", "e", "forceescape": return .text(Self.escaped(text))
        case "safe", "string": return .text(text)
        default: throw fault("the filter \(name) is not supported")
        }
    }

    /// Filters of lists and what can be gone through like one.
    private mutating func filter(
        _ name: String,
        elements value: TemplateValue,
        _ call: TemplateCall
    ) throws(TemplateError) -> TemplateValue {
        guard Self.listFilters.contains(name) else { throw fault("the filter \(name) is not supported") }
        // As in Jinja, these take whatever is false for an empty list.
        let isLenient = Self.lenientFilters.contains(name) && !value.isTrue
        let elements = isLenient ? [] : try elements(of: value)
        switch name {
        case "list": return .list(TemplateList(elements))
        case "first": return elements.first ?? .undefined("first")
        case "last": return elements.last ?? .undefined("last")
        case "join":
            let parts = try attribute(call.argument(1, "attribute"), ofAll: elements)
            return .text(try join(parts, with: try text(of: call.argument(0, "d") ?? .text(""))))
        case "reverse":
            if case .text = value { return .text(try join(elements.reversed(), with: TemplateText())) }
            return .list(TemplateList(elements.reversed()))
        case "map": return .list(TemplateList(try map(elements, call)))
        case "select", "reject", "selectattr", "rejectattr":
            return .list(TemplateList(try select(name, elements, call)))
        case "unique": return .list(TemplateList(try unique(elements, call)))
        case "sort":
            let sorted = try sort(
                elements,
                by: call.argument(2, "attribute"),
                ignoringCase: call.isTrue(1, "case_sensitive") != true
            )
            return .list(TemplateList(call.isTrue(0, "reverse") == true ? sorted.reversed() : sorted))
        case "sum":
            var sum = TemplateValue.integer(0)
            for part in try attribute(call.argument(0, "attribute"), ofAll: elements) {
                sum = try arithmetic(sum, .add, part)
            }
            return sum
        default: return try extremum(elements, call, isMinimum: name == "min")
        }
    }

    private static let listFilters: Set<String> = [
        "list", "first", "last", "join", "reverse", "map", "select", "reject", "selectattr", "rejectattr", "unique",
        "sort",
        "sum", "min", "max",
    ]

    private static let lenientFilters: Set<String> = ["map", "select", "reject", "selectattr", "rejectattr"]

    // MARK: Single values

    private func count(of value: TemplateValue) throws(TemplateError) -> Int {
        switch value {
        case .text(let text): text.count
        case .list(let list): list.elements.count
        case .mapping(let mapping): mapping.entries.count
        case .undefined: 0
        default: throw fault("\(value.kind) has no length")
        }
    }

    private mutating func json(_ value: TemplateValue, _ call: TemplateCall) throws(TemplateError) -> TemplateText {
        var separators: (item: TemplateText, key: TemplateText)?
        if case .list(let list) = call.named["separators"], list.elements.count == 2,
            case .text(let item) = list.elements[0], case .text(let key) = list.elements[1]
        {
            separators = (item, key)
        }
        return try json(
            value,
            indent: call.integer(.max, "indent") ?? call.integer(1, "indent"),
            separators: separators,
            sortsKeys: call.isTrue(.max, "sort_keys") ?? false,
            escapesNonASCII: call.isTrue(.max, "ensure_ascii") ?? false
        )
    }

    private static func integer(_ value: TemplateValue) -> Int? {
        switch value {
        case .text(let text):
            let digits = text.trimmed().string
            return Int(digits) ?? Double(digits).flatMap { Int(exactly: $0.rounded(.towardZero)) }
        case .float(let number): return Int(exactly: number.rounded(.towardZero))
        default: return value.integer
        }
    }

    private static func float(_ value: TemplateValue) -> Double? {
        if case .text(let text) = value { return Double(text.trimmed().string) }
        return value.number
    }

    private static func escaped(_ text: TemplateText) -> TemplateText {
        text.mapScalars { scalar in
            switch scalar {
            case "&": "&amp;".unicodeScalars
            case "<": "&lt;".unicodeScalars
            case ">": "&gt;".unicodeScalars
            case "'": "&#39;".unicodeScalars
            case "\"": "&#34;".unicodeScalars
            default: String.UnicodeScalarView([scalar])
            }
        }
    }

    private mutating func indented(_ text: TemplateText, _ call: TemplateCall) throws(TemplateError) -> TemplateText {
        let width = call.argument(0, "width") ?? .integer(4)
        let margin: TemplateText
        if case .text(let given) = width {
            margin = given
        } else {
            margin = TemplateText(String(repeating: " ", count: min(max(width.integer ?? 4, 0), 256)))
        }
        let indentsFirst = call.isTrue(1, "first") ?? false
        let indentsBlank = call.isTrue(2, "blank") ?? false
        var result = TemplateText()
        for (index, line) in text.split(by: "\n").enumerated() {
            if index > 0 { result.append("\n") }
            if index == 0 ? indentsFirst : (indentsBlank || !line.isEmpty) { result.append(margin) }
            result.append(line)
            guard result.count <= limits.text else { throw .overLimit(.text, line: self.line) }
        }
        return result
    }

    // MARK: Lists

    /// The attribute of each element, by a path with dots; the elements themselves where no attribute is asked for.
    private mutating func attribute(
        _ path: TemplateValue?,
        ofAll elements: [TemplateValue]
    ) throws(TemplateError) -> [TemplateValue] {
        guard let path else { return elements }
        var values: [TemplateValue] = []
        for value in elements { values.append(try attribute(path, of: value)) }
        return values
    }

    private mutating func attribute(_ path: TemplateValue, of value: TemplateValue) throws(TemplateError)
        -> TemplateValue
    {
        guard case .text(let path) = path else { return try element(of: value, at: path) }
        var value = value
        for name in path.split(by: ".") {
            try charge()
            value = try element(of: value, at: Int(name.string).map { .integer($0) } ?? .text(name))
        }
        return value
    }

    private mutating func map(_ elements: [TemplateValue], _ call: TemplateCall) throws(TemplateError)
        -> [TemplateValue]
    {
        var values: [TemplateValue] = []
        if let path = call.named["attribute"] {
            for element in elements {
                let value = try attribute(path, of: element)
                if case .undefined = value, let standard = call.named["default"] {
                    values.append(standard)
                } else {
                    values.append(value)
                }
            }
            return values
        }
        guard let name = call.text(0, "") else { throw fault("map needs a filter or an attribute") }
        let rest = TemplateCall(positional: Array(call.positional.dropFirst()), named: call.named)
        try enter()
        defer { leave() }
        for element in elements {
            try charge()
            values.append(try filter(name.string, element, rest))
        }
        return values
    }

    private mutating func select(
        _ name: String,
        _ elements: [TemplateValue],
        _ call: TemplateCall
    ) throws(TemplateError) -> [TemplateValue] {
        let usesAttribute = name.hasSuffix("attr")
        let arguments = Array(call.positional.dropFirst(usesAttribute ? 1 : 0))
        let rest = TemplateCall(positional: Array(arguments.dropFirst()), named: call.named)
        let test = TemplateCall(positional: arguments).text(0, "")?.string
        var kept: [TemplateValue] = []
        for element in elements {
            try charge()
            var value = element
            if usesAttribute {
                guard let path = call.positional.first else { throw fault("\(name) needs an attribute") }
                value = try attribute(path, of: element)
            }
            let holds: Bool
            if let test { holds = try self.test(test, value, rest) } else { holds = value.isTrue }
            if holds == name.hasPrefix("select") { kept.append(element) }
        }
        return kept
    }

    private mutating func unique(_ elements: [TemplateValue], _ call: TemplateCall) throws(TemplateError)
        -> [TemplateValue]
    {
        let keys = try keys(
            for: elements,
            by: call.argument(1, "attribute"),
            ignoringCase: call.isTrue(0, "case_sensitive") != true
        )
        var seen: [TemplateValue] = []
        var kept: [TemplateValue] = []
        for (key, element) in zip(keys, elements) {
            try charge(seen.count / 8)
            if try !contains(.list(TemplateList(seen)), key) {
                seen.append(key)
                kept.append(element)
            }
        }
        return kept
    }

    /// What elements are compared by.
    private mutating func keys(
        for elements: [TemplateValue],
        by path: TemplateValue?,
        ignoringCase: Bool
    ) throws(TemplateError) -> [TemplateValue] {
        var keys: [TemplateValue] = []
        for key in try attribute(path, ofAll: elements) {
            if ignoringCase, case .text(let text) = key {
                keys.append(.text(try checked(Self.lower(text))))
            } else {
                keys.append(key)
            }
        }
        return keys
    }

    /// Elements in order, equal ones as they came.
    private mutating func sort(
        _ elements: [TemplateValue],
        by path: TemplateValue?,
        ignoringCase: Bool
    ) throws(TemplateError) -> [TemplateValue] {
        var keyed: [(key: TemplateValue, value: TemplateValue)] = []
        for (key, value) in zip(try keys(for: elements, by: path, ignoringCase: ignoringCase), elements) {
            if let first = keyed.first { _ = try isLess(first.key, key) }
            keyed.append((key, value))
            try chargeComparison(key, key)
        }
        try charge(keyed.count * 4)
        // Every key can be compared with the first one, so with every other.
        return keyed.sorted { left, right in (try? isLess(left.key, right.key)) ?? false }.map(\.value)
    }

    private mutating func sortedItems(_ value: TemplateValue, _ call: TemplateCall) throws(TemplateError)
        -> TemplateValue
    {
        guard case .mapping(let mapping) = value else { throw fault("\(value.kind) has no items") }
        var place = 0
        if call.text(1, "by") == "value" { place = 1 }
        let sorted = try sort(
            Self.items(of: mapping).elements,
            by: .integer(place),
            ignoringCase: call.isTrue(0, "case_sensitive") != true
        )
        return .list(TemplateList(call.isTrue(2, "reverse") == true ? sorted.reversed() : sorted))
    }

    private mutating func extremum(
        _ elements: [TemplateValue],
        _ call: TemplateCall,
        isMinimum: Bool
    ) throws(TemplateError) -> TemplateValue {
        let keys = try keys(
            for: elements,
            by: call.argument(1, "attribute"),
            ignoringCase: call.isTrue(0, "case_sensitive") != true
        )
        guard var best = keys.indices.first else { return .undefined("extremum") }
        for index in keys.indices.dropFirst() {
            try chargeComparison(keys[index], keys[best])
            let isBetter = isMinimum ? try isLess(keys[index], keys[best]) : try isLess(keys[best], keys[index])
            if isBetter { best = index }
        }
        return elements[best]
    }
}
