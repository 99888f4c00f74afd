import LatticeTesting
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2))) struct `Chats with an engine` {
    @Test func `have the same prompt with and without a parser`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(threads: 1, slots: 1))
        defer { engine.close() }
        let turns = [ChatTurn(role: "user", content: "What is Lattice?")]
        var chat = try engine.chatPrompt(for: turns)
        #expect(chat.tokens == (try engine.prompt(for: turns)))
        var parts: [ChatOutputPart] = []
        var text = ""
        for try await event in try engine.generate(GenerationRequest(promptTokens: chat.tokens, maxTokens: 24)) {
            guard case .text(let more, _) = event else { continue }
            text += more
            parts += chat.parser.append(more)
        }
        parts += chat.parser.finish()
        let content = parts.map { part in
            if case .content(let text) = part { text } else { "" }
        }
        #expect(!text.isEmpty && content.joined() == text)
    }

    @Test func `are refused when they are too long, in the time that reading them takes`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(threads: 1, slots: 1))
        defer { engine.close() }
        let tokens = try engine.prompt(for: [
            ChatTurn(role: "user", content: String(repeating: "Hi, é! ", count: 150_000))
        ])
        #expect(tokens.count > 100_000)
        #expect(throws: GenerationError.self) { try engine.generate(GenerationRequest(promptTokens: tokens)) }
    }

    @Test func `are refused with templates that are too long`() throws {
        let metadata = GGUFMetadata(
            file: "test",
            values: ["tokenizer.chat_template": .string(String(repeating: "{{ 1 }}", count: 1_500_000))]
        )
        #expect(throws: TemplateError.self) { try ChatTemplate(metadata: metadata) }
    }
}
