import LatticeTesting

@testable import Inference

/// Lattice Tiny with a template that knows tools in one of the published syntaxes.
enum ToolModel {
    static func template(_ syntax: ChatFormat.ToolSyntax, thinks: Bool = false) -> String {
        let mark =
            switch syntax {
            case .hermes: "<tool_call>"
            case .llama3: "{# <|start_header_id|> ipython #}"
            case .mistral: "[TOOL_CALLS]"
            case .deepSeek: "<｜tool▁calls▁begin｜>"
            }
        return """
            {% if tools %}<|im_start|>system
            You can call tools. \(mark){% for tool in tools %}
            {{ tool | tojson }}{% endfor %}<|im_end|>
            {% endif %}{% for message in messages %}<|im_start|>{{ message.role }}
            {{ message.content }}<|im_end|>
            {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
            \(thinks ? "<think>\n" : ""){% endif %}
            """
    }

    /// Runs a test with an engine of the template.
    static func withEngine(
        _ template: String,
        slots: Int = 1,
        _ body: (Engine) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/model.gguf"
            try RetemplatedModel.write(template, of: Fixtures.tiny, to: path)
            let engine = try await Engine.load(path: path, options: EngineOptions(threads: 1, slots: slots))
            defer { engine.close() }
            try await body(engine)
        }
    }

    static let weather = ChatTool(
        name: "weather",
        description: "tells the weather",
        parameters: #"""
            {"type":"object","properties":{"city":{"type":"string","maxLength":8},"days":{"type":"integer","minimum":1,
            "maximum":9}},"required":["city","days"]}
            """#
    )
    static let clock = ChatTool(name: "clock")
}
