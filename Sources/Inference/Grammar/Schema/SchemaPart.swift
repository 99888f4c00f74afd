/// A schema, or a subschema, where it stands in the document.
struct SchemaPart: Sendable {
    let value: JSONText
    /// RFC 6901.
    let pointer: String

    /// The subschema or value at `name` of an object.
    func child(_ name: String) -> SchemaPart? {
        value[name].map { SchemaPart(value: $0, pointer: "\(pointer)/\(Self.escaped(name))") }
    }

    /// The schemas of an array.
    func elements() throws(GrammarError) -> [SchemaPart] {
        guard case .array(let values) = value else { throw invalid("it should be an array") }
        return values.enumerated().map { SchemaPart(value: $0.element, pointer: "\(pointer)/\($0.offset)") }
    }

    /// The members of an object.
    func members() throws(GrammarError) -> [(name: String, part: SchemaPart)] {
        guard case .object(let members) = value else { throw invalid("it should be an object") }
        return members.map { ($0.name, SchemaPart(value: $0.value, pointer: "\(pointer)/\(Self.escaped($0.name))")) }
    }

    /// The value as text.
    func string() throws(GrammarError) -> String {
        guard case .string(let text) = value else { throw invalid("it should be a string") }
        return text
    }

    /// The value as a number.
    func number() throws(GrammarError) -> Decimal10 {
        guard case .number(let number) = value else { throw invalid("it should be a number") }
        return number
    }

    /// The value as a count.
    func count() throws(GrammarError) -> Int {
        guard let count = try number().count else { throw invalid("it should be a whole number from 0 to 999999999") }
        return count
    }

    /// The value as a list of texts.
    func strings() throws(GrammarError) -> [String] {
        var strings: [String] = []
        for element in try elements() { strings.append(try element.string()) }
        return strings
    }

    func invalid(_ reason: String) -> GrammarError { .invalid(pointer: pointer, reason: reason) }
    func unsupported(_ reason: String) -> GrammarError { .unsupported(pointer: pointer, reason: reason) }

