/// Reads GBNF, llama.cpp's notation of grammars (`grammars/README.md` there).
struct GBNFParser {
    /// The most groups within one another.
    private static let depthLimit = 64
    /// The most rules.
    private static let ruleLimit = 1 << 14
    /// The most times that `{m,n}` may ask for.
    private static let repetitionLimit = 1 << 16

    private let text: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    private var rules = GrammarRules()
    private var numbers: [String: Int] = ["root": GrammarRules.root]
    /// Rules that were named, in order of their first mention.
    private var mentioned: [String] = ["root"]
    private var defined: Set<String> = []

    /// The rules of `text`.
    static func parse(_ text: String) throws(GrammarError) -> GrammarRules {
        guard text.utf8.count <= Grammar.sizeLimit else {
            throw .tooLarge(what: "bytes", limit: Grammar.sizeLimit)
        }
        var parser = GBNFParser(text: Array(text.unicodeScalars))
        try parser.run()
        return parser.rules
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    private mutating func run() throws(GrammarError) {
        skipSpace(acrossLines: true)
        while position < text.count { try rule() }
        for name in mentioned where !defined.contains(name) { throw .undefinedRule(name) }
    }

    private mutating func rule() throws(GrammarError) {
        let name = try name()
        skipSpace(acrossLines: false)
        for scalar in "::=".unicodeScalars { try expect(scalar) }
        guard defined.insert(name).inserted else { throw fault("rule \(name) is there twice") }
        skipSpace(acrossLines: true)
        let node = try alternatives()
        rules.define(try number(of: name), node)
        guard position == text.count || isLineEnd(text[position]) else { throw fault("the rule should end here") }
        skipSpace(acrossLines: true)
    }

    private mutating func number(of name: String) throws(GrammarError) -> Int {
        if let known = numbers[name] { return known }
        guard numbers.count < Self.ruleLimit else { throw .tooLarge(what: "rules", limit: Self.ruleLimit) }
        let number = rules.add(name)
        numbers[name] = number
        mentioned.append(name)
        return number
    }

    // MARK: Expressions

    private mutating func alternatives() throws(GrammarError) -> GrammarNode {
        var nodes = [try sequence()]
        while takeBar() {
            skipSpace(acrossLines: true)
            nodes.append(try sequence())
        }
        return nodes.count == 1 ? nodes[0] : .choice(nodes)
    }

    /// Takes a `|`, which may begin the next line.
    private mutating func takeBar() -> Bool {
        let place = position
        skipSpace(acrossLines: true)
        if position < text.count, text[position] == "|" {
            position += 1
            return true
        }
        position = place
        return false
    }

    private mutating func sequence() throws(GrammarError) -> GrammarNode {
        var nodes: [GrammarNode] = []
        while let node = try element() {
            nodes.append(try repeated(node))
            skipSpace(acrossLines: depth > 0)
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func element() throws(GrammarError) -> GrammarNode? {
        guard position < text.count else { return nil }
        switch text[position] {
        case "\"": return try literal()
        case "[": return try characterClass()
        case ".":
            position += 1
            return .characters(.all)
        case "(":
            guard depth < Self.depthLimit else {
                throw .tooLarge(what: "groups within one another", limit: Self.depthLimit)
            }
            position += 1
            depth += 1
            skipSpace(acrossLines: true)
            let node = try alternatives()
            skipSpace(acrossLines: true)
            try expect(")")
            depth -= 1
            return node
        case "<", "!": throw fault("tokens in a grammar are not supported; write their text")
        case let scalar where Self.isName(scalar): return .rule(try number(of: name()))
        default: return nil
        }
    }

    private mutating func repeated(_ node: GrammarNode) throws(GrammarError) -> GrammarNode {
        var node = node
        var times = 0
        while position < text.count {
            switch text[position] {
            case "?": node = .repeated(node, least: 0, most: 1)
            case "*": node = .repeated(node, least: 0, most: nil)
            case "+": node = .repeated(node, least: 1, most: nil)
            case "{":
                position += 1
                skipSpace(acrossLines: depth > 0)
                let least = peek == "," ? 0 : try count()
                skipSpace(acrossLines: depth > 0)
                var most: Int? = least
                if peek == "," {
                    position += 1
                    skipSpace(acrossLines: depth > 0)
                    most = peek == "}" ? nil : try count()
                    skipSpace(acrossLines: depth > 0)
                }
                guard peek == "}" else { throw fault("} is missing") }
                if let most, most < least { throw fault("\(most) is less than \(least)") }
                node = .repeated(node, least: least, most: most)
            default: return node
            }
            position += 1
            times += 1
            guard times <= Self.depthLimit else {
                throw .tooLarge(what: "repetitions of repetitions", limit: Self.depthLimit)
            }
        }
        return node
    }

    private mutating func count() throws(GrammarError) -> Int {
        var value = 0
        let start = position
        while let digit = peek.flatMap({ $0.value >= 0x30 && $0.value <= 0x39 ? Int($0.value) - 0x30 : nil }) {
            value = value * 10 + digit
            guard value <= Self.repetitionLimit else {
                throw .tooLarge(what: "repetitions", limit: Self.repetitionLimit)
            }
            position += 1
        }
        guard position > start else { throw fault("a number is missing") }
        return value
    }

    // MARK: Characters

    private mutating func literal() throws(GrammarError) -> GrammarNode {
        position += 1
        var literal = ""
        while let scalar = peek, scalar != "\"" { literal.unicodeScalars.append(try character(scalar)) }
        try expect("\"")
        return .text(literal)
    }

    private mutating func characterClass() throws(GrammarError) -> GrammarNode {
        position += 1
        let isInverted = peek == "^"
        if isInverted { position += 1 }
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = peek, scalar != "]" {
            let low = try character(scalar)
            guard peek == "-", position + 1 < text.count, text[position + 1] != "]" else {
                ranges.append(low.value...low.value)
                continue
            }
            position += 1
            let high = try character(text[position])
            guard low <= high else { throw fault("the range goes backwards") }
            ranges.append(low.value...high.value)
        }
        try expect("]")
        let set = ScalarSet(ranges)
        return .characters(isInverted ? set.inverted : set)
    }

    private mutating func character(_ scalar: Unicode.Scalar) throws(GrammarError) -> Unicode.Scalar {
        position += 1
        guard scalar == "\\" else {
            guard !isLineEnd(scalar) else { throw fault("the line ends inside quotes or brackets") }
            return scalar
        }
        guard let kind = peek else { throw fault("the text ends after \\") }
        position += 1
        switch kind {
        case "x": return try hexadecimal(2)
        case "u": return try hexadecimal(4)
        case "U": return try hexadecimal(8)
        case "t": return "\t"
        case "r": return "\r"
        case "n": return "\n"
        case "\\", "\"", "[", "]", "-", "^", "/": return kind
        default: throw fault("\\\(kind) is no escape")
        }
    }

    private mutating func hexadecimal(_ digits: Int) throws(GrammarError) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let scalar = peek, scalar.isASCII, let digit = Character(scalar).hexDigitValue else {
                throw fault("\(digits) hexadecimal digits are missing")
            }
            guard value >> 28 == 0 else { throw fault("there is no such character") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        guard let scalar = Unicode.Scalar(value) else { throw fault("there is no such character") }
        return scalar
    }

    // MARK: Text

    private var peek: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private mutating func name() throws(GrammarError) -> String {
        let start = position
        while let scalar = peek, Self.isName(scalar) { position += 1 }
        guard position > start else { throw fault("the name of a rule is missing") }
        var name = ""
        name.unicodeScalars.append(contentsOf: text[start..<position])
        return name
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }

    private func isLineEnd(_ scalar: Unicode.Scalar) -> Bool { scalar == "\n" || scalar == "\r" }

    private mutating func skipSpace(acrossLines: Bool) {
        while let scalar = peek {
            switch scalar {
            case " ", "\t": position += 1
            case "#": while let scalar = peek, !isLineEnd(scalar) { position += 1 }
            case "\n", "\r":
                guard acrossLines else { return }
                position += 1
            default: return
            }
        }
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(GrammarError) {
        guard peek == scalar else { throw fault("\(scalar) is missing") }
        position += 1
    }

    private func fault(_ reason: String) -> GrammarError {
        let before = text[..<min(position, text.count)]
        let line = before.count { $0 == "\n" } + 1
        let column = before.count - (before.lastIndex(of: "\n").map { $0 + 1 } ?? 0) + 1
        return .syntax(line: line, column: column, reason: reason)
    }
}
