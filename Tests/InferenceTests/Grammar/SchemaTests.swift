import Foundation
import Testing

@testable import Inference

@Suite struct `JSON schema as a grammar` {
    private func expect(_ schema: String, accepts good: [String], refuses bad: [String]) throws {
        let grammar = try Grammar(jsonSchema: schema)
        for text in good { #expect(accepts(grammar, text), "\(schema) should accept \(text)") }
        for text in bad { #expect(!accepts(grammar, text), "\(schema) should refuse \(text)") }
    }

    @Test func `keeps objects to their members`() throws {
        let schema = """
            {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}, "c": {"type": "null"}},
             "required": ["b"], "additionalProperties": false}
            """
        try expect(
            schema,
            accepts: [
                #"{"b":true}"#, #"{"a":1,"b":false}"#, #"{ "b": true, "c": null }"#, #"{"a":-7,"b":true,"c":null}"#,
            ],
            refuses: [
                "{}", #"{"a":1}"#, #"{"b":1}"#, #"{"b":true,"d":1}"#, #"{"b":true,"a":1}"#, #"{"b":true,}"#,
                #"{,"b":true}"#,
            ]
        )
        try expect(
            #"{"type":"object","properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"integer"}}"#,
            accepts: ["{}", #"{"ab":null}"#, #"{"a":1}"#, #"{"ab":null,"abc":1,"":2}"#, #"{"é":1,"b":2}"#],
            refuses: [#"{"ab":1}"#, #"{"a":null}"#, #"{"a\u0062":1}"#]
        )
        try expect(
            #"{"type":"object","required":["z"]}"#,
            accepts: [#"{"z":[1],"y":2}"#],
            refuses: ["{}", #"{"y":1}"#]
        )
    }

    @Test func `keeps numbers to their bounds`() throws {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<60 {
            let low = generator.below(2400) - 1200
            let high = low + generator.below(1300)
            let grammar = try Grammar(jsonSchema: "{\"type\":\"integer\",\"minimum\":\(low),\"maximum\":\(high)}")
            for value in [low - 1, low, low + 1, (low + high) / 2, high - 1, high, high + 1, 0, -low, high * 10] {
                #expect(accepts(grammar, String(value)) == (low...high).contains(value), "\(value) in \(low)...\(high)")
            }
            for text in ["", "-", "-0", "00", "1.0", "01"] { #expect(!accepts(grammar, text)) }
        }
        try expect(
            #"{"type":"integer","exclusiveMinimum":2.5,"exclusiveMaximum":7}"#,
            accepts: ["3", "6"],
            refuses: ["2", "7", "2.6"]
        )
        try expect(#"{"type":"integer","minimum":1e2}"#, accepts: ["100", "9999999999"], refuses: ["99", "-100"])
        for _ in 0..<60 {
            let low = generator.below(400) - 200
            let high = low + generator.below(300)
            let isOpen = generator.below(2) == 0
            let prefix = isOpen ? "exclusiveM" : "m"
            let schema =
                "{\"type\":\"number\",\"\(prefix)inimum\":\(Decimal(low) / 100),\"\(prefix)aximum\":\(Decimal(high) / 100)}"
            let grammar = try? Grammar(jsonSchema: schema)
            for step in -1050...1050 where step % 7 == 0 || abs(step - 10 * low) < 15 || abs(step - 10 * high) < 15 {
                let isInside = isOpen ? step > 10 * low && step < 10 * high : step >= 10 * low && step <= 10 * high
                let text = "\(Decimal(step) / 1000)"
                #expect((grammar.map { accepts($0, text) } ?? false) == isInside, "\(text) under \(schema)")
            }
        }
        try expect(
            #"{"type":"number","minimum":0.5}"#,
            accepts: ["0.5", "0.51", "7", "12.25"],
            refuses: ["0.4", "0", "-1", "1e9"]
        )
        try expect(
            #"{"type":"number","exclusiveMaximum":-1}"#,
            accepts: ["-1.01", "-20"],
            refuses: ["-1", "-1.0", "0", "1"]
        )
    }

    @Test func `keeps strings to lengths, patterns and formats`() throws {
        try expect(
            #"{"type":"string","minLength":2,"maxLength":3}"#,
            accepts: ["\"ab\"", #""é\n😀""#, #""\ud83d\ude00a""#],
            refuses: ["\"a\"", "\"abcd\""]
        )
        try expect(
            #"{"type":"string","pattern":"^[a-c]+$","maxLength":4}"#,
            accepts: ["\"abca\""],
            refuses: ["\"abcab\"", "\"\"", "\"d\""]
        )
        try expect(
            #"{"type":"string","pattern":"b"}"#,
            accepts: ["\"abc\"", "\"b\"", #""\"b\n""#],
            refuses: ["\"ac\"", #""\u0062""#]
        )
        try expect(#"{"type":"string","pattern":"^\\\"\\\\\\n$"}"#, accepts: [#""\"\\\n""#], refuses: [#""\"\\n""#])
        try expect(
            #"{"type":"string","pattern":"^\\s[^\\s][^\\S]\\S$"}"#,
            accepts: [#"" a b""#, #""\té\n😀""#],
            refuses: ["\"\u{A0}a b\"", "\" \u{FEFF} b\"", "\" a\u{A0}b\"", "\" a \u{3000}\""]
        )
        try expect(
            #"{"type":"string","format":"date"}"#,
            accepts: ["\"2024-12-31\""],
            refuses: ["\"2024-13-01\"", "\"2024-04-31\""]
        )
        try expect(
            #"{"enum":["a",1,null,{"b":[1.50]}]}"#,
            accepts: ["\"a\"", "1", "null", #"{"b":[1.5]}"#],
            refuses: ["\"b\"", "2"]
        )
        try expect(
            #"{"type":"string","enum":["a",1,"abc"],"maxLength":2}"#,
            accepts: ["\"a\""],
            refuses: ["1", "\"abc\""]
        )
    }

    @Test func `keeps arrays to their items`() throws {
        try expect(
            #"{"type":"array","items":{"type":"integer","minimum":0,"maximum":9},"minItems":1,"maxItems":3}"#,
            accepts: ["[1]", "[ 1, 2,3 ]"],
            refuses: ["[]", "[1,2,3,4]", "[10]", "[1,]"]
        )
        try expect(
            #"{"type":"array","prefixItems":[{"const":"x"},{"type":"null"}],"items":false}"#,
            accepts: ["[]", "[\"x\"]", "[\"x\",null]"],
            refuses: ["[null]", "[\"x\",null,1]"]
        )
        try expect(
            #"{"type":"array","items":[{"type":"null"}],"additionalItems":{"type":"boolean"},"minItems":2}"#,
            accepts: ["[null,true]", "[null,true,false]"],
            refuses: ["[null]", "[true,true]"]
        )
        try expect(#"{"type":"array","maxItems":0}"#, accepts: ["[]"], refuses: ["[1]"])
    }

    @Test func `follows references, and merges what applies together`() throws {
        try expect(
            ##"{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"array","items":{"$ref":"#/$defs/a~1b"}}}}"##,
            accepts: ["[]", "[[],[[]]]"],
            refuses: ["[1]", "{}"]
        )
        try expect(
            ##"{"type":"object","properties":{"next":{"anyOf":[{"type":"null"},{"$ref":"#"}]}},"required":["next"]}"##,
            accepts: [#"{"next":null}"#, #"{"next":{"next":null}}"#],
            refuses: ["{}", #"{"next":{}}"#]
        )
        try expect(
            #"{"allOf":[{"properties":{"a":{"type":"integer","minimum":3}}},{"properties":{"a":{"maximum":5}},"required":["a"]}]}"#,
            accepts: [#"{"a":4}"#],
            refuses: [#"{"a":2}"#, #"{"a":6}"#, "{}"]
        )
        try expect(
            #"{"allOf":[{"properties":{"a":true},"additionalProperties":false},{"properties":{"b":true}}],"type":"object"}"#,
            accepts: ["{}", #"{"a":[]}"#],
            refuses: [#"{"b":1}"#]
        )
        try expect(#"{"type":["integer","null"]}"#, accepts: ["1", "null"], refuses: ["1.5", "true"])
        try expect("true", accepts: ["1", "[{}]"], refuses: ["x"])
        try expect("{}", accepts: ["null"], refuses: [""])
    }

    @Test func `takes oneOf only where branches cannot overlap`() throws {
        try expect(
            #"{"oneOf":[{"type":"string"},{"type":"integer","maximum":3},{"type":"number","exclusiveMinimum":3}]}"#,
            accepts: ["\"a\"", "3", "3.5"],
            refuses: ["null", "2.5"]
        )
        try expect(
            """
            {"type":"object","required":["k"],"oneOf":[{"properties":{"k":{"const":1},"a":{"type":"null"}}},
            {"properties":{"k":{"const":2},"b":{"type":"null"}}}]}
            """,
            accepts: [#"{"k":1,"a":null}"#, #"{"k":2}"#],
            refuses: [#"{"k":1,"b":null}"#, #"{"k":3}"#]
        )
        #expect(
            throws: GrammarError.unsupported(
                pointer: "/oneOf/1",
                reason: "a branch of oneOf that may overlap with another"
            )
        ) {
            try Grammar(jsonSchema: #"{"oneOf":[{"type":"string"},{"type":"string","maxLength":3}]}"#)
        }
        #expect(throws: GrammarError.self) {
            try Grammar(jsonSchema: #"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#)
        }
    }

    @Test func `refuses what it cannot keep to, and says where`() throws {
        func error(_ schema: String) -> GrammarError? {
            do {
                _ = try Grammar(jsonSchema: schema)
                return nil
            } catch { return error }
        }
        let refused = [
            (#"{"properties":{"a":{"not":{}}}}"#, "/properties/a/not"),
            (#"{"type":"array","uniqueItems":true}"#, "/uniqueItems"),
            (#"{"items":{"patternProperties":{"a":{}}}}"#, "/items/patternProperties"),
            (#"{"multipleOf":3}"#, "/multipleOf"),
            (#"{"type":"string","format":"iri"}"#, "/format"), (#"{"pattern":"(?=a)"}"#, "/pattern"),
            (#"{"pattern":"\\bb"}"#, "/pattern"),
            (#"{"pattern":"a+","maxLength":3}"#, "/pattern"), (#"{"$ref":"other.json"}"#, "/$ref"),
            (##"{"$ref":"#anchor"}"##, "/$ref"),
            (#"{"minProperties":2}"#, "/minProperties"), (#"{"enum":["a"],"pattern":"b"}"#, "/enum"),
            (#"{"if":{},"then":{}}"#, "/if"),
            (#"{"a/b":1,"properties":{"x/y~":{"contains":1}}}"#, "/properties/x~1y~0/contains"),
        ]
        for (schema, pointer) in refused {
            guard case .unsupported(pointer, _)? = error(schema) else {
                Issue.record("\(schema): \(String(describing: error(schema)))")
                continue
            }
        }
        let invalid = [
            (#"{"type":"text"}"#, "/type"), (#"{"minLength":-1}"#, "/minLength"), (#"{"maxItems":1.5}"#, "/maxItems"),
            (#"{"anyOf":[]}"#, "/anyOf"),
            (#"{"properties":[]}"#, "/properties"), (##"{"$ref":"#/$defs/x"}"##, "/$ref"), (#"{"items":3}"#, "/items"),
            ("3", ""),
            (#"{"pattern":"("}"#, "/pattern"), (#"{"pattern":"[b-a]"}"#, "/pattern"),
            (#"{"required":[1]}"#, "/required/0"),
        ]
        for (schema, pointer) in invalid {
            guard case .invalid(pointer, _)? = error(schema) else {
                Issue.record("\(schema): \(String(describing: error(schema)))")
                continue
            }
        }
        for schema in ["", "{", "{\"a\":1,}", "nul", "{\"a\":\"\\ud800\"}", "{} {}", "01", "\u{FEFF}{}"] {
            guard case .json? = error(schema) else {
                Issue.record("\(schema): \(String(describing: error(schema)))")
                continue
            }
        }
        for schema in [
            "false", #"{"type":[]}"#, #"{"type":"integer","minimum":3,"maximum":2}"#,
            #"{"type":"object","properties":{"a":false},"required":["a"]}"#,
            ##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##, #"{"const":1,"type":"string"}"#,
            #"{"type":"string","minLength":3,"maxLength":2}"#, #"{"allOf":[{"type":"null"},{"type":"boolean"}]}"#,
        ] { #expect(error(schema) == .nothingMatches, "\(schema)") }
    }

    @Test func `bounds schemas that recurse or explode`() {
        func isTooLarge(_ schema: String) -> Bool {
            do {
                _ = try Grammar(jsonSchema: schema)
                return false
            } catch .tooLarge { return true } catch { return false }
        }
        #expect(isTooLarge(##"{"anyOf":[{"$ref":"#"},{"type":"null"}]}"##))
        #expect(isTooLarge(String(repeating: "{\"items\":", count: 200) + "{}" + String(repeating: "}", count: 200)))
        #expect(isTooLarge(String(repeating: "{\"items\":", count: 100) + "{}" + String(repeating: "}", count: 100)))
        let two = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}"
        #expect(isTooLarge("{\"allOf\":[\((0..<40).map { _ in two }.joined(separator: ","))]}"))
        let dead = "{\"anyOf\":[{\"minLength\":1},{\"minLength\":2}]}"
        #expect(isTooLarge("{\"allOf\":[\((0..<23).map { _ in dead }.joined(separator: ",")),{\"anyOf\":[false]}]}"))
        #expect(isTooLarge(#"{"type":"string","minLength":1000000}"#))
        #expect(isTooLarge("[" + String(repeating: " ", count: 2 << 20) + "]"))
        #expect(isTooLarge("{\"minimum\":1e999}"))
        let members = (0..<3000).map { "\"p\($0)\":{}" }.joined(separator: ",")
        #expect(isTooLarge("{\"properties\":{\(members)}}"))
        // Large, and of use: bounded by what it costs.
        #expect(throws: Never.self) { try Grammar(jsonSchema: #"{"type":"string","maxLength":1000000}"#) }
        #expect(throws: Never.self) {
            try Grammar(jsonSchema: "{\"properties\":{\((0..<300).map { "\"p\($0)\":{}" }.joined(separator: ","))}}")
        }
        // References in a ring, and definitions that double: each is a rule once.
        let doubling = (1..<64).map {
            "\"d\($0)\":{\"type\":\"array\",\"prefixItems\":[{\"$ref\":\"#/$defs/d\($0 - 1)\"},{\"$ref\":\"#/$defs/d\($0 - 1)\"}]}"
        }
        #expect(throws: Never.self) {
            try Grammar(
                jsonSchema: "{\"$ref\":\"#/$defs/d60\",\"$defs\":{\"d0\":{},\(doubling.joined(separator: ","))}}"
            )
        }
    }

    @Test func `survives damaged schemas`() {
        var generator = SplitMix64(seed: 12)
        for seed in 0..<40 {
            let text = Array(RandomSchema.text(UInt64(seed)).utf8)
            for _ in 0..<20 {
                var damaged = text
                for _ in 0...generator.below(3) {
                    switch generator.below(4) {
                    case 0: damaged[generator.below(damaged.count)] ^= UInt8(1 << generator.below(8))
                    case 1: damaged.remove(at: generator.below(damaged.count))
                    case 2: damaged.insert(text[generator.below(text.count)], at: generator.below(damaged.count))
                    default: damaged = Array(damaged.prefix(generator.below(damaged.count) + 1))
                    }
                }
                _ = try? Grammar(jsonSchema: String(decoding: damaged, as: UTF8.self))
            }
        }
    }

    @Test func `generates only what another reader of schemas finds valid`() throws {
        let count = ProcessInfo.processInfo.environment["LATTICE_LONG"] == nil ? 150 : 10_000
        var empty = 0
        var generator = SplitMix64(seed: 1)
        for seed in 0..<UInt64(count) {
            let schema = RandomSchema.text(seed)
            let grammar: Grammar
            do { grammar = try Grammar(jsonSchema: schema) } catch .nothingMatches {
                empty += 1
                continue
            } catch {
                Issue.record("seed \(seed): \(error): \(schema)")
                continue
            }
            let validator = try SchemaValidator(schema)
            for _ in 0..<2 {
                guard let text = randomText(grammar.program, length: 40, using: &generator) else {
                    Issue.record("seed \(seed): no end: \(schema)")
                    continue
                }
                let json = String(decoding: text, as: UTF8.self)
                let fault = validator.fault(json)
                #expect(fault == nil, "seed \(seed): \(json) under \(schema)")
            }
        }
        #expect(empty < count / 10)
    }
}
