import Foundation
import LatticeTesting
import Testing

@testable import Inference

/// Templates with the text that Jinja 3.1.6 gives for them, set up as `transformers` sets it up.
private struct JinjaCase: Decodable, CustomTestStringConvertible {
    var template: String
    var text: String
    var testDescription: String { template }

    static func read() throws -> [JinjaCase] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/jinja.json")
        return try JSONDecoder().decode([JinjaCase].self, from: Data(contentsOf: file))
    }
}

/// The text of a template that sees no conversation.
private func render(_ source: String) throws(TemplateError) -> String {
    try ChatTemplate(source: source)
        .render([], addingGenerationPrompt: false, secondsSinceEpoch: 1_795_253_472).map(\.text).joined()
}

@Suite struct `Template language` {
    @Test func `gives what Jinja gives`() throws {
        for example in try JinjaCase.read() {
            let text = try render(example.template)
            #expect(text == example.text, "\(example.template)")
        }
    }

    @Test(arguments: [
        ("a\n{% if %}", 2), ("{{ 1 + }}", 1), ("{% for x y %}", 1), ("{{ 'a }}", 1), ("\n\n{{ a", 3),
        ("{% include 'x' %}", 1),
        ("{% if true %}a", 1), ("{% endif %}", 1), ("{# never", 1), ("{{ a ; b }}", 1), ("{{ f(a=1, 2) }}", 1),
        ("{% raw %}x", 1), ("{{ 99999999999999999999 }}", 1), ("{{ '\\ud800' }}", 1), ("{{ a[1:2:3:4] }}", 1),
        ("{% for x in [1] recursive %}{% endfor %}", 1), ("{% set = 1 %}", 1), ("{{ }}", 1),
    ])
    func `says in which line a template is wrong`(source: String, line: Int) {
        let error = #expect(throws: TemplateError.self) { try render(source) }
        guard case .syntax(let place, let cause) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(place == line)
        #expect(!cause.isEmpty)
    }

    @Test(arguments: [
        "{{ a.b }}", "{{ a() }}", "{{ 1 + 'a' }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 9223372036854775807 + 1 }}",
        "{{ -(-9223372036854775807 - 1) }}", "{{ (-9223372036854775807 - 1) // -1 }}", "{{ 2 ** 99 }}", "{{ 'a' < 1 }}",
        "{{ 1 | nothing }}", "{{ 1 is nothing }}", "{% for x in 1 %}{% endfor %}", "{% set a, b = [1] %}",
        "{{ range('a') }}",
        "{% set x.y = 1 %}", "{{ {[1]: 2} }}", "{{ x | tojson }}", "{{ 'a'.split('') }}", "{{ '%d' % [] }}",
        "{{ '{' .format() }}",
        "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{{ namespace() | tojson }}", "{{ [1, 'a'] | sort }}",
        "{{ 1.x.y }}",
        "{% break %}", "{{ range(1, 2, 0) }}", "{{ [1][::0] }}", "{{ 1['a':] }}", "{{ 'a'['a':] }}",
    ])
    func `says in which line an expression has no value`(source: String) {
        let error = #expect(throws: TemplateError.self) { try render("\n" + source) }
        guard case .evaluation(line: 2, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `passes on the template's own refusal`() {
        #expect(throws: TemplateError.refused(line: 2, message: "roles must alternate")) {
            try render("a\n{{ raise_exception('roles must ' + 'alternate') }}")
        }
    }

    @Test func `tells the time only when it is given one`() throws {
        let template = try ChatTemplate(
            source: "{{ strftime_now('%d %b %Y') if strftime_now is defined else 'no date' }}"
        )
        #expect(try template.render([], addingGenerationPrompt: false).map(\.text) == ["no date"])
        let dated = try template.render([], addingGenerationPrompt: false, secondsSinceEpoch: 86_400 * 59)
        #expect(dated.map(\.text) == ["01 Mar 1970"])
    }

    @Test func `survives every prefix and every changed byte of a template`() throws {
        for example in try JinjaCase.read() {
            let bytes = Array(example.template.utf8)
            for length in 0..<bytes.count {
                _ = try? render(String(decoding: bytes[..<length], as: UTF8.self))
            }
            var generator = SeededGenerator(seed: UInt64(bytes.count))
            for _ in 0..<40 {
                var changed = bytes
                changed[Int.random(in: changed.indices, using: &generator)] = UInt8.random(
                    in: 0x20...0x7E,
                    using: &generator
                )
                changed.remove(at: Int.random(in: changed.indices, using: &generator))
                _ = try? render(String(decoding: changed, as: UTF8.self))
            }
        }
    }

    @Test func `survives words in any order`() {
        let words = [
            "{{", "}}", "{%", "%}", "{#", "#}", "-", "if", "else", "elif", "endif", "for", "in", "endfor", "set", "=",
            "x", "y", "loop",
            "'a'", "1", "(", ")", "[", "]", "{", "}", ":", ",", ".", "|", "is", "not", "and", "or", "~", "+", "*",
            "length", "list",
            "range", "namespace", "macro", "endmacro", "items", "split", "join", "\n", "messages", "true", "none", "%",
            "//", "<",
        ]
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<4_000 {
            let count = Int.random(in: 1...24, using: &generator)
            let source = (0..<count).compactMap { _ in words.randomElement(using: &generator) }.joined(separator: " ")
            _ = try? render("{{ " + source + " }}")
            _ = try? render("{% " + source + " %}")
        }
    }
}
