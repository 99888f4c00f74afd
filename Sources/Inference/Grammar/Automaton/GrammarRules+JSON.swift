/// What all JSON texts have in common.
extension GrammarRules {
    /// Nothing, a space, or a line's end with an indentation: bounded, so that it is not said for ever.
    mutating func space() -> GrammarNode {
        .rule(
            shared("space") { _ in
                let indentation = GrammarNode.repeated(.characters(ScalarSet(" \t")), least: 0, most: 24)
                return .choice([.empty, .text(" "), .sequence([.text("\n"), indentation])])
            }
        )
    }

    /// Any JSON value.
    mutating func jsonValue() -> GrammarNode {
        .rule(
            shared("value") { rules in
                let value = rules.jsonValue()
                return .choice([
                    .rule(rules.jsonObject(value)), rules.jsonArray(value), JSONNodes.string(), JSONNodes.number,
                    .text("true"), .text("false"), .text("null"),
                ])
            }
        )
    }

    /// The rule of any JSON object with values like `value`.
    mutating func jsonObject(_ value: GrammarNode) -> Int {
        shared("object") { rules in
            let member = GrammarNode.sequence([JSONNodes.string(), .text(":"), rules.space(), value])
            return rules.object([], rest: member)
        }
    }

    private mutating func jsonArray(_ value: GrammarNode) -> GrammarNode {
        .rule(shared("array") { rules in rules.list("[", "]", [], rest: value, mayBeEmpty: true) })
    }

    /// An object of these members, at least those that are required.
    mutating func object(_ members: [GrammarNode.Member], rest: GrammarNode?) -> GrammarNode {
        list("{", "}", members, rest: rest, mayBeEmpty: !members.contains(where: \.isRequired))
    }

    private mutating func list(
        _ start: String,
        _ end: String,
        _ members: [GrammarNode.Member],
        rest: GrammarNode?,
        mayBeEmpty: Bool
    ) -> GrammarNode {
        let space = space()
        let separator = GrammarNode.sequence([.text(","), space])
        let filled = GrammarNode.sequence([.members(members, rest: rest, separator: separator), space])
        return .sequence([.text(start), space, mayBeEmpty ? .optional(filled) : filled, .text(end)])
    }

    /// An array whose elements are `first`, then up to `most` in all like `rest`; at least `least`.
    mutating func array(_ first: [GrammarNode], rest: GrammarNode?, least: Int, most: Int?) -> GrammarNode {
        let space = space()
        let separator = GrammarNode.sequence([.text(","), space])
        func following(_ node: GrammarNode) -> GrammarNode { .sequence([separator, node]) }
        let limit = most ?? .max
        var head = Array(first.prefix(limit))
        if head.isEmpty, limit > 0, let rest { head = [rest] }
        var tail = GrammarNode.empty
        if limit > head.count, let rest {
            tail = .repeated(following(rest), least: max(0, least - head.count), most: most.map { $0 - head.count })
        } else if least > head.count {
            return .never
        }
        // From the last element to the first: each may be followed by what comes after it.
        for (index, node) in head.enumerated().reversed() {
            let step = GrammarNode.sequence([index == 0 ? node : following(node), tail])
            tail = index < least ? step : .optional(step)
        }
        return .sequence([.text("["), space, tail, space, .text("]")])
    }
}

/// JSON's strings and numbers.
enum JSONNodes {
    /// What a string may hold unescaped.
    static let plain = ScalarSet("\"\\").union(ScalarSet([0...0x1F])).inverted

    /// One character of a string, in any spelling that means a whole scalar: a pair of surrogates is one.
    static let character: GrammarNode = {
        let hex = ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66])
        let digit = GrammarNode.characters(hex)
        func one(_ text: String) -> GrammarNode { .characters(ScalarSet(text)) }
        let unpaired = GrammarNode.choice([
            .sequence([.characters(hex.subtracting(ScalarSet("dD"))), digit, digit, digit]),
            .sequence([one("dD"), one("01234567"), digit, digit]),
        ])
        let paired = GrammarNode.sequence([
            one("dD"), one("89abAB"), digit, digit, .text("\\u"), one("dD"), one("cdefCDEF"), digit, digit,
        ])
        return .choice([
            .characters(plain),
            .sequence([
                .text("\\"), .choice([one("\"\\/bfnrt"), .sequence([.text("u"), .choice([unpaired, paired])])]),
            ]),
        ])
    }()

    /// A string of this many characters.
    static func string(least: Int = 0, most: Int? = nil) -> GrammarNode {
        .sequence([.text("\""), .repeated(character, least: least, most: most), .text("\"")])
    }

    /// Any number that a double holds: at most 16 digits before the point and an exponent of two digits.
    static let number: GrammarNode = {
        let digit = GrammarNode.characters(ScalarSet([0x30...0x39]))
        let fraction = GrammarNode.sequence([.text("."), .repeated(digit, least: 1, most: 16)])
        let exponent = GrammarNode.sequence([
            .characters(ScalarSet("eE")), .optional(.characters(ScalarSet("+-"))), .repeated(digit, least: 1, most: 2),
        ])
        return .sequence([.optional(.text("-")), whole, .optional(fraction), .optional(exponent)])
    }()

    /// A whole number without a sign, of at most 16 digits.
    static let whole = GrammarNode.choice([
        .text("0"),
        .sequence([
            .characters(ScalarSet([0x31...0x39])),
            .repeated(.characters(ScalarSet([0x30...0x39])), least: 0, most: 15),
        ]),
    ])

    /// The JSON text of a string, escaped in one way only.
    static func quoted(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = [0x22]
        for scalar in text.unicodeScalars { bytes += escaped(scalar) }
        return bytes + [0x22]
    }

    /// A character of a string as it stands in JSON, in one way only.
    static func escaped(_ scalar: Unicode.Scalar) -> [UInt8] {
        switch scalar {
        case "\"": return Array("\\\"".utf8)
        case "\\": return Array("\\\\".utf8)
        case "\n": return Array("\\n".utf8)
        case "\r": return Array("\\r".utf8)
        case "\t": return Array("\\t".utf8)
        case "\0"..."\u{1F}":
            let digits = Array("0123456789abcdef".utf8)
            return Array("\\u00".utf8) + [digits[Int(scalar.value >> 4)], digits[Int(scalar.value & 15)]]
        default: return Array(String(scalar).utf8)
        }
    }

    /// The JSON texts of strings, from an expression over their characters.
    static func escaped(_ node: GrammarNode) -> GrammarNode {
        switch node {
        case .characters(let set):
            let special = set.subtracting(plain)
            let spelled = special.ranges.flatMap { range in
                range.compactMap { Unicode.Scalar($0).map { GrammarNode.literal(escaped($0)) } }
            }
            return .choice([.characters(set.intersection(plain))] + spelled)
        case .literal(let bytes):
            return .literal(Array(quoted(String(decoding: bytes, as: UTF8.self)).dropFirst().dropLast()))
        case .sequence(let nodes): return .sequence(nodes.map(escaped))
        case .choice(let nodes): return .choice(nodes.map(escaped))
        case .repeated(let node, let least, let most): return .repeated(escaped(node), least: least, most: most)
        case .never, .rule, .members: return node
        }
    }
}
