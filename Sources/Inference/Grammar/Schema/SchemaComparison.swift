/// Judges what can be said for certain of schemas: whether a value is valid, and whether two have a value in common.
struct SchemaComparison {
    private static let depthLimit = 8

    private var resolver: SchemaResolver

    init(_ resolver: SchemaResolver) { self.resolver = resolver }

    private mutating func ways(_ parts: [SchemaPart]) throws(GrammarError) -> [SchemaResolver.Conjunction] {
        try resolver.alternatives(parts) { _, _, _ in }
    }

    /// Whether no value that is generated for `way` is valid for `part`, for certain.
    mutating func excludes(_ way: SchemaResolver.Conjunction, _ part: SchemaPart) throws(GrammarError) -> Bool {
        try excludes(way, [part], depth: 0)
    }

    private mutating func excludes(
        _ way: SchemaResolver.Conjunction,
        _ parts: [SchemaPart],
        depth: Int
    ) throws(GrammarError) -> Bool {
        guard depth < Self.depthLimit else { return false }
        let facts = try SchemaFacts(way)
        for other in try ways(parts) where !(try excludes(facts, SchemaFacts(other), depth: depth)) { return false }
        return true
    }

    private mutating func excludesAll(
        _ parts: [SchemaPart],
        _ others: [SchemaPart],
        depth: Int
    ) throws(GrammarError) -> Bool {
        guard depth < Self.depthLimit else { return false }
        for way in try ways(parts) where !(try excludes(way, others, depth: depth)) { return false }
        return true
    }

    private mutating func excludes(
        _ facts: SchemaFacts,
        _ other: SchemaFacts,
        depth: Int
    ) throws(GrammarError) -> Bool {
        if let values = facts.values {
            for value in values {
                if try isValid(value.canonical, facts) == false { continue }
                if try isValid(value.canonical, other) != false { return false }
            }
            return true
        }
        if let values = other.values {
            for value in values {
                if try isValid(value.canonical, other) == false { continue }
                if try isValid(value.canonical, facts) != false { return false }
            }
            return true
        }
        for kind in facts.wanted where other.kinds.contains(kind) {
            guard try excludes(facts, other, kind, depth: depth) else { return false }
        }
        return true
    }

    private mutating func excludes(
        _ facts: SchemaFacts,
        _ other: SchemaFacts,
        _ kind: SchemaFacts.Kind,
        depth: Int
    ) throws(GrammarError) -> Bool {
        func apart(_ one: (least: Int, most: Int?), _ two: (least: Int, most: Int?)) -> Bool {
            one.most ?? .max < two.least || two.most ?? .max < one.least
        }
        switch kind {
        case .null, .boolean: return false
        case .number: return facts.range.isApart(from: other.range)
        case .string: return apart(facts.lengths, other.lengths)
        case .array:
            if apart(facts.counts, other.counts) { return true }
            for index in 0..<min(facts.counts.least, 16)
            where try excludesAll(facts.element(index), other.element(index), depth: depth + 1) {
                return true
            }
            return false
        case .object:
            // A member that the other asks for and that is never generated.
            if facts.rest == nil, other.required.contains(where: { !facts.names($0) && !facts.requires($0) }) {
                return true
            }
            for name in facts.required where try excludesAll(facts.member(name), other.member(name), depth: depth + 1) {
                return true
            }
            return false
        }
    }

    /// Whether a value is valid; `nil` when that is hard to say.
    mutating func isValid(_ value: JSONText, _ facts: SchemaFacts) throws(GrammarError) -> Bool? {
        if let values = facts.values, !values.contains(where: { $0.canonical == value }) { return false }
        switch value {
        case .null: return facts.kinds.contains(.null)
        case .bool: return facts.kinds.contains(.boolean)
        case .number(let number):
            return facts.kinds.contains(.number) && (number.isWhole || !facts.isWhole) && facts.range.contains(number)
        case .string(let text):
            let length = text.unicodeScalars.count
            guard facts.kinds.contains(.string), facts.lengths.least <= length,
                length <= facts.lengths.most ?? .max
            else { return false }
            return facts.patterns.isEmpty && facts.formats.isEmpty ? true : nil
        case .array(let values):
            guard facts.kinds.contains(.array), facts.counts.least <= values.count,
                values.count <= facts.counts.most ?? .max
            else { return false }
            var isCertain = true
            for (index, value) in values.enumerated() {
                guard let answer = try isValid(value, facts.element(index)) else {
                    isCertain = false
                    continue
                }
                guard answer else { return false }
            }
            return isCertain ? true : nil
        case .object(let members):
            let names = Set(members.map(\.name))
            guard facts.kinds.contains(.object), facts.required.allSatisfy(names.contains),
                facts.memberCounts.least <= names.count, names.count <= facts.memberCounts.most ?? .max
            else { return false }
            var isCertain = true
            for member in members {
                guard let answer = try isValid(member.value, facts.member(member.name)) else {
                    isCertain = false
                    continue
                }
                guard answer else { return false }
            }
            return isCertain ? true : nil
        }
    }

    private mutating func isValid(_ value: JSONText, _ parts: [SchemaPart]) throws(GrammarError) -> Bool? {
        var answer: Bool? = false
        for way in try ways(parts) {
            switch try isValid(value, SchemaFacts(way)) {
            case true: return true
            case nil: answer = nil
            case false: break
            }
        }
        return answer
    }
}
