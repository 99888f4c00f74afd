import Foundation
import Testing

@testable import Inference

@Suite struct `Template bounds` {
    /// A hundredth of what is allowed outside tests.
    private let limits = TemplateInterpreter.Limits(steps: 10_000, text: 40_000)

    private func error(of source: String) -> TemplateError? {
        do throws(TemplateError) {
            _ = try ChatTemplate(source: source, limits: limits).render(
                [ChatTurn(role: "user", content: String(repeating: "ab ", count: 100))],
                addingGenerationPrompt: true
            )
            return nil
        } catch {
            return error
        }
    }

    private func expect(_ limit: TemplateError.Limit, of source: String) {
        guard case .overLimit(limit, _) = error(of: source) else {
            Issue.record("\(source.prefix(200)) gave \(String(describing: error(of: source)))")
            return
        }
    }

    @Test(arguments: [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{{ range(999999999) }}",
        "{% for i in range(500) %}{{ range(200) | list | length }}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set x = 'ab' * 20000 %}{% for i in range(200) %}{{ x == 'ab' * 20000 }}{% endfor %}",
        "{% set x = messages[0].content * 100 %}{% for i in range(900) %}{{ 'zzz' in x }}{% endfor %}",
    ])
    func `steps are counted, and text and lists by their length`(source: String) {
        expect(.steps, of: source)
    }

    @Test(arguments: [
        "{{ 'abcd' * 99999999 }}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% for i in range(9) %}{{ 'a' * 10000 }}{% endfor %}",
        "{{ ('a' * 10000).replace('a', 'bbbbbbbb') }}",
        "{% set x = 'a' * 39000 %}{{ x | tojson ~ x }}",
        "{% set x = 'a' * 10000 %}{{ [x, x, x, x, x] }}",
        "{% set x = 'a' * 10000 %}{{ [x, x, x, x, x] | join }}",
    ])
    func `no text grows beyond the limit`(source: String) {
        expect(.text, of: source)
    }

    @Test(arguments: [
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ " + String(repeating: "(", count: 5_000) + "1" + String(repeating: ")", count: 5_000) + " }}",
        "{{ " + String(repeating: "[", count: 5_000) + String(repeating: "]", count: 5_000) + " }}",
        "{{ " + String(repeating: "not ", count: 5_000) + "1 }}",
        "{{ " + String(repeating: "-", count: 5_000) + "1 }}",
        "{{ 1" + String(repeating: " + 1", count: 5_000) + " }}",
        "{{ x" + String(repeating: ".a", count: 5_000) + " }}",
        "{{ x" + String(repeating: "|trim", count: 5_000) + " }}",
        "{{ 1" + String(repeating: " if 1 else 1", count: 5_000) + " }}",
        String(repeating: "{% if 1 %}", count: 5_000),
        "{% set ns = namespace(x=1) %}{% for i in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}",
        "{% set ns = namespace(x={}) %}{% for i in range(999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}",
    ])
    func `nothing nests without end`(source: String) {
        expect(.nesting, of: source)
    }

    @Test func `a value that holds itself many times over is not gone through`() {
        let source =
            "{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x }}"
        #expect(error(of: source) == .overLimit(.steps, line: 1))
    }

    @Test func `searching is linear`() {
        let source = "{% set a = 'a' * 39000 %}{% set b = 'a' * 20000 + 'b' %}{{ b in a }}{{ a.split(b) | length }}"
        #expect(error(of: source) == nil)
    }

    @Test func `a source that is too long is not read`() {
        let source = String(repeating: "a", count: ChatTemplate.sourceLimit + 1)
        #expect(error(of: source) == .overLimit(.source, line: 1))
    }

    @Test func `a long conversation stays within the bounds`() throws {
        let template = try ChatTemplate(source: ChatTemplate.chatML)
        let turns = (0..<5_000).map { ChatTurn(role: $0 % 2 == 0 ? "user" : "assistant", content: "message \($0)") }
        let segments = try template.render(turns, addingGenerationPrompt: true)
        #expect(segments.filter { !$0.isTrusted }.count == 10_000)
    }

    @Test func `the deepest templates fit the stack of a small thread`() throws {
        let sources = [
            "{{ " + String(repeating: "(", count: 30) + "1" + String(repeating: ")", count: 30) + " }}",
            "{{ 1" + String(repeating: " + 1", count: 90) + " }}",
            "{% macro m(x) %}{% if x %}{{ [m(x)] }}{% endif %}{% endmacro %}{{ m(1) }}",
        ]
        let thread = Thread {
            for source in sources { _ = error(of: source) }
        }
        // Unoptimised frames are several times as large as those of a release.
        thread.stackSize = 2 << 20
        thread.start()
        while !thread.isFinished { sched_yield() }
    }
}
