extension TemplateInterpreter {
    /// What `{{ value }}` writes: Python's `str`.
    mutating func text(of value: TemplateValue) throws(TemplateError) -> TemplateText {
        switch value {
        case .text(let text): return text
        case .undefined: return TemplateText()
        default:
            var result = TemplateText()
            try represent(value, into: &result)
            return result
        }
    }

    /// Python's `repr`.
    private mutating func represent(_ value: TemplateValue, into result: inout TemplateText) throws(TemplateError) {
        try charge()
        switch value {
        case .undefined: result.append("Undefined")
        case .none: result.append("None")
        case .bool(let flag): result.append(TemplateText(flag ? "True" : "False"))
        case .integer(let number): result.append(TemplateText(String(number)))
        case .float(let number): result.append(TemplateText(Self.python(number)))
        case .text(let text): try quote(text, into: &result)
        case .list(let list):
            result.append("[")
            for (index, element) in list.elements.enumerated() {
                if index > 0 { result.append(", ") }
                try represent(element, into: &result)
            }
            result.append("]")
        case .mapping(let mapping):
            result.append("{")
            for (index, entry) in mapping.entries.enumerated() {
                if index > 0 { result.append(", ") }
                try represent(entry.key, into: &result)
                result.append(": ")
                try represent(entry.value, into: &result)
            }
            result.append("}")
        case .namespace: result.append("<Namespace>")
        case .loop: result.append("<Loop>")
        case .function, .macro, .method: result.append("<Function>")
        }
        guard result.count <= limits.text else { throw .overLimit(.text, line: line) }
    }

    private mutating func quote(_ text: TemplateText, into result: inout TemplateText) throws(TemplateError) {
        try charge(text.count / 64)
        guard result.count + text.count <= limits.text else { throw .overLimit(.text, line: line) }
        let mark: Unicode.Scalar = text.scalars.contains("'") && !text.scalars.contains("\"") ? "\"" : "'"
        result.append(mark, isTrusted: true)
        result.append(
            text.mapScalars { scalar in
                switch scalar {
                case mark, "\\": return "\\\(scalar)".unicodeScalars
                case "\n": return "\\n".unicodeScalars
                case "\r": return "\\r".unicodeScalars
                case "\t": return "\\t".unicodeScalars
                case "\0"..."\u{1F}", "\u{7F}"..."\u{A0}": return "\\x\(Self.hex(scalar.value, 2))".unicodeScalars
                default: return String.UnicodeScalarView([scalar])
                }
            }
        )
        result.append(mark, isTrusted: true)
    }

    static func hex(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// A float as Python writes it.
    static func python(_ number: Double) -> String {
        number.isNaN ? "nan" : number.isInfinite ? (number < 0 ? "-inf" : "inf") : "\(number)"
    }

    // MARK: JSON

    /// Python's `json.dumps` with `ensure_ascii=False`, which is what published templates mean by `tojson`.
    ///
    /// - Parameter indent: how many spaces each level is moved in; without it all is in one line.
    mutating func json(
        _ value: TemplateValue,
        indent: Int?,
        separators: (item: TemplateText, key: TemplateText)?,
        sortsKeys: Bool,
        escapesNonASCII: Bool
    ) throws(TemplateError) -> TemplateText {
        var writer = TemplateJSONWriter(
            indent: indent.map { min(max($0, 0), 16) },
            itemSeparator: separators?.item ?? (indent == nil ? ", " : ","),
            keySeparator: separators?.key ?? ": ",
            sortsKeys: sortsKeys,
            escapesNonASCII: escapesNonASCII,
            limit: limits.text,
            line: line
        )
        try charge(value.size)
        try writer.write(value, level: 0)
        return writer.text
    }

    // MARK: printf

    /// Python's `%` for `%s`, `%d`, `%r` and `%%`.
    mutating func formatted(
        _ pattern: TemplateText,
        _ values: [TemplateValue]
    ) throws(TemplateError) -> TemplateText {
        var result = TemplateText()
        var values = values[...]
        let parts = pattern.split(by: "%")
        result.append(parts[0])
        var index = 1
        while index < parts.count {
            let part = parts[index]
            index += 1
            guard let kind = part.scalars.first else {
                // An empty part lies between two signs: one of them is meant as itself.
                result.append("%")
                if index < parts.count {
                    result.append(parts[index])
                    index += 1
                }
                continue
            }
            guard kind == "s" || kind == "d" || kind == "r" else {
                throw fault("%\(kind.escaped(asASCII: true)) in a format is not supported")
            }
            guard let value = values.popFirst() else { throw fault("too few values for a format") }
            if kind == "r" {
                try represent(value, into: &result)
            } else {
                result.append(try text(of: value))
            }
            result.append(part[1..<part.count])
            guard result.count <= limits.text else { throw .overLimit(.text, line: line) }
        }
        guard values.isEmpty else { throw fault("too many values for a format") }
        return result
    }

    /// Python's `str.format` for `{}`, `{0}` and `{name}`.
    mutating func formatted(_ pattern: TemplateText, _ call: TemplateCall) throws(TemplateError) -> TemplateText {
        var result = TemplateText()
        var position = 0
        var automatic = 0
        while position < pattern.count {
            let scalar = pattern.scalars[position]
            let isDoubled = position + 1 < pattern.count && pattern.scalars[position + 1] == scalar
            if (scalar == "{" || scalar == "}") && isDoubled {
                result.append(pattern[position..<position + 1])
                position += 2
            } else if scalar == "{" {
                guard let end = pattern.firstPlace(of: "}", from: position) else { throw fault("{ is not closed") }
                let name = pattern[position + 1..<end].string
                let place = name.isEmpty ? automatic : Int(name)
                if name.isEmpty { automatic += 1 }
                let value = place.flatMap { call.positional.indices.contains($0) ? call.positional[$0] : nil }
                guard let value = value ?? call.named[name] else { throw fault("no value for {\(name)}") }
                result.append(try text(of: value))
                position = end + 1
            } else {
                let end = pattern.scalars[position...].firstIndex { $0 == "{" || $0 == "}" } ?? pattern.count
                result.append(pattern[position..<max(end, position + 1)])
                position = max(end, position + 1)
            }
            guard result.count <= limits.text else { throw .overLimit(.text, line: line) }
            try charge()
        }
        return result
    }
}

/// Writes values as JSON, keeping the origin of each text.
private struct TemplateJSONWriter {
    let indent: Int?
    let itemSeparator: TemplateText
    let keySeparator: TemplateText
    let sortsKeys: Bool
    let escapesNonASCII: Bool
    let limit: Int
    let line: Int
    var text = TemplateText()

