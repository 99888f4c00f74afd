extension TemplateInterpreter {
    static let mappingMethods: Set<String> = ["items", "keys", "values", "get", "copy"]
    static let textMethods: Set<String> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "upper", "lower",
        "title",
        "capitalize", "replace", "find", "rfind", "count", "join", "format", "isdigit", "isalpha", "isalnum", "isspace",
        "isupper", "islower", "removeprefix", "removesuffix", "partition", "rpartition",
    ]

    /// `receiver.name(…)`.
    mutating func call(
        method name: String,
        of receiver: TemplateValue,
        _ call: TemplateCall
    ) throws(TemplateError) -> TemplateValue {
        switch receiver {
        case .mapping(let mapping): return try self.call(method: name, of: mapping, call)
        case .text(let text):
            try charge(text.count / 64)
            return try self.call(method: name, of: text, call)
        case .loop(let loop):
            guard !call.positional.isEmpty else { throw fault("cycle needs values") }
            return call.positional[loop.index0 % call.positional.count]
        default: throw fault("\(receiver.kind) has no function \(name)")
        }
    }

    private mutating func call(
        method name: String,
        of mapping: TemplateMapping,
        _ call: TemplateCall
    ) throws(TemplateError) -> TemplateValue {
        switch name {
        case "get":
            guard let key = call.argument(0, "key") else { throw fault("get needs a key") }
            try chargeComparison(key, key)
            return mapping[key] ?? call.argument(1, "default") ?? .none
        case "items": return .list(Self.items(of: mapping))
        case "keys": return .list(TemplateList(mapping.entries.map(\.key)))
        case "values": return .list(TemplateList(mapping.entries.map(\.value)))
        default: return .mapping(mapping)
        }
    }

    static func items(of mapping: TemplateMapping) -> TemplateList {
        TemplateList(mapping.entries.map { .list(TemplateList([$0.key, $0.value])) })
    }

    private mutating func call(
        method name: String,
        of text: TemplateText,
        _ call: TemplateCall
    ) throws(TemplateError) -> TemplateValue {
        switch name {
        case "strip": return .text(text.trimmed(call.text(0, "chars")))
        case "lstrip": return .text(text.trimmed(call.text(0, "chars"), end: false))
        case "rstrip": return .text(text.trimmed(call.text(0, "chars"), start: false))
        case "startswith": return .bool(try hasEnd(text, call) { $0.hasPrefix($1) })
        case "endswith": return .bool(try hasEnd(text, call) { $0.hasSuffix($1) })
        case "upper": return .text(Self.upper(text))
        case "lower": return .text(Self.lower(text))
        case "title": return .text(Self.title(text))
        case "capitalize": return .text(Self.capitalized(text))
        case "replace": return .text(try replace(in: text, call))
        case "split", "rsplit", "splitlines": return .list(TemplateList(try split(text, name, call)))
        case "find": return .integer(text.firstPlace(of: try part(call)) ?? -1)
        case "rfind": return .integer(text.places(of: try part(call)).last ?? -1)
        case "count": return .integer(text.places(of: try part(call)).count)
        case "join": return .text(try join(try elements(of: call.positional.first ?? .none), with: text))
        case "format": return .text(try formatted(text, call))
        case "removeprefix":
            let part = try part(call)
            return .text(text.hasPrefix(part) ? text[part.count..<text.count] : text)
        case "removesuffix":
            let part = try part(call)
            return .text(text.hasSuffix(part) ? text[0..<text.count - part.count] : text)
        case "partition", "rpartition":
            let part = try part(call)
            let places = text.places(of: part)
            guard let place = name == "partition" ? places.first : places.last else {
                let parts =
                    name == "partition"
                    ? [text, TemplateText(), TemplateText()] : [TemplateText(), TemplateText(), text]
                return .list(TemplateList(parts.map { .text($0) }))
            }
            let parts = [text[0..<place], text[place..<place + part.count], text[place + part.count..<text.count]]
            return .list(TemplateList(parts.map { .text($0) }))
        default:
            return .bool(Self.isAll(text, name))
        }
    }

    private func part(_ call: TemplateCall) throws(TemplateError) -> TemplateText {
        guard let part = call.text(0, "sub") else { throw fault("a string is needed") }
        return part
    }

    private func hasEnd(
        _ text: TemplateText,
        _ call: TemplateCall,
        _ matches: (TemplateText, TemplateText) -> Bool
    ) throws(TemplateError) -> Bool {
        switch call.positional.first {
        case .text(let part): return matches(text, part)
        case .list(let list):
            return list.elements.contains { element in
                guard case .text(let part) = element else { return false }
                return matches(text, part)
            }
        default: throw fault("a string is needed")
        }
    }

    private mutating func split(
        _ text: TemplateText,
        _ name: String,
        _ call: TemplateCall
    ) throws(TemplateError) -> [TemplateValue] {
        // Each part is a value of its own, and a long text has many.
        try charge(text.count / 16)
        guard name != "splitlines" else {
            var lines = text.split(by: "\n")
            if lines.last?.isEmpty ?? false { lines.removeLast() }
            return lines.map { .text($0) }
        }
        let limit = call.integer(1, "maxsplit").flatMap { $0 < 0 ? nil : $0 } ?? .max
        guard let separator = call.text(0, "sep") else {
            return text.splitAtWhitespace(limit: limit).map { .text($0) }
        }
        guard !separator.isEmpty else { throw fault("a separator must not be empty") }
        guard name == "rsplit", limit != .max else { return text.split(by: separator, limit: limit).map { .text($0) } }
        let parts = text.split(by: separator)
        let cut = max(0, parts.count - limit - 1)
        var first = parts[0]
        for part in parts[1..<cut + 1] {
            first.append(separator)
            first.append(part)
        }
        return [.text(first)] + parts[(cut + 1)...].map { .text($0) }
    }

    mutating func replace(in text: TemplateText, _ call: TemplateCall) throws(TemplateError) -> TemplateText {
        guard let old = call.text(0, "old"), let new = call.text(1, "new") else {
            throw fault("two strings are needed")
        }
        let limit = call.integer(2, "count").flatMap { $0 < 0 ? nil : $0 } ?? .max
        guard !old.isEmpty else { throw fault("nothing cannot be replaced") }
        try charge(text.count / 64)
        let places = text.places(of: old, limit: limit)
        guard !places.isEmpty else { return text }
        let growth = places.count.multipliedReportingOverflow(by: new.count)
        guard !growth.overflow, growth.partialValue <= limits.text else { throw .overLimit(.text, line: line) }
        var result = TemplateText()
        var start = 0
        for place in places {
            result.append(text[start..<place])
            result.append(new)
            start = place + old.count
        }
        result.append(text[start..<text.count])
        return result
    }

    mutating func join(
        _ elements: [TemplateValue],
        with separator: TemplateText
    ) throws(TemplateError) -> TemplateText {
        var result = TemplateText()
        for (index, element) in elements.enumerated() {
            if index > 0 { result.append(separator) }
            result.append(try text(of: element))
            guard result.count <= limits.text else { throw .overLimit(.text, line: line) }
        }
        return result
    }

    // MARK: Letters

    static func upper(_ text: TemplateText) -> TemplateText {
        text.mapScalars { $0.properties.uppercaseMapping.unicodeScalars }
    }

    static func lower(_ text: TemplateText) -> TemplateText {
        text.mapScalars { $0.properties.lowercaseMapping.unicodeScalars }
    }

    static func title(_ text: TemplateText) -> TemplateText {
        var isInWord = false
        return text.mapScalars { scalar in
            defer { isInWord = scalar.properties.isCased }
            return (isInWord ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping).unicodeScalars
        }
    }

    static func capitalized(_ text: TemplateText) -> TemplateText {
        var isFirst = true
        return text.mapScalars { scalar in
            defer { isFirst = false }
            return (isFirst ? scalar.properties.titlecaseMapping : scalar.properties.lowercaseMapping).unicodeScalars
        }
    }

    private static func isAll(_ text: TemplateText, _ name: String) -> Bool {
        guard !text.isEmpty else { return false }
        return switch name {
        case "isdigit":
            text.scalars.allSatisfy { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
        case "isalpha": text.scalars.allSatisfy { CharacterClass($0.value) == .letter }
        case "isalnum": text.scalars.allSatisfy { [.letter, .number].contains(CharacterClass($0.value)) }
        case "isspace": text.scalars.allSatisfy(\.isTemplateWhitespace)
        case "isupper": isCased(text, upper: true)
        case "islower": isCased(text, upper: false)
        default: false
        }
    }
}
