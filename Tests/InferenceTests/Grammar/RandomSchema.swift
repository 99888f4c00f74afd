@testable import Inference

/// Schemas of all keywords that are supported, drawn with a seed, as JSON text.
struct RandomSchema {
    private var generator: SplitMix64
    private var definitions = 0

    /// The schema of a seed.
    static func text(_ seed: UInt64) -> String {
        var schema = RandomSchema(generator: SplitMix64(seed: seed))
        schema.definitions = schema.generator.below(3)
        var root = schema.generator.below(4) == 0 ? schema.schema(depth: 3) : schema.object(depth: 3)
        guard schema.definitions > 0, root.first == "{" else { return root }
        let definitions = (0..<schema.definitions).map { index in
            // What recurs can end: references inside stand in arrays and optional members only.
            "\"d\(index)\": \(index == 0 ? schema.recursive() : schema.object(depth: 1))"
        }
        root.removeLast()
        return root + (root == "{" ? "" : ", ") + "\"$defs\": {\(definitions.joined(separator: ", "))}}"
    }

    private mutating func chance(_ one: Int) -> Bool { generator.below(one) == 0 }

    private mutating func recursive() -> String {
        """
        {"type": "object", "properties": {"value": \(scalar()), "next": {"$ref": "#/$defs/d0"}, \
        "children": {"type": "array", "items": {"$ref": "#/$defs/d0"}, "maxItems": 2}}, "required": ["value"]}
        """
    }

    private mutating func schema(depth: Int) -> String {
        if definitions > 0, chance(6) { return "{\"$ref\": \"#/$defs/d\(generator.below(definitions))\"}" }
        guard depth > 0 else { return scalar() }
        switch generator.below(10) {
        case 0, 1, 2: return scalar()
        case 3, 4, 5: return object(depth: depth)
        case 6, 7: return array(depth: depth)
        case 8: return choice(depth: depth)
        default: return combined(depth: depth)
        }
    }

    private mutating func scalar() -> String {
        switch generator.below(12) {
        case 0: return "{\"type\": \"null\"}"
        case 1: return "{\"type\": \"boolean\", \"description\": \"yes or no\"}"
        case 2, 3: return number(isWhole: true)
        case 4: return number(isWhole: false)
        case 5, 6, 7: return string()
        case 8: return "{\"enum\": \(values())}"
        case 9: return "{\"const\": \(value())}"
        case 10:
            let types = ["\"string\"", "\"integer\"", "\"null\"", "\"boolean\""]
            return "{\"type\": [\(generator.pick(types)), \(generator.pick(types))], \"maxLength\": 9, \"minimum\": -5}"
        default: return "{\"type\": \"string\", \"enum\": [\"red\", \"green\", \"a \\\"b\\\"\\n\", \"\", 5, \"é😀\"]}"
        }
    }

    private mutating func value() -> String {
        generator.pick([
            "null", "true", "17", "-2.50", "\"x\"", "\"Lattice\"", "[1, \"a\"]", "{\"k\": [false]}", "1e3",
            "\"\\u00e9\\t\"", "[]", "{}",
        ])
    }

    private mutating func values() -> String {
        "[" + (0...generator.below(5)).map { _ in value() }.joined(separator: ", ") + "]"
    }

    private mutating func number(isWhole: Bool) -> String {
        var keywords = ["\"type\": \"\(isWhole ? "integer" : "number")\""]
        let scale = generator.pick([1, 10, 1000, 1_000_000])
        let low = generator.below(2 * scale) - scale
        let span = generator.below(scale) + 2
        let digits = isWhole || chance(2) ? "" : ".\(generator.below(9))\(1 + generator.below(9))"
        if !chance(3) { keywords.append("\"\(chance(3) ? "exclusiveMinimum" : "minimum")\": \(low)\(digits)") }
        if !chance(3) { keywords.append("\"\(chance(3) ? "exclusiveMaximum" : "maximum")\": \(low + span)\(digits)") }
        return "{\(keywords.joined(separator: ", "))}"
    }

