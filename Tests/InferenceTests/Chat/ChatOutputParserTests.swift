import LatticeTesting
import Testing

@testable import Inference

private let qwen = ChatFormat(thinking: .init(open: "<think>", close: "</think>"), tools: .hermes)
private let r1 = ChatFormat(thinking: .init(open: "<think>", close: "</think>"), tools: .deepSeek)

private func weather(_ city: String, id: String? = nil) -> ChatOutputPart {
    .toolCall(ChatToolCall(id: id, name: "weather", arguments: #"{"city": "\#(city)"}"#))
}

/// The parts of a text that comes in pieces of `size` bytes, neighbours of one kind joined.
private func parts(
    _ text: some Collection<UInt8>,
    _ format: ChatFormat,
    size: Int = .max,
    tools: [String] = ["weather"],
    isThinking: Bool = false
) -> [ChatOutputPart] {
    var parser = ChatOutputParser(format: format, tools: tools, isThinking: isThinking)
    var found: [ChatOutputPart] = []
    var rest = text[...]
    while !rest.isEmpty {
        found += parser.append(utf8: rest.prefix(size))
        rest = rest.dropFirst(size)
    }
    found += parser.finish()
    return joined(found)
}

private func joined(_ parts: [ChatOutputPart]) -> [ChatOutputPart] {
    parts.reduce(into: []) { joined, part in
        switch (joined.last, part) {
        case (.content(let before), .content(let text)): joined[joined.count - 1] = .content(before + text)
        case (.reasoning(let before), .reasoning(let text)): joined[joined.count - 1] = .reasoning(before + text)
        default: joined.append(part)
        }
    }
}

private func parts(_ text: String, _ format: ChatFormat, isThinking: Bool = false) -> [ChatOutputPart] {
    parts(text.utf8, format, isThinking: isThinking)
}

private let deepSeekCall = """
    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather
    ```json
    {"city": "Rome"}
    ```<｜tool▁call▁end｜>
    <｜tool▁call▁begin｜>function<｜tool▁sep｜>weather
    ```json
    {"city": "Bonn"}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>
    """

@Suite struct `Parts of an answer` {
    @Test func `are text where nothing else is marked`() {
        for text in ["Hello", " a\n\n b \n", "", "<", "< think>", "a <think> b </think>", "2 < 3", "\n\n\n"] {
            #expect(parts(text, qwen) == (text.isEmpty ? [] : [.content(text)]), "\(text)")
        }
        #expect(parts("<think>a</think>", ChatFormat()) == [.content("<think>a</think>")])
    }

    @Test func `are thoughts and text`() {
        let expected: [ChatOutputPart] = [.reasoning("I see.\n\nYes"), .content("Four.\n")]
        #expect(parts("<think>\nI see.\n\nYes\n</think>\n\nFour.\n", qwen) == expected)
        #expect(parts("\n <think>I see.\n\nYes</think>Four.\n", qwen) == expected)
        #expect(parts("<think>\n\n</think>\n\nFour", qwen) == [.content("Four")])
        #expect(parts("<think>on and on", qwen) == [.reasoning("on and on")])
    }

    @Test func `begin inside the thoughts where the prompt does`() {
        #expect(parts("I see.</think>Four", r1, isThinking: true) == [.reasoning("I see."), .content("Four")])
        #expect(parts("<think>\nI see.</think>Four", r1, isThinking: true) == [.reasoning("I see."), .content("Four")])
        #expect(r1.isThinking(after: "<｜Assistant｜><think>\n"))
        #expect(!r1.isThinking(after: "<|im_start|>assistant\n<think>\n\n</think>\n\n"))
        #expect(!ChatFormat().isThinking(after: "<think>"))
    }

    @Test func `are calls as Hermes and Qwen write them`() {
        let text = """
            <think>Rain?</think>Let me see.
            <tool_call>
            {"name": "weather", "arguments": {"city": "Rome"}}
            </tool_call>
            <tool_call>{"arguments": {"city": "Bonn"}, "name": "weather"}</tool_call>
            """
        #expect(
            parts(text, qwen) == [.reasoning("Rain?"), .content("Let me see."), weather("Rome"), weather("Bonn")]
        )
        #expect(parts(#"<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}"#, qwen) == [weather("Rome")])
        let inside = #"{"text": "a </tool_call> \" } b"}"#
        #expect(
            parts(#"<tool_call>{"name": "weather", "arguments": \#(inside)}</tool_call>!"#, qwen)
                == [.toolCall(ChatToolCall(name: "weather", arguments: inside)), .content("!")]
        )
        let string = #"<tool_call>{"name": "weather", "arguments": "{\"city\": \"Rome\"}"}</tool_call>"#
        #expect(parts(string, qwen) == [weather("Rome")])
    }

    @Test func `are calls as Llama 3 writes them`() {
        let format = ChatFormat(tools: .llama3)
        let call = #"{"name": "weather", "parameters": {"city": "Rome"}}"#
        #expect(parts(call, format) == [weather("Rome")])
        #expect(parts("<|python_tag|>" + call, format) == [weather("Rome")])
        #expect(parts(call + "; " + call, format) == [weather("Rome"), weather("Rome")])
        #expect(
            parts(#"<|python_tag|>weather.call(city="Rome", days=3)"#, format)
                == [.toolCall(ChatToolCall(name: "weather", arguments: #"{"city": "Rome", "days": 3}"#))]
        )
        for text in [
            #"{"name": "Ada", "parameters": {}}"#, #"{"city": "Rome"}"#, "{ not JSON }", #"{"name": "weather", "#,
            "<|python_tag|>print(1)", "{", " {x",
        ] {
            #expect(parts(text, format) == [.content(text)], "\(text)")
        }
        #expect(parts(call + "; and more", format) == [weather("Rome"), .content("; and more")])
    }

    @Test func `are calls as Mistral writes them`() {
        let format = ChatFormat(tools: .mistral)
        let list =
            #"[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Rome"}, "id": "a1"}, {"name": "weather", "arguments": {"city": "Bonn"}}]"#
        #expect(parts("Well. " + list, format) == [.content("Well."), weather("Rome", id: "a1"), weather("Bonn")])
        let named = #"[TOOL_CALLS]weather[CALL_ID]x9[ARGS]{"city": "Rome"}[TOOL_CALLS]weather[ARGS]{"city": "Bonn"}"#
        #expect(parts(named, format) == [weather("Rome", id: "x9"), weather("Bonn")])
    }

    @Test func `are calls as DeepSeek writes them`() {
        #expect(
            parts("Hm\n</think>\n\n" + deepSeekCall, r1, isThinking: true)
                == [.reasoning("Hm"), weather("Rome"), weather("Bonn")]
        )
        let short = "<｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"city\": \"Rome\"}<｜tool▁call▁end｜>"
        #expect(parts(short, r1) == [weather("Rome")])
        #expect(parts("<｜tool▁calls▁begin｜>" + short + " so", r1) == [weather("Rome"), .content("so")])
    }

    @Test(arguments: [
        "<tool_call>", "<tool_call>\nnothing\n</tool_call>", #"<tool_call>{"name": "weather", "arguments": {"#,
        #"<tool_call>{"name": 3}</tool_call>"#, "<tool_call>[1]</tool_call> and", "<tool_call>{\"a\": 01}</tool_call>",
        "a<tool_call><tool_call>b",
    ])
    func `lose nothing of a call that is none`(text: String) {
        #expect(parts(text, qwen) == [.content(text)])
    }

    @Test func `find a call after one that is none`() {
        let call = #"<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>"#
        #expect(parts("<tool_call>oh " + call, qwen) == [.content("<tool_call>oh"), weather("Rome")])
    }

    @Test func `are no calls where no tool was offered`() {
        let call = #"<tool_call>{"name": "weather", "arguments": {}}</tool_call>"#
        #expect(parts(call.utf8, qwen, tools: []) == [.content(call)])
    }

    @Test func `do not depend on where the text is cut`() {
        let texts: [(ChatFormat, String, Bool)] = [
            (
                qwen,
                "<think>\n a é \n</think>\n\nLet\u{3000}me 👩‍👩‍👧 see. \n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>\n done",
                false
            ),
            (qwen, "<tool_call>{bad}</tool_call>\n<tool_call>{\"name\": \"weather\"}", false),
            (qwen, String(repeating: " ", count: 200) + "<tool_call>{\"name\":\"weather\"}</tool_call>", false),
            (
                ChatFormat(tools: .llama3),
                "{\"name\": \"weather\", \"parameters\": {\"a\": [1.5e3, null]}} ; {\"name\": \"weather\"};x",
                false
            ),
            (
                ChatFormat(tools: .mistral),
                "So [TOOL_CALLS]weather[ARGS]{\"a\": 1} [TOOL_CALLS] [{\"name\":\"weather\",\"arguments\":{}}]", false
            ),
            (r1, "Hm</think>" + deepSeekCall + "\nend", true),
            (r1, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\nno", false),
        ]
        for (format, text, isThinking) in texts {
            let whole = parts(text, format, isThinking: isThinking)
            for size in 1...9 {
                #expect(parts(text.utf8, format, size: size, isThinking: isThinking) == whole, "\(size): \(text)")
            }
        }
    }

    @Test(arguments: ChatFormat.ToolSyntax.allCases)
    func `do not depend on where random text is cut`(syntax: ChatFormat.ToolSyntax) {
        let words =
            [
                "<think>", "</think>", "<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "[ARGS]",
                "[CALL_ID]",
                "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>",
                "<｜tool▁calls▁end｜>",
                "function", "weather", "```json\n", "```", "{\"name\": \"weather\", ", "\"arguments\": {}", "}", "[",
                "]",
                ";", " ", "\n", "{", "\"", "x", "é", "1", ".call(", ")", "\\", ",", String(repeating: "\n", count: 40),
            ].map { Array($0.utf8) } + [[0xFF], [0xE2, 0x82], [0xF0, 0x9F]]
        let format = ChatFormat(thinking: .init(open: "<think>", close: "</think>"), tools: syntax)
        var generator = SeededGenerator(seed: 5)
        for round in 0..<1500 {
            let count = Int.random(in: 1...14, using: &generator)
            let text = (0..<count).flatMap { _ in words.randomElement(using: &generator) ?? [] }
            let isThinking = round % 3 == 0
            let whole = parts(text, format, isThinking: isThinking)
            let size = Int.random(in: 1...5, using: &generator)
            #expect(
                parts(text, format, size: size, isThinking: isThinking) == whole,
                "\(size): \(String(decoding: text, as: UTF8.self))"
            )
        }
    }

    @Test func `do not wait for ever for the end of a call`() {
        var parser = ChatOutputParser(format: qwen, tools: ["weather"])
        var content = 0
        for part in parser.append("<tool_call>{\"a\": \"" + String(repeating: "x", count: 600_000)) {
            if case .content(let text) = part { content += text.utf8.count }
        }
        #expect(content > 500_000)
    }

    @Test(.timeLimit(.minutes(1))) func `take time in the order of their length`() {
        for unit in ["<tool_call>", " ", "<", "{", "a <think>", "\n</think>"] {
            let text = String(repeating: unit, count: 50_000 / unit.utf8.count)
            #expect(!parts(text, qwen).isEmpty)
        }
    }
}

@Suite struct `Format of answers` {
    @Test(arguments: [
        ("{{ '<think>' }} <tool_call>", ChatFormat.ToolSyntax.hermes, true),
        ("<｜tool▁calls▁begin｜> </think> <tool_call>", .deepSeek, true),
        ("[TOOL_CALLS]", .mistral, false), ("<|start_header_id|> ipython", .llama3, false), ("plain", nil, false),
    ])
    func `follows the template`(source: String, tools: ChatFormat.ToolSyntax?, thinks: Bool) {
        let format = ChatFormat(template: source)
        #expect(format.tools == tools)
        #expect((format.thinking != nil) == thinks)
    }
}

@Suite struct `JSON in chats` {
    @Test func `is read whole or not at all`() {
        for text in [
            "{}", "[]", "[1, -2.5e3, true, false, null, \"a\\u00e9\\ud83d\\ude42\\n\"]", "{\"a\": {\"b\": [0]}}", " 1 ",
        ] {
            #expect(ChatJSON(text) != nil, "\(text)")
            for length in 0..<text.utf8.count where text.first != " " {
                #expect(ChatJSON(String(decoding: Array(text.utf8)[..<length], as: UTF8.self)) == nil)
            }
        }
        for text in [
            "", "01", "1.", ".5", "+1", "1e", "{a: 1}", "{\"a\" 1}", "[1,]", "[1 2]", "'a'", "\"\n\"", "\"\\x\"", "tru",
            "{} {}", "1e999", String(repeating: "[", count: 99_999), "\u{FEFF}{}", "nan",
        ] {
            #expect(ChatJSON(text) == nil, "\(text.prefix(20))")
        }
        #expect(ChatJSON("\"\\ud83d\\ude42 \\ud83d x\"") == .string("🙂 \u{FFFD} x"))
        #expect(ChatJSON("9223372036854775808") == .float(9223372036854775808))
    }
}
