/// What schemas that all apply say together.
struct SchemaFacts {
    enum Kind: String, CaseIterable, Sendable {
        case null, boolean, number, string, array, object
    }

    /// What the schemas say of objects' members or arrays' elements.
    private let parts: [SchemaPart]

    /// The kinds of values that are valid.
    private(set) var kinds = Set(Kind.allCases)
    /// The kinds that are generated: without a `type`, those that the other keywords speak of.
    private(set) var wanted: Set<Kind> = []
    /// Whether numbers must be whole.
    private(set) var isWhole = false
    /// Whether the schemas say nothing but `type`.
    private(set) var saysNothing = true
    /// The only valid values, each in its canonical form and as it was written.
    private(set) var values: [(canonical: JSONText, written: JSONText)]?
    /// Where `values` stand.
    private(set) var valuesPart: SchemaPart?
    private(set) var range = NumberRange()
    private(set) var lengths: (least: Int, most: Int?) = (0, nil)
    private(set) var counts: (least: Int, most: Int?) = (0, nil)
    private(set) var memberCounts: (least: Int, most: Int?) = (0, nil)
    private(set) var patterns: [SchemaPart] = []
    private(set) var formats: [SchemaPart] = []
    private(set) var required: [String] = []
    /// The names of `properties`, in the order of the schemas.
    private(set) var names: [String] = []
    private var known: Set<String> = []
    private var requiredNames: Set<String> = []
    private(set) var memberLimits: [SchemaPart] = []

    private static let kindOfKeyword: [String: Kind] = [
        "minimum": .number, "maximum": .number, "exclusiveMinimum": .number, "exclusiveMaximum": .number,
        "multipleOf": .number, "minLength": .string, "maxLength": .string, "pattern": .string, "format": .string,
        "items": .array, "prefixItems": .array, "minItems": .array, "maxItems": .array, "additionalItems": .array,
        "properties": .object, "required": .object, "additionalProperties": .object, "minProperties": .object,
        "maxProperties": .object,
    ]

    init(_ parts: [SchemaPart]) throws(GrammarError) {
        self.parts = parts
        var hasType = false
        for part in parts {
            for (name, value) in try part.members() {
                if let kind = Self.kindOfKeyword[name] {
                    wanted.insert(kind)
                    saysNothing = false
                }
                if name == "type" { hasType = true }
                try read(name, value, of: part)
            }
        }
        wanted = hasType || wanted.isEmpty ? kinds : wanted.intersection(kinds)
    }

    private mutating func read(_ name: String, _ value: SchemaPart, of part: SchemaPart) throws(GrammarError) {
        switch name {
        case "type": try readType(value)
        case "enum":
            guard case .array(let values) = value.value else { throw value.invalid("it should be an array") }
            restrict(to: values, value)
        case "const": restrict(to: [value.value], value)
        case "minimum": range.raise(to: .init(value: try value.number(), isOpen: false))
        case "maximum": range.lower(to: .init(value: try value.number(), isOpen: false))
        case "exclusiveMinimum": range.raise(to: try openBound(value))
        case "exclusiveMaximum": range.lower(to: try openBound(value))
        case "multipleOf":
            guard try value.number() == Decimal10(1) else { throw value.unsupported("multipleOf") }
            isWhole = true
        case "minLength": lengths.least = max(lengths.least, try value.count())
        case "maxLength": lengths.most = min(lengths.most ?? .max, try value.count())
        case "minItems": counts.least = max(counts.least, try value.count())
        case "maxItems": counts.most = min(counts.most ?? .max, try value.count())
        case "minProperties", "maxProperties":
            let count = try value.count()
            memberLimits.append(value)
            if name == "minProperties" { memberCounts.least = max(memberCounts.least, count) }
            if name == "maxProperties" { memberCounts.most = min(memberCounts.most ?? .max, count) }
        case "pattern":
            let text = try value.string()
            if !patterns.contains(where: { $0.value == .string(text) }) { patterns.append(value) }
        case "format":
            let text = try value.string()
            guard !StringFormats.annotations.contains(text) else { return }
            if !formats.contains(where: { $0.value == .string(text) }) { formats.append(value) }
        case "properties":
            for (name, _) in try value.members() where known.insert(name).inserted { names.append(name) }
        case "required":
            for name in try value.strings() where requiredNames.insert(name).inserted { required.append(name) }
        case "$ref": _ = try value.string()
        default: break
        }
    }

    private func openBound(_ value: SchemaPart) throws(GrammarError) -> NumberRange.Bound {
        let number = try value.number()
        guard number.whole.count + number.fraction.count <= NumberRange.precision else {
            throw value.unsupported("an open bound of more than \(NumberRange.precision) digits")
        }
        return NumberRange.Bound(value: number, isOpen: true)
    }

    private mutating func readType(_ value: SchemaPart) throws(GrammarError) {
        let names: [String]
        if case .string(let name) = value.value { names = [name] } else { names = try value.strings() }
        var allowed: Set<Kind> = []
        for name in names {
            guard let kind = name == "integer" ? Kind.number : Kind(rawValue: name) else {
                throw value.invalid("\(name) is no type")
            }
            allowed.insert(kind)
        }
        if names.contains("integer"), !names.contains("number") { isWhole = true }
        kinds.formIntersection(allowed)
    }

    private mutating func restrict(to allowed: [JSONText], _ part: SchemaPart) {
        valuesPart = part
        let allowed = allowed.map { (canonical: $0.canonical, written: $0) }
        guard let values else {
            self.values = allowed
            return
        }
        let known = Set(allowed.map(\.canonical))
        self.values = values.filter { known.contains($0.canonical) }
    }

    // MARK: Members and elements

    /// Whether there must be a member of this name.
    func requires(_ name: String) -> Bool { requiredNames.contains(name) }

    /// Whether `properties` has this name.
    func names(_ name: String) -> Bool { known.contains(name) }

    /// The schemas of the member of this name.
    func member(_ name: String) -> [SchemaPart] {
        parts.compactMap { part in
            part.child("properties")?.child(name) ?? part.child("additionalProperties")
        }
    }

    /// The schemas of members that are not named, or `nil` when such are not generated.
    var rest: [SchemaPart]? {
        let rest = parts.compactMap { $0.child("additionalProperties") }
        return rest.isEmpty && !names.isEmpty ? nil : rest
    }

    /// The number of elements that have schemas of their own.
    func prefix() throws(GrammarError) -> Int {
        var count = 0
        for part in parts { count = max(count, try Self.first(part).count) }
        return count
    }

    /// The schemas of the element at an index; beyond `prefix` all are the same.
    func element(_ index: Int) throws(GrammarError) -> [SchemaPart] {
        var schemas: [SchemaPart] = []
        for part in parts {
            let first = try Self.first(part)
            if index < first.count {
                schemas.append(first[index])
            } else if case .array? = part.value["items"] {
                if let rest = part.child("additionalItems") { schemas.append(rest) }
            } else if let rest = part.child("items") {
                schemas.append(rest)
            }
        }
        return schemas
    }

    /// `prefixItems`, which draft 7 writes as a list of `items`.
    private static func first(_ part: SchemaPart) throws(GrammarError) -> [SchemaPart] {
        if let prefix = part.child("prefixItems") { return try prefix.elements() }
        if let items = part.child("items"), case .array = items.value { return try items.elements() }
        return []
    }
}
