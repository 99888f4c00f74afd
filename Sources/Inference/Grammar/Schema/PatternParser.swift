/// Reads a `pattern` of a schema: the part of ECMA-262's expressions that describes a regular language.
///
/// Literals, `.`, classes, `\d \w \s` and their opposites, groups, alternatives, repetition, and `^` and `$` at the ends of
/// the whole or of its alternatives. Lookaround, back references, `\b` and `\p` are refused.
struct PatternParser {
    private static let depthLimit = 48
    private static let repetitionLimit = 4096

    private let text: [Unicode.Scalar]
    private let pointer: String
    private var position = 0
    private var depth = 0

    /// The strings that have a match for `pattern`, as an expression over their characters.
    static func parse(_ pattern: String, pointer: String) throws(GrammarError) -> GrammarNode {
        var parser = PatternParser(text: Array(pattern.unicodeScalars), pointer: pointer)
        var nodes = [try parser.anchored()]
        while parser.take("|") { nodes.append(try parser.anchored()) }
        guard parser.position == parser.text.count else { throw parser.fault("a parenthesis is not open") }
        return nodes.count == 1 ? nodes[0] : .choice(nodes)
    }

    private init(text: [Unicode.Scalar], pointer: String) {
        self.text = text
        self.pointer = pointer
    }

    private var peek: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private func fault(_ reason: String) -> GrammarError { .invalid(pointer: pointer, reason: reason) }

