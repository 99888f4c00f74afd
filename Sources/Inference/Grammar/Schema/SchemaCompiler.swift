/// Makes a grammar of the JSON texts that are valid under a schema.
struct SchemaCompiler {
    /// The most places of a schema that are looked at.
    private static let placeLimit = 1 << 14
    /// The most schemas within one another.
    private static let depthLimit = 64
    /// The most elements that have schemas of their own, and the most members.
    private static let listLimit = 128
    private static let memberLimit = 2048
    /// What is generated where a schema allows more: a bound on the grammar's size.
    private static let longestString = 8192
    private static let longestArray = 4096

    private var resolver: SchemaResolver
    private var rules: GrammarRules
    /// The rules of schemas that are referred to.
    private var known: [[String]: Int] = [:]
    private var places = 0
    private var depth = 0

    /// The rules of a schema.
    static func compile(_ text: String) throws(GrammarError) -> GrammarRules {
        var rules = GrammarRules()
        rules.define(GrammarRules.root, try node(of: text, in: &rules))
        return rules
    }

    /// A schema's part of a larger grammar; the rules are as they were if it throws.
    static func node(of text: String, in rules: inout GrammarRules) throws(GrammarError) -> GrammarNode {
        let document = try JSONReader.read(text)
        var compiler = SchemaCompiler(resolver: SchemaResolver(document), rules: rules)
        let node = try compiler.node([SchemaPart(value: document, pointer: "")])
        rules = compiler.rules
        return node
    }

    private init(resolver: SchemaResolver, rules: GrammarRules) {
        self.resolver = resolver
        self.rules = rules
    }

