import Foundation

/// A JSON value as Foundation reads it.
indirect enum JSONValue: Decodable, Hashable {
    case null
    case bool(Bool)
    case number(Decimal)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Decimal.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    static func read(_ text: String) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    }

    subscript(name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    var number: Decimal? { if case .number(let value) = self { value } else { nil } }
    var string: String? { if case .string(let value) = self { value } else { nil } }
    var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
}

/// Says what of a JSON schema (2020-12) a value breaks; written from the specification, knowing nothing of grammars.
struct SchemaValidator {
    private let root: JSONValue

    init(_ schema: String) throws { root = try JSONValue.read(schema) }

    /// The first fault of a JSON text, or `nil`.
    func fault(_ text: String) -> String? {
        guard let value = try? JSONValue.read(text) else { return "no JSON" }
        return fault(value, root)
    }

    private func fault(_ value: JSONValue, _ schema: JSONValue) -> String? {
        if case .bool(let allows) = schema { return allows ? nil : "false schema" }
        if let reference = schema["$ref"]?.string {
            var target = root
            for step in reference.dropFirst().split(separator: "/") {
                guard let next = target[String(step)] else { return "no \(reference)" }
                target = next
            }
            if let fault = fault(value, target) { return fault }
        }
        if let all = schema["allOf"]?.array {
            for part in all { if let fault = fault(value, part) { return "allOf: \(fault)" } }
        }
        if let any = schema["anyOf"]?.array, any.allSatisfy({ fault(value, $0) != nil }) { return "anyOf" }
        if let one = schema["oneOf"]?.array, one.count(where: { fault(value, $0) == nil }) != 1 { return "oneOf" }
        if let values = schema["enum"]?.array, !values.contains(value) { return "enum" }
        if let only = schema["const"], only != value { return "const" }
        if let type = schema["type"] {
            let names = type.array?.compactMap(\.string) ?? [type.string ?? ""]
            guard names.contains(where: { isOf(value, $0) }) else { return "type \(names)" }
        }
        switch value {
        case .number(let number): return fault(number: number, schema)
        case .string(let text): return fault(string: text, schema)
        case .array(let values): return fault(array: values, schema)
        case .object(let members): return fault(object: members, schema)
        case .null, .bool: return nil
        }
    }

    private func isOf(_ value: JSONValue, _ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"), (.array, "array"),
            (.object, "object"):
            true
        case (.number(let number), "integer"): isWhole(number)
        default: false
        }
    }

    private func isWhole(_ number: Decimal) -> Bool {
        var number = number
        var rounded = Decimal()
        unsafe NSDecimalRound(&rounded, &number, 0, .plain)
        return rounded == number
    }

    private func fault(number: Decimal, _ schema: JSONValue) -> String? {
        if let bound = schema["minimum"]?.number, number < bound { return "minimum \(bound): \(number)" }
        if let bound = schema["maximum"]?.number, number > bound { return "maximum \(bound): \(number)" }
        if let bound = schema["exclusiveMinimum"]?.number, number <= bound {
            return "exclusiveMinimum \(bound): \(number)"
        }
        if let bound = schema["exclusiveMaximum"]?.number, number >= bound {
            return "exclusiveMaximum \(bound): \(number)"
        }
        return nil
    }

    private func fault(string text: String, _ schema: JSONValue) -> String? {
        let length = Decimal(text.unicodeScalars.count)
        if let least = schema["minLength"]?.number, length < least { return "minLength" }
        if let most = schema["maxLength"]?.number, length > most { return "maxLength" }
        if let pattern = schema["pattern"]?.string {
            guard let expression = try? NSRegularExpression(pattern: pattern) else { return "pattern \(pattern)" }
            let range = NSRange(text.startIndex..., in: text)
            if expression.firstMatch(in: text, range: range) == nil { return "pattern \(pattern): \(text)" }
        }
        if let format = schema["format"]?.string, !SchemaFormats.has(text, format) {
            return "format \(format): \(text)"
        }
        return nil
    }

    private func fault(array values: [JSONValue], _ schema: JSONValue) -> String? {
        let count = Decimal(values.count)
        if let least = schema["minItems"]?.number, count < least { return "minItems" }
        if let most = schema["maxItems"]?.number, count > most { return "maxItems" }
        let first = schema["prefixItems"]?.array ?? []
        for (part, value) in zip(first, values) { if let fault = fault(value, part) { return "prefixItems: \(fault)" } }
        if let items = schema["items"] {
            for value in values.dropFirst(first.count) {
                if let fault = fault(value, items) { return "items: \(fault)" }
            }
        }
        return nil
    }

    private func fault(object members: [String: JSONValue], _ schema: JSONValue) -> String? {
        for name in schema["required"]?.array ?? [] where members[name.string ?? ""] == nil {
            return "required \(name)"
        }
        let count = Decimal(members.count)
        if let least = schema["minProperties"]?.number, count < least { return "minProperties" }
        if let most = schema["maxProperties"]?.number, count > most { return "maxProperties" }
        let properties = schema["properties"]?.object ?? [:]
        for (name, value) in members {
            let part = properties[name] ?? schema["additionalProperties"]
            if let part, let fault = fault(value, part) { return "\(name): \(fault)" }
        }
        return nil
    }
}

/// What formats mean, by other means than expressions where Foundation has them.
private enum SchemaFormats {
    static func has(_ text: String, _ format: String) -> Bool {
        switch format {
        case "uuid": return UUID(uuidString: text) != nil
        case "date": return isDate(text)
        case "time": return isTime(text)
        case "date-time":
            let parts = text.split(separator: "T")
            return parts.count == 2 && isDate(String(parts[0])) && isTime(String(parts[1]))
        case "ipv4":
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts.allSatisfy { UInt8($0).map(String.init) == String($0) }
        case "email":
            let parts = text.split(separator: "@")
            return parts.count == 2 && parts[1].contains(".") && !text.contains("..") && !text.contains(" ")
        case "uri": return URL(string: text)?.scheme != nil && URL(string: text)?.host() != nil
        default: return true
        }
    }

    private static func isDate(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], let year = Int(parts[0]), let month = Int(parts[1]),
            let day = Int(parts[2])
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && day >= 1 && day <= days[month - 1]
    }

    private static func isTime(_ text: String) -> Bool {
        var parts = text.prefix(8).split(separator: ":").compactMap { Int($0) }
        guard parts.count == 3, parts[0] < 24, parts[1] < 60, parts[2] < 60 else { return false }
        var rest = text.dropFirst(8)
        if rest.first == "." { rest = rest.dropFirst().drop(while: \.isNumber) }
        if rest == "Z" { return true }
        guard rest.first == "+" || rest.first == "-" else { return false }
        parts = rest.dropFirst().split(separator: ":").compactMap { Int($0) }
        return parts.count == 2 && parts[0] < 24 && parts[1] < 60
    }
}