    private func refusal(_ what: String) -> GrammarError {
        .unsupported(pointer: pointer, reason: "\(what) in a pattern")
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    /// An alternative of the whole; without an anchor anything may stand at its side.
    private mutating func anchored() throws(GrammarError) -> GrammarNode {
        let anything = GrammarNode.repeated(.characters(.all), least: 0, most: nil)
        let isStart = take("^")
        let node = try sequence()
        let isEnd = take("$")
        guard peek == nil || peek == "|" || peek == ")" else { throw refusal("$ before the end") }
        return .sequence((isStart ? [] : [anything]) + [node] + (isEnd ? [] : [anything]))
    }

    private mutating func alternatives() throws(GrammarError) -> GrammarNode {
        var nodes = [try sequence()]
        while take("|") { nodes.append(try sequence()) }
        return nodes.count == 1 ? nodes[0] : .choice(nodes)
    }

    private mutating func sequence() throws(GrammarError) -> GrammarNode {
        var nodes: [GrammarNode] = []
        while let scalar = peek, scalar != "|", scalar != ")", scalar != "$" {
            let node = try atom()
            nodes.append(try repeated(node))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func atom() throws(GrammarError) -> GrammarNode {
        guard let scalar = peek else { throw fault("the pattern ends early") }
        position += 1
        switch scalar {
        case "(":
            depth += 1
            guard depth <= Self.depthLimit else {
                throw .tooLarge(what: "groups within one another", limit: Self.depthLimit)
            }
            if take("?") {
                guard take(":") else { throw refusal("a group that begins with (?") }
            }
            let node = try alternatives()
            if peek == "$" { throw refusal("$ before the end") }
            guard take(")") else { throw fault("a parenthesis is not closed") }
            depth -= 1
            return node
        case "[": return .characters(try characterClass())
        case ".": return .characters(Self.lineEnds.inverted)
        case "\\": return .characters(try escape(inClass: false))
        case "^": throw refusal("^ after the beginning")
        case "*", "+", "?", "{": throw fault("there is nothing to repeat")
        default: return .characters(ScalarSet([scalar.value...scalar.value]))
        }
    }

    private mutating func repeated(_ node: GrammarNode) throws(GrammarError) -> GrammarNode {
        let result: GrammarNode
        switch peek {
        case "?": result = .optional(node)
        case "*": result = .repeated(node, least: 0, most: nil)
        case "+": result = .repeated(node, least: 1, most: nil)
        case "{":
            position += 1
            let least = try count()
            var most: Int? = least
            if take(",") { most = peek == "}" ? nil : try count() }
            guard peek == "}" else { throw fault("} is missing") }
            if let most, most < least { throw fault("\(most) is less than \(least)") }
            result = .repeated(node, least: least, most: most)
        default: return node
        }
        position += 1
        // Which match is tried first makes no difference to whether there is one.
        _ = take("?")
        if let next = peek, "*+?{".unicodeScalars.contains(next) { throw fault("there is nothing to repeat") }
        return result
    }

    private mutating func count() throws(GrammarError) -> Int {
        let start = position
        var value = 0
        while let scalar = peek, scalar >= "0", scalar <= "9" {
            value = value * 10 + Int(scalar.value - 0x30)
            guard value <= Self.repetitionLimit else {
                throw .tooLarge(what: "repetitions", limit: Self.repetitionLimit)
            }
            position += 1
        }
        guard position > start else { throw fault("a number is missing") }
        return value
    }

    private mutating func characterClass() throws(GrammarError) -> ScalarSet {
        let isInverted = take("^")
        var set = ScalarSet([])
        while !take("]") {
            guard let scalar = peek else { throw fault("a bracket is not closed") }
            position += 1
            let low =
                scalar == "\\"
                ? try escape(inClass: true, isInverted: isInverted) : ScalarSet([scalar.value...scalar.value])
            guard peek == "-", position + 1 < text.count, text[position + 1] != "]" else {
                set = set.union(low)
                continue
            }
            position += 1
            let end = text[position]
            position += 1
            let high =
                end == "\\" ? try escape(inClass: true, isInverted: isInverted) : ScalarSet([end.value...end.value])
            guard let first = low.ranges.first, low.ranges.count == 1, first.count == 1, let last = high.ranges.first,
                high.ranges.count == 1, last.count == 1, first.lowerBound <= last.lowerBound
            else { throw fault("a range goes backwards, or has a class at its end") }
            set = set.union(ScalarSet([first.lowerBound...last.lowerBound]))
        }
        return isInverted ? set.inverted : set
    }

    private static let digits = ScalarSet([0x30...0x39])
    private static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    /// White space in every dialect of expressions, and in any: a string should match whoever reads the schema.
    private static let surelySpace = ScalarSet([0x09...0x0D, 0x20...0x20])
    private static let maybeSpace = ScalarSet([
        0x09...0x0D, 0x1C...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x180E...0x180E, 0x2000...0x200B,
        0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// What some dialect takes for the end of a line.
    private static let lineEnds = ScalarSet([0x0A...0x0D, 0x85...0x85, 0x2028...0x2029])

    private mutating func escape(inClass: Bool, isInverted: Bool = false) throws(GrammarError) -> ScalarSet {
        guard let kind = peek else { throw fault("the pattern ends after \\") }
        position += 1
        switch kind {
        case "d": return Self.digits
        case "D": return Self.digits.inverted
        case "w": return Self.word
        case "W": return Self.word.inverted
        case "s": return isInverted ? Self.maybeSpace : Self.surelySpace
        case "S": return (isInverted ? Self.surelySpace : Self.maybeSpace).inverted
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "t": return ScalarSet("\t")
        case "f": return ScalarSet("\u{0C}")
        case "v": return ScalarSet("\u{0B}")
        case "b" where inClass: return ScalarSet("\u{08}")
        case "0": return ScalarSet("\0")
        case "x": return try hexadecimal(2)
        case "u":
            guard take("{") else { return try hexadecimal(4) }
            let start = position
            while let scalar = peek, scalar != "}", position - start < 6 { position += 1 }
            let count = position - start
            position = start
            let set = try hexadecimal(count)
            guard take("}") else { throw fault("} is missing") }
            return set
        case let scalar where "^$\\.*+?()[]{}|/-\"'`~!@#%&=:;,<>_ ".unicodeScalars.contains(scalar):
            return ScalarSet([scalar.value...scalar.value])
        default: throw refusal("\\\(kind)")
        }
    }

    private mutating func hexadecimal(_ digits: Int) throws(GrammarError) -> ScalarSet {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let scalar = peek, scalar.isASCII, let digit = Character(scalar).hexDigitValue else {
                throw fault("hexadecimal digits are missing")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        guard digits > 0, let scalar = Unicode.Scalar(value) else { throw refusal("half a pair of surrogates") }
        return ScalarSet([scalar.value...scalar.value])
    }
}

extension GrammarNode {
    /// How many characters its texts have at least and at most, for expressions without rules.
    var lengths: (least: Int, most: Int?) {
        switch self {
        case .never, .rule, .members: return (0, nil)
        case .literal(let bytes):
            let count = String(decoding: bytes, as: UTF8.self).unicodeScalars.count
            return (count, count)
        case .characters: return (1, 1)
        case .sequence(let nodes):
            return nodes.reduce((0, .some(0))) { sum, node in
                let next = node.lengths
                return (sum.0 + next.least, sum.1.flatMap { most in next.most.map { most + $0 } })
            }
        case .choice(let nodes):
            let all = nodes.map(\.lengths)
            let isBounded = all.allSatisfy { $0.most != nil }
            return (all.map(\.least).min() ?? 0, isBounded ? all.compactMap(\.most).max() ?? 0 : nil)
        case .repeated(let node, let least, let most):
            let each = node.lengths
            return (each.least * least, most == 0 ? 0 : each.most.flatMap { length in most.map { length * $0 } })
        }
    }
}