    private mutating func node(_ parts: [SchemaPart]) throws(GrammarError) -> GrammarNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw .tooLarge(what: "schemas within one another", limit: Self.depthLimit)
        }
        let ways = try resolver.alternatives(parts) { way, other, resolver throws(GrammarError) in
            var comparison = SchemaComparison(resolver)
            guard try comparison.excludes(way, other) else {
                throw other.unsupported("a branch of oneOf that may overlap with another")
            }
        }
        var nodes: [GrammarNode] = []
        for way in ways { nodes.append(try node(ofAll: way, isReferred: way.count > 1)) }
        return nodes.count == 1 ? nodes[0] : .choice(nodes)
    }

    /// The node of schemas without alternatives; a rule if they may be met again.
    private mutating func node(ofAll parts: [SchemaPart], isReferred: Bool) throws(GrammarError) -> GrammarNode {
        // What refers and says nothing itself does not count, so that what is referred to is met again.
        let speaking = parts.filter { part in
            guard case .object(let members) = part.value else { return true }
            return members.contains { Self.constraints.contains($0.name) }
        }
        guard isReferred, !speaking.isEmpty else { return try plain(speaking) }
        let key = Set(speaking.map(\.pointer)).sorted()
        if let rule = known[key] { return .rule(rule) }
        let rule = rules.add(key.joined(separator: " & "))
        known[key] = rule
        let node = try plain(speaking)
        rules.define(rule, node)
        return .rule(rule)
    }

    /// Keywords that say something about values by themselves.
    private static let constraints: Set<String> = [
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "format", "items", "prefixItems", "minItems", "maxItems",
        "additionalItems", "properties", "required", "additionalProperties", "minProperties", "maxProperties",
    ]

    private mutating func plain(_ parts: [SchemaPart]) throws(GrammarError) -> GrammarNode {
        places += 1
        guard places <= Self.placeLimit else { throw .tooLarge(what: "schemas", limit: Self.placeLimit) }
        let facts = try SchemaFacts(parts)
        if let values = facts.values { return try literals(values, facts) }
        guard !facts.saysNothing || facts.wanted.count < SchemaFacts.Kind.allCases.count || facts.isWhole else {
            return rules.jsonValue()
        }
        var nodes: [GrammarNode] = []
        for kind in SchemaFacts.Kind.allCases where facts.wanted.contains(kind) {
            switch kind {
            case .null: nodes.append(.text("null"))
            case .boolean: nodes += [.text("true"), .text("false")]
            case .number: nodes.append(facts.isWhole ? facts.range.integers : facts.range.numbers)
            case .string: nodes.append(try string(facts))
            case .array: nodes.append(try array(facts))
            case .object: nodes.append(try object(facts))
            }
        }
        return .choice(nodes)
    }

    private func literals(
        _ values: [(canonical: JSONText, written: JSONText)],
        _ facts: SchemaFacts
    ) throws(GrammarError) -> GrammarNode {
        var comparison = SchemaComparison(resolver)
        var nodes: [GrammarNode] = []
        for value in values {
            switch try comparison.isValid(value.canonical, facts) {
            case true: nodes.append(.literal(value.written.bytes))
            case false: break
            case nil:
                let pointer = facts.valuesPart?.pointer ?? ""
                throw .unsupported(pointer: pointer, reason: "a list of values beside a pattern or a format")
            }
        }
        return .choice(nodes)
    }

    // MARK: Strings

    private func string(_ facts: SchemaFacts) throws(GrammarError) -> GrammarNode {
        let lengths = facts.lengths
        if let most = lengths.most, most < lengths.least { return .never }
        var languages: [(node: GrammarNode, part: SchemaPart)] = []
        for part in facts.patterns {
            languages.append((try PatternParser.parse(try part.string(), pointer: part.pointer), part))
        }
        for part in facts.formats {
            guard let node = try StringFormats.node(try part.string(), pointer: part.pointer) else {
                throw part.unsupported("the format \(try part.string())")
            }
            languages.append((node, part))
        }
        guard let (node, part) = languages.first else {
            let most = lengths.most.map { min($0, max(lengths.least, Self.longestString)) }
            return JSONNodes.string(least: lengths.least, most: most)
        }
        guard languages.count == 1 else { throw part.unsupported("a pattern or format beside another one") }
        guard let fitting = Self.fitting(node, lengths) else {
            throw part.unsupported("a length beside a pattern or format that has other lengths too")
        }
        return .sequence([.text("\""), JSONNodes.escaped(fitting), .text("\"")])
    }

    /// The texts of `node` that have these lengths, if that is simple to say.
    private static func fitting(_ node: GrammarNode, _ lengths: (least: Int, most: Int?)) -> GrammarNode? {
        let own = node.lengths
        if own.least >= lengths.least, own.most ?? .max <= lengths.most ?? .max { return node }
        switch node {
        case .repeated(.characters(let set), let least, let most):
            let most = [most, lengths.most].compactMap(\.self).min()
            return .repeated(.characters(set), least: max(least, lengths.least), most: most)
        case .sequence(let nodes) where nodes.count == 1: return fitting(nodes[0], lengths)
        default: return nil
        }
    }

    // MARK: Arrays and objects

    private mutating func array(_ facts: SchemaFacts) throws(GrammarError) -> GrammarNode {
        let (least, given) = facts.counts
        if let given, given < least { return .never }
        let most = given.map { min($0, max(least, Self.longestArray)) }
        let prefix = min(try facts.prefix(), most ?? .max)
        guard prefix <= Self.listLimit else { throw .tooLarge(what: "prefixItems", limit: Self.listLimit) }
        var first: [GrammarNode] = []
        for index in 0..<prefix { first.append(try node(facts.element(index))) }
        let rest = prefix < most ?? .max ? try node(facts.element(prefix)) : nil
        return rules.array(first, rest: rest, least: least, most: most)
    }

    private mutating func object(_ facts: SchemaFacts) throws(GrammarError) -> GrammarNode {
        let names = facts.names + facts.required.filter { !facts.names($0) }
        guard names.count <= Self.memberLimit else { throw .tooLarge(what: "properties", limit: Self.memberLimit) }
        var members: [GrammarNode.Member] = []
        for name in names {
            let value = try node(facts.member(name))
            let key = GrammarNode.literal(JSONNodes.quoted(name) + [UInt8(ascii: ":")])
            members.append(
                .init(node: .sequence([key, rules.space(), value]), isRequired: facts.requires(name))
            )
        }
        var rest: GrammarNode?
        if let schemas = facts.rest {
            let value = try node(schemas)
            rest = value == .choice([]) ? nil : .sequence([try key(besides: names), .text(":"), rules.space(), value])
        }
        if let limit = facts.memberLimits.first {
            let required = facts.required.count
            if facts.memberCounts.most ?? .max < max(required, facts.memberCounts.least) { return .never }
            let isBounded = rest == nil && names.count <= facts.memberCounts.most ?? .max
            guard facts.memberCounts.least <= required, isBounded || facts.memberCounts.most == nil else {
                throw limit.unsupported("a number of properties that is not a matter of their names")
            }
        }
        return rules.object(members, rest: rest)
    }

    /// The keys that are none of `names`.
    private func key(besides names: [String]) throws(GrammarError) -> GrammarNode {
        guard !names.isEmpty else { return JSONNodes.string() }
        // Without escapes, so that no name can be spelled in another way.
        let spelled = names.map { Array($0.unicodeScalars) }.filter {
            $0.allSatisfy { JSONNodes.plain.contains($0.value) }
        }
        guard spelled.allSatisfy({ $0.count <= Self.listLimit }) else {
            throw .tooLarge(what: "characters in a name beside additionalProperties", limit: Self.listLimit)
        }
        return .sequence([.text("\""), Self.key(besides: spelled, at: 0)])
    }

    private static func key(besides names: [[Unicode.Scalar]], at offset: Int) -> GrammarNode {
        let tail = GrammarNode.sequence([.repeated(.characters(JSONNodes.plain), least: 0, most: nil), .text("\"")])
        guard !names.isEmpty else { return tail }
        var nodes: [GrammarNode] = []
        let longer = Dictionary(grouping: names.filter { $0.count > offset }) { $0[offset] }
        if !names.contains(where: { $0.count == offset }) { nodes.append(.text("\"")) }
        let others = JSONNodes.plain.subtracting(ScalarSet(longer.keys.map { $0.value...$0.value }))
        nodes.append(.sequence([.characters(others), tail]))
        for (scalar, names) in longer.sorted(by: { $0.key < $1.key }) {
            nodes.append(.sequence([.literal(Array(String(scalar).utf8)), key(besides: names, at: offset + 1)]))
        }
        return .choice(nodes)
    }
}