    mutating func write(_ value: TemplateValue, level: Int) throws(TemplateError) {
        switch value {
        case .none: text.append("null")
        case .bool(let flag): text.append(TemplateText(flag ? "true" : "false"))
        case .integer(let number): text.append(TemplateText(String(number)))
        case .float(let number):
            text.append(TemplateText(number.isNaN ? "NaN" : number.isInfinite ? "Infinity" : "\(number)"))
        case .text(let string): try quote(string)
        case .list(let list):
            guard !list.elements.isEmpty else { return text.append("[]") }
            text.append("[")
            for (index, element) in list.elements.enumerated() {
                separate(index, level: level + 1)
                try write(element, level: level + 1)
            }
            newline(level: level)
            text.append("]")
        case .mapping(let mapping):
            guard !mapping.entries.isEmpty else { return text.append("{}") }
            text.append("{")
            for (index, entry) in try sorted(mapping.entries).enumerated() {
                separate(index, level: level + 1)
                try writeKey(entry.key)
                text.append(keySeparator)
                try write(entry.value, level: level + 1)
            }
            newline(level: level)
            text.append("}")
        case .undefined, .namespace, .loop, .function, .macro, .method:
            throw .evaluation(line: line, cause: "\(value.kind) is not JSON")
        }
        guard text.count <= limit else { throw .overLimit(.text, line: line) }
    }

    private func sorted(
        _ entries: [(key: TemplateValue, value: TemplateValue)]
    ) throws(TemplateError) -> [(key: TemplateValue, value: TemplateValue)] {
        guard sortsKeys else { return entries }
        return entries.sorted { left, right in
            guard case .text(let left) = left.key, case .text(let right) = right.key else { return false }
            return left.scalars.lexicographicallyPrecedes(right.scalars)
        }
    }

    private mutating func separate(_ index: Int, level: Int) {
        if index > 0 { text.append(itemSeparator) }
        newline(level: level)
    }

    private mutating func newline(level: Int) {
        guard let indent else { return }
        text.append(TemplateText("\n" + String(repeating: " ", count: indent * level)))
    }

    private mutating func writeKey(_ key: TemplateValue) throws(TemplateError) {
        if case .text(let name) = key { return try quote(name) }
        text.append("\"")
        try write(key, level: 0)
        text.append("\"")
    }

    private mutating func quote(_ string: TemplateText) throws(TemplateError) {
        guard text.count + string.count <= limit else { throw .overLimit(.text, line: line) }
        text.append("\"")
        let escapesNonASCII = escapesNonASCII
        text.append(
            string.mapScalars { scalar in
                switch scalar {
                case "\"", "\\": return "\\\(scalar)".unicodeScalars
                case "\n": return "\\n".unicodeScalars
                case "\r": return "\\r".unicodeScalars
                case "\t": return "\\t".unicodeScalars
                case "\u{08}": return "\\b".unicodeScalars
                case "\u{0C}": return "\\f".unicodeScalars
                case "\0"..."\u{1F}": return "\\u\(TemplateInterpreter.hex(scalar.value, 4))".unicodeScalars
                default:
                    guard escapesNonASCII, !scalar.isASCII else { return String.UnicodeScalarView([scalar]) }
                    return Character(scalar).utf16.map { "\\u\(TemplateInterpreter.hex(UInt32($0), 4))" }.joined()
                        .unicodeScalars
                }
            }
        )
        text.append("\"")
    }
}
