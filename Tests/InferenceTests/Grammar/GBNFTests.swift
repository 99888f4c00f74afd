import Testing

@testable import Inference

@Suite struct `GBNF` {
    private func grammar(_ text: String) throws -> Grammar { try Grammar(gbnf: text) }

    private func expect(_ text: String, accepts good: [String], refuses bad: [String]) throws {
        let grammar = try grammar(text)
        for example in good { #expect(accepts(grammar, example), "\(text) should accept \(example)") }
        for example in bad { #expect(!accepts(grammar, example), "\(text) should refuse \(example)") }
    }

    @Test func `reads literals, classes, groups and repetitions`() throws {
        try expect(#"root ::= "yes" | "no""#, accepts: ["yes", "no"], refuses: ["", "y", "yesno", "maybe"])
        try expect("root ::= [a-c]+ [^a-c]", accepts: ["abc!", "aé"], refuses: ["abc", "!", "abca"])
        try expect(#"root ::= ("a" | "b" "c")* "d"?"#, accepts: ["", "abca", "bcd", "d"], refuses: ["b", "dd"])
        try expect(#"root ::= "a"{2} "b"{1,} "c"{,2}"#, accepts: ["aab", "aabbcc"], refuses: ["ab", "aac", "aabccc"])
        try expect(#"root ::= . . "#, accepts: ["é😀", "\n\n"], refuses: ["a", "abc"])
        try expect(#"root ::= [\]\\\-"]+"#, accepts: [#"]\-""#], refuses: ["["])
        try expect(#"root ::= "\x41\u00e9\U0001F600\n\"""#, accepts: ["Aé😀\n\""], refuses: ["A"])
        try expect("root ::= [😀-😃é]", accepts: ["😁", "é"], refuses: ["😄", "e"])
        try expect("root ::= \"\"", accepts: [""], refuses: ["a"])
    }

    @Test func `reads rules over lines, with comments`() throws {
        let text = """
            # A list.
            root ::= item ("," ws item)* # the items

            item ::= number |
                     word
              | "-"
            number ::= [0-9]+
            word ::= (
               [a-z]   # a letter
               [a-z]*
            )
            ws ::= " "?
            """
        try expect(text, accepts: ["12, ab,-", "a"], refuses: ["", "A", "1 ,2"])
    }

    @Test func `reads llama.cpp's grammar of arithmetic and recursion`() throws {
        let text = #"""
            root  ::= (expr "=" ws term "\n")+
            expr  ::= term ([-+*/] term)*
            term  ::= ident | num | "(" ws expr ")" ws
            ident ::= [a-z] [a-z0-9_]* ws
            num   ::= [0-9]+ ws
            ws    ::= [ \t\n]*
            """#
        try expect(text, accepts: ["1+2=3\n", "((a*b)/(c)) = x1\ny=1\n"], refuses: ["1+=3\n", "(1=1\n", "1+2=3"])
        try expect(#"root ::= "(" root ")" | "x""#, accepts: ["x", "((x))"], refuses: ["((x)", "", "(x))"])
        // Recursion to the right stays in one place, however long the text.
        let list = try grammar(#"root ::= "a" root | "b""#)
        let machine = GrammarMachine(list.program)
        var place = machine.start
        var places: Set<Int32> = []
        for _ in 0..<10_000 {
            place = machine.next(place, UInt8(ascii: "a"))
            places.insert(place)
        }
        #expect(places.count <= 2 && machine.mayEnd(machine.next(place, UInt8(ascii: "b"))))
    }

    @Test func `says what is wrong and where`() {
        func error(_ text: String) -> GrammarError? {
            do {
                _ = try Grammar(gbnf: text)
                return nil
            } catch { return error }
        }
        #expect(
            error("root ::= \"a\nb\"") == .syntax(line: 2, column: 1, reason: "the line ends inside quotes or brackets")
        )
        #expect(error("root ::= (\"a\"") == .syntax(line: 1, column: 14, reason: ") is missing"))
        #expect(error("a ::= b\nroot ::= a") == .undefinedRule("b"))
        #expect(error("a ::= \"a\"") == .undefinedRule("root"))
        #expect(error("") == .undefinedRule("root"))
        #expect(error("root ::= \"a\"\nroot ::= \"b\"")?.description.contains("twice") == true)
        #expect(error("root ::= root \"a\" | \"b\"") == .leftRecursion(rule: "root"))
        #expect(error("root ::= a\na ::= b? a | \"c\"\nb ::= \"b\"") == .leftRecursion(rule: "a"))
        #expect(error("root ::= \"a\" root") == .nothingMatches)
        #expect(error("root ::= [b-a]")?.description.contains("backwards") == true)
        #expect(error("root ::= []") == .nothingMatches)
        #expect(error("root ::= \"\\q\"")?.description.contains("no escape") == true)
        #expect(error("root ::= \"\\uD800\"")?.description.contains("no such character") == true)
        #expect(error("root ::= <think>")?.description.contains("not supported") == true)
        #expect(error("root ::= \"a\"{3,2}")?.description.contains("less than") == true)
        #expect(error("root := \"a\"")?.description.contains(": is missing") == true)
        #expect(error("root ::= a ::= b") != nil)
    }

    @Test func `bounds what a grammar costs`() {
        func isTooLarge(_ text: String) -> Bool {
            do {
                _ = try Grammar(gbnf: text)
                return false
            } catch .tooLarge { return true } catch { return false }
        }
        #expect(isTooLarge("root ::= \"a\"{70000}"))
        #expect(isTooLarge("root ::= \"a\"{99999999999999999999}"))
        #expect(isTooLarge("root ::= a{60000} a{60000} a{60000}\na ::= \"a\""))
        #expect(
            isTooLarge("root ::= " + String(repeating: "(", count: 100) + "\"a\"" + String(repeating: ")", count: 100))
        )
        #expect(isTooLarge("root ::= \"a\"" + String(repeating: "?", count: 100)))
        #expect(isTooLarge((0..<20_000).map { "r\($0) ::= \"a\"\n" }.joined() + "root ::= \"b\""))
        #expect(isTooLarge("root ::= \"" + String(repeating: "a", count: 2 << 20) + "\""))
        // Each rule twice the one before it: linear in the text, however long what it describes.
        let doubling = (1..<200).map { "a\($0) ::= a\($0 - 1) a\($0 - 1)\n" }.joined()
        #expect(throws: Never.self) { try Grammar(gbnf: doubling + "a0 ::= \"a\"\nroot ::= a60 | \"b\"") }
    }

    @Test func `survives damaged grammars`() {
        let lines = [
            #"root ::= item ("," ws [^a-z\n]{2,3} | "\u00e9" item)*  # c"#, #"item ::= [0-9]+ ws | "(" item ")""#,
            #"ws ::= " "?"#,
        ]
        let text = Array(lines.joined(separator: "\n").utf8)
        for length in 0...text.count { _ = try? Grammar(gbnf: String(decoding: text.prefix(length), as: UTF8.self)) }
        var generator = SplitMix64(seed: 4)
        for _ in 0..<2000 {
            var damaged = text
            for _ in 0...generator.below(4) {
                switch generator.below(3) {
                case 0: damaged[generator.below(damaged.count)] ^= UInt8(1 << generator.below(8))
                case 1: damaged.remove(at: generator.below(damaged.count))
                default: damaged.insert(text[generator.below(text.count)], at: generator.below(damaged.count))
                }
            }
            guard let grammar = try? Grammar(gbnf: String(decoding: damaged, as: UTF8.self)) else { continue }
            _ = randomText(grammar.program, length: 20, limit: 200, using: &generator)
        }
    }

    @Test func `agrees with a reader that tries every way`() throws {
        var generator = SplitMix64(seed: 99)
        for _ in 0..<300 {
            let rules = RandomGrammar.rules(&generator)
            guard let program = try? GrammarProgram(rules) else { continue }
            for _ in 0..<6 {
                if let text = randomText(program, length: 8, limit: 60, using: &generator) {
                    #expect(GrammarReader.matches(text, rules), "\(rules.nodes): \(text)")
                    var damaged = text
                    if !damaged.isEmpty { damaged[generator.below(damaged.count)] = UInt8(0x61 + generator.below(3)) }
                    #expect(GrammarReader.matches(damaged, rules) == accepts(program, damaged), "\(rules.nodes)")
                }
                let noise = (0..<generator.below(6)).map { _ in UInt8(0x61 + generator.below(3)) }
                #expect(GrammarReader.matches(noise, rules) == accepts(program, noise), "\(rules.nodes): \(noise)")
            }
        }
    }
}

/// Small grammars over a, b, c and é.
enum RandomGrammar {
    static func rules(_ generator: inout SplitMix64) -> GrammarRules {
        var rules = GrammarRules()
        let others = (0..<generator.below(3)).map { rules.add("r\($0)") }
        for rule in [GrammarRules.root] + others {
            rules.define(rule, node(depth: 4, rules: others, &generator))
        }
        return rules
    }

    private static func node(depth: Int, rules: [Int], _ generator: inout SplitMix64) -> GrammarNode {
        func several(_ generator: inout SplitMix64) -> [GrammarNode] {
            (0...generator.below(3)).map { _ in node(depth: depth - 1, rules: rules, &generator) }
        }
        switch generator.below(depth == 0 ? 3 : 9) {
        case 0: return .text(generator.pick(["a", "b", "c", "ab", "é", "bc", ""]))
        case 1: return .characters(ScalarSet(generator.pick(["a", "bc", "abé", "ac"])))
        case 2: return rules.isEmpty ? .text("c") : .rule(generator.pick(rules))
        case 3, 4: return .sequence(several(&generator))
        case 5, 6: return .choice(several(&generator))
        case 7:
            let least = generator.below(3)
            let most = generator.below(2) == 0 ? nil : least + generator.below(3)
            return .repeated(node(depth: depth - 1, rules: rules, &generator), least: least, most: most)
        default:
            let members = several(&generator).map { GrammarNode.Member(node: $0, isRequired: generator.below(2) == 0) }
            let rest = generator.below(2) == 0 ? nil : node(depth: depth - 1, rules: rules, &generator)
            return .members(members, rest: rest, separator: .text("c"))
        }
    }
}