    private mutating func string() -> String {
        switch generator.below(4) {
        case 0:
            let formats = ["date", "date-time", "time", "uuid", "email", "ipv4", "uri"]
            return "{\"type\": \"string\", \"format\": \"\(generator.pick(formats))\"}"
        case 1:
            let patterns = [
                "^[A-Z]{3}-[0-9]{2,4}$", "^(foo|ba[rz])+$", "[0-9]", "^a|b$", "^\\\\d+(\\\\.\\\\d{1,2})?$",
                "^[^\\\"a-z]{1,5}$",
                "^\\\\w+\\\\s\\\\S{2}$", "^.{0,6}$", "^$", "^\\\\u00e9?x{2}$",
            ]
            return "{\"type\": \"string\", \"pattern\": \"\(generator.pick(patterns))\"}"
        default:
            let least = generator.below(5)
            var keywords = ["\"type\": \"string\""]
            if chance(2) { keywords.append("\"minLength\": \(least)") }
            if !chance(4) { keywords.append("\"maxLength\": \(least + generator.below(20))") }
            return "{\(keywords.joined(separator: ", "))}"
        }
    }

    private static let names = ["name", "age", "na", "names", "é", "a \\\"b\\\"", "value", "id", "kind", ""]

    private mutating func object(depth: Int) -> String {
        var keywords = ["\"type\": \"object\""]
        var names = Self.names
        var members: [String] = []
        var required: [String] = []
        for _ in 0..<generator.below(5) {
            let name = names.remove(at: generator.below(names.count))
            members.append("\"\(name)\": \(schema(depth: depth - 1))")
            if chance(2) { required.append("\"\(name)\"") }
        }
        if !members.isEmpty || chance(2) { keywords.append("\"properties\": {\(members.joined(separator: ", "))}") }
        if !required.isEmpty { keywords.append("\"required\": [\(required.joined(separator: ", "))]") }
        switch generator.below(4) {
        case 0: keywords.append("\"additionalProperties\": \(schema(depth: 0))")
        case 1, 2: keywords.append("\"additionalProperties\": false")
        default: break
        }
        return "{\(keywords.joined(separator: ", "))}"
    }

    private mutating func array(depth: Int) -> String {
        var keywords = ["\"type\": \"array\""]
        let least = generator.below(3)
        if chance(3) {
            let first = (0...generator.below(2)).map { _ in schema(depth: depth - 1) }
            keywords.append("\"prefixItems\": [\(first.joined(separator: ", "))]")
        }
        if !chance(5) { keywords.append("\"items\": \(schema(depth: depth - 1))") }
        if chance(2) { keywords.append("\"minItems\": \(least)") }
        if !chance(4) { keywords.append("\"maxItems\": \(least + generator.below(4))") }
        return "{\(keywords.joined(separator: ", "))}"
    }

    private mutating func choice(depth: Int) -> String {
        switch generator.below(3) {
        case 0:
            let branches = (0...generator.below(3)).map { _ in schema(depth: depth - 1) }
            return "{\"anyOf\": [\(branches.joined(separator: ", "))]}"
        case 1:
            return """
                {"oneOf": [{"type": "string", "maxLength": 4}, {"type": "integer", "minimum": 3}, \
                {"type": "integer", "maximum": 2}, {"type": "null"}]}
                """
        default:
            // Told apart by a member, as most schemas in use do.
            let branches = ["cat", "dog", "eel"].map {
                """
                {"type": "object", "properties": {"kind": {"const": "\($0)"}, "data": \(schema(depth: depth - 1))}, \
                "required": ["kind"], "additionalProperties": false}
                """
            }
            return "{\"oneOf\": [\(branches.joined(separator: ", "))]}"
        }
    }

    private mutating func combined(depth: Int) -> String {
        switch generator.below(3) {
        case 0:
            return """
                {"allOf": [{"type": "object", "properties": {"a": {"type": "integer", "minimum": 0}}, "required": ["a"]}, \
                {"properties": {"a": {"maximum": 50}, "b": \(schema(depth: depth - 1))}}]}
                """
        case 1:
            return """
                {"type": "object", "properties": {"x": \(scalar()), "y": \(scalar())}, "additionalProperties": false, \
                "anyOf": [{"required": ["x"]}, {"required": ["y"]}]}
                """
        default:
            return "{\"type\": \"integer\", \"minimum\": 1, \"allOf\": [{\"maximum\": 9}, {\"enum\": [0, 3, 7, 12]}]}"
        }
    }
}
