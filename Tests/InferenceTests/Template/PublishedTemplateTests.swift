import Foundation
import Testing

@testable import Inference

/// Compares published templates with what Jinja2 makes of them; `scripts/llama-cpp-models.sh` fetches both.
@Suite(.timeLimit(.minutes(5))) struct `Published templates` {
    private struct Goldens: Decodable {
        struct Turn: Decodable {
            struct Call: Decodable {
                var id: String
                var name: String
                var arguments: String
            }
            var role: String
            var content: String
            var reasoning: String?
            var calls: [Call]?
            var id: String?
            var name: String?
        }
        struct Case: Decodable {
            var turns: [Turn]
            var generating: Bool?
            var tools: Bool?
        }
        struct Result: Decodable {
            var template: String
            var `case`: String
            var text: String?
            var refused: String?
            var failed: String?
        }
        var now: Int64
        var cases: [String: Case]
        var results: [Result]
    }

    /// As in the script that made the goldens.
    private static let tools = [
        ChatTool(
            name: "weather",
            description: "The weather — \"now\"",
            parameters:
                #"{"type": "object", "properties": {"city": {"type": "string", "description": "Where"}}, "required": ["city"]}"#
        ),
        ChatTool(name: "time", parameters: #"{"type": "object", "properties": {}}"#),
    ]

    private static func turns(_ turns: [Goldens.Turn]) -> [ChatTurn] {
        turns.map { turn in
            ChatTurn(
                role: turn.role,
                content: turn.content,
                reasoning: turn.reasoning,
                toolCalls: (turn.calls ?? []).map { ChatToolCall(id: $0.id, name: $0.name, arguments: $0.arguments) },
                toolCallID: turn.id,
                toolName: turn.name
            )
        }
    }

    @Test(.enabled(if: LlamaCppModels.has("templates/goldens.json"), "needs scripts/llama-cpp-models.sh"))
    func `give what Jinja gives`() throws {
        let folder = LlamaCppModels.folder + "/templates/"
        let goldens = try JSONDecoder().decode(
            Goldens.self,
            from: Data(contentsOf: URL(filePath: folder + "goldens.json"))
        )
        var equal = 0
        var templates: Set<String> = []
        for result in goldens.results {
            // What Jinja itself cannot render says nothing about ours.
            guard result.failed == nil, let example = goldens.cases[result.case] else { continue }
            let source = try String(decoding: Data(contentsOf: URL(filePath: folder + result.template)), as: UTF8.self)
            let label = "\(result.template) \(result.case)"
            do {
                let text = try ChatTemplate(source: source).render(
                    Self.turns(example.turns),
                    tools: example.tools == true ? Self.tools : [],
                    addingGenerationPrompt: example.generating ?? true,
                    bos: "<s>",
                    eos: "</s>",
                    secondsSinceEpoch: goldens.now
                ).map(\.text).joined()
                if text == result.text { equal += 1 }
                #expect(text == result.text, "\(label)")
                templates.insert(result.template)
            } catch TemplateError.refused(_, let message) {
                #expect(message == result.refused, "\(label)")
            } catch {
                Issue.record("\(label): \(error)")
            }
        }
        print("templates: \(equal) prompts of \(templates.count) templates equal Jinja's")
    }

    @Test(
        .enabled(if: LlamaCppModels.has("templates/goldens.json"), "needs scripts/llama-cpp-models.sh"),
        arguments: [
            ("Qwen-Qwen3-0.6B", ChatFormat.ToolSyntax.hermes, true), ("Qwen-Qwen2.5-7B-Instruct", .hermes, false),
            ("Qwen-QwQ-32B", .hermes, true), ("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", .hermes, false),
            ("meta-llama-Llama-3.1-8B-Instruct", .llama3, false), ("meta-llama-Llama-3.2-3B-Instruct", .llama3, false),
            ("meta-llama-Llama-3.3-70B-Instruct", .llama3, false),
            ("mistralai-Mistral-Nemo-Instruct-2407", .mistral, false),
            ("mistralai-Ministral-3-14B-Reasoning-2512", .mistral, true),
            ("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", .deepSeek, true),
            ("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", .deepSeek, true), ("google-gemma-2-2b-it", nil, false),
        ]
    )
    func `tell how their models answer`(name: String, tools: ChatFormat.ToolSyntax?, thinks: Bool) throws {
        let file = URL(filePath: LlamaCppModels.folder + "/templates/\(name).jinja")
        let template = try ChatTemplate(source: String(decoding: Data(contentsOf: file), as: UTF8.self))
        #expect(template.format.tools == tools)
        #expect((template.format.thinking != nil) == thinks)
        let turns = [ChatTurn(role: "user", content: "Hi")]
        let prompt = try template.render(turns, addingGenerationPrompt: true, thinking: true)
        let isThinking = template.format.isThinking(after: prompt.last?.text ?? "")
        // Those of R1 begin the thoughts themselves.
        #expect(isThinking == (name.contains("R1") || name.contains("QwQ")))
    }
}