    private static func escaped(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Follows references, and takes schemas that apply at one place apart into alternatives.
struct SchemaResolver {
    /// Schemas that all apply, and are without references and alternatives of their own.
    typealias Conjunction = [SchemaPart]

    /// The most alternatives that one place may have.
    private static let alternativeLimit = 512
    private static let depthLimit = 24
    /// The most branches that are looked at in all.
    private static let stepLimit = 1 << 16

    private let root: SchemaPart
    /// Places that were found to use known keywords only.
    private var checked: Set<String> = []
    private var steps = 0

    init(_ document: JSONText) { root = SchemaPart(value: document, pointer: "") }

    private struct Disjunction {
        let branches: [SchemaPart]
        let pointer: String
        let isExclusive: Bool
    }

    private struct Flat {
        var parts: Conjunction = []
        var disjunctions: [Disjunction] = []
        var isImpossible = false
    }

    /// The ways to satisfy all of `parts`; none when that is impossible.
    ///
    /// Of `oneOf`, it answers the branches as if they were `anyOf`, with pairs to be checked: what is generated for the
    /// first must not be valid for the second.
    mutating func alternatives(
        _ parts: [SchemaPart],
        check: (Conjunction, SchemaPart, inout SchemaResolver) throws(GrammarError) -> Void
    ) throws(GrammarError) -> [Conjunction] {
        let flat = try flatten(parts)
        guard !flat.isImpossible else { return [] }
        return try expand(flat.parts, flat.disjunctions[...], depth: 0, check: check)
    }

    private mutating func expand(
        _ parts: Conjunction,
        _ disjunctions: ArraySlice<Disjunction>,
        depth: Int,
        check: (Conjunction, SchemaPart, inout SchemaResolver) throws(GrammarError) -> Void
    ) throws(GrammarError) -> [Conjunction] {
        guard let first = disjunctions.first else { return [parts] }
        guard depth < Self.depthLimit else {
            throw .tooLarge(what: "alternatives within one another at \(first.pointer)", limit: Self.depthLimit)
        }
        var all: [Conjunction] = []
        for (index, branch) in first.branches.enumerated() {
            try count()
            let flat = try flatten([branch])
            guard !flat.isImpossible else { continue }
            let ways = try expand(
                parts + flat.parts,
                (flat.disjunctions + disjunctions.dropFirst())[...],
                depth: depth + 1,
                check: check
            )
            if first.isExclusive {
                for (other, part) in first.branches.enumerated() where other != index {
                    for way in ways {
                        try count()
                        try check(way, part, &self)
                    }
                }
            }
            all += ways
            guard all.count <= Self.alternativeLimit else {
                throw .tooLarge(what: "alternatives at \(first.pointer)", limit: Self.alternativeLimit)
            }
        }
        return all
    }

    private mutating func count() throws(GrammarError) {
        steps += 1
        guard steps <= Self.stepLimit else { throw .tooLarge(what: "alternatives", limit: Self.stepLimit) }
    }

    private mutating func flatten(_ parts: [SchemaPart]) throws(GrammarError) -> Flat {
        var flat = Flat()
        var queue = parts
        var seen: Set<String> = []
        var place = 0
        while place < queue.count {
            let part = queue[place]
            place += 1
            guard seen.insert(part.pointer).inserted else { continue }
            switch part.value {
            case .bool(true): continue
            case .bool(false): flat.isImpossible = true
            case .object:
                try checkKeywords(part)
                if let reference = part.child("$ref") { queue.append(try target(of: reference)) }
                if let all = part.child("allOf") { queue += try all.elements() }
                for keyword in ["anyOf", "oneOf"] {
                    guard let choice = part.child(keyword) else { continue }
                    let branches = try choice.elements()
                    guard !branches.isEmpty else { throw choice.invalid("it should not be empty") }
                    let isExclusive = keyword == "oneOf" && branches.count > 1
                    flat.disjunctions.append(
                        Disjunction(branches: branches, pointer: choice.pointer, isExclusive: isExclusive)
                    )
                }
                flat.parts.append(part)
            default: throw part.invalid("a schema is an object, true or false")
            }
        }
        return flat
    }

    private func target(of reference: SchemaPart) throws(GrammarError) -> SchemaPart {
        let text = try reference.string()
        guard text.first == "#" else { throw reference.unsupported("a reference to another document") }
        guard let path = Self.decoded(text.dropFirst()) else { throw reference.invalid("it is no reference") }
        guard path.isEmpty || path.first == "/" else { throw reference.unsupported("a reference to an anchor") }
        var part = root
        for step in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = String(step).replacing("~1", with: "/").replacing("~0", with: "~")
            var next = part.child(name)
            if case .array(let values) = part.value, let index = Int(name), values.indices.contains(index) {
                next = SchemaPart(value: values[index], pointer: "\(part.pointer)/\(index)")
            }
            guard let next else { throw reference.invalid("\(text) is not in the schema") }
            part = next
        }
        return part
    }

    /// The text of a URI's fragment.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    // MARK: Keywords

    /// Keywords that ask for what cannot be enforced, unless they have the value that asks for nothing.
    private static let refused: [String: JSONText?] = [
        "not": nil, "if": nil, "then": nil, "else": nil, "patternProperties": .object([]), "propertyNames": .bool(true),
        "dependentRequired": .object([]), "dependentSchemas": .object([]), "dependencies": .object([]),
        "contains": nil, "minContains": nil, "maxContains": nil, "unevaluatedItems": .bool(true),
        "unevaluatedProperties": .bool(true), "$dynamicRef": nil, "$recursiveRef": nil, "nullable": .bool(false),
        "uniqueItems": .bool(false), "extends": nil, "disallow": nil, "divisibleBy": nil,
    ]

    private mutating func checkKeywords(_ part: SchemaPart) throws(GrammarError) {
        guard checked.insert(part.pointer).inserted else { return }
        for (name, value) in try part.members() {
            guard let harmless = Self.refused[name], value.value != harmless else { continue }
            if name == "uniqueItems", let most = part.child("maxItems"), try most.count() <= 1 { continue }
            throw .unsupported(pointer: value.pointer, reason: name)
        }
    }
}
