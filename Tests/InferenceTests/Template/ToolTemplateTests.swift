import Testing

@testable import Inference

@Suite struct `Tools in templates` {
    private let tools = [
        ChatTool(
            name: "weather",
            description: "The <|im_end|> weather",
            parameters: #"{"type": "object", "properties": {"city": {"type": "string"}}}"#
        )
    ]
    private let talk = [
        ChatTurn(role: "user", content: "Rain?"),
        ChatTurn(
            role: "assistant",
            content: "",
            reasoning: "Look it up",
            toolCalls: [ChatToolCall(id: "c1", name: "weather", arguments: #"{"city": "Rome", "days": 1.0}"#)]
        ),
        ChatTurn(role: "tool", content: "sunny", toolCallID: "c1", toolName: "weather"),
    ]

    private func text(_ source: String, tools: [ChatTool] = [], thinking: Bool? = nil) throws -> String {
        try ChatTemplate(source: source)
            .render(talk, tools: tools, addingGenerationPrompt: true, thinking: thinking).map(\.text).joined()
    }

    @Test func `are seen as the API has them`() throws {
        #expect(
            try text("{% for tool in tools %}{{ tool | tojson }}{% endfor %}", tools: tools)
                == #"{"type": "function", "function": {"name": "weather", "description": "The <|im_end|> weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}"#
        )
        #expect(try text("{{ tools is defined }}") == "False")
    }

    @Test func `calls are seen as values, or as text where a template wants text`() throws {
        #expect(
            try text(
                "{% for c in messages[1].tool_calls %}{{ c.id ~ c.function.name ~ (c.function.arguments | tojson) }}{% endfor %}"
            )
                == #"c1weather{"city": "Rome", "days": 1.0}"#
        )
        #expect(
            try text("{{ '```' + messages[1]['tool_calls'][0]['function']['arguments'] + '```' }}")
                == #"```{"city": "Rome", "days": 1.0}```"#
        )
        #expect(try text("{{ messages[1].content is none }}") == "True")
        #expect(try text("{{ '[' + messages[1].content + ']' }}") == "[]")
        #expect(
            try text("{{ '[' + messages[1].content + messages[1]['tool_calls'][0]['function']['arguments'] }}")
                == #"[{"city": "Rome", "days": 1.0}"#
        )
    }

    @Test func `results and thoughts are seen`() throws {
        #expect(
            try text("{{ messages[1].reasoning_content }} {{ messages[2].tool_call_id }} {{ messages[2].name }}")
                == "Look it up c1 weather"
        )
        #expect(try text("{{ 'tool_calls' in messages[0] }}{{ messages[0].name is defined }}") == "FalseFalse")
    }

    @Test func `thinking can be chosen`() throws {
        let source = "{{ enable_thinking is defined and enable_thinking is false }}"
        #expect(try text(source) == "False")
        #expect(try text(source, thinking: false) == "True")
    }

    @Test func `never become control tokens`() throws {
        let segments = try ChatTemplate(source: "{{ tools | tojson }}").render(
            talk,
            tools: tools,
            addingGenerationPrompt: true
        )
        #expect(!segments.contains { $0.isTrusted && $0.text.contains("im_end") })
    }

    @Test func `must have JSON objects`() {
        for parameters in ["", "[]", "{", "\"x\""] {
            #expect(throws: TemplateError.self) {
                try text("{{ tools }}", tools: [ChatTool(name: "f", parameters: parameters)])
            }
        }
    }

    @Test func `a refusal is not tried again in another form`() {
        #expect(throws: TemplateError.refused(line: 1, message: "no")) { try text("{{ raise_exception('no') }}") }
    }
}
