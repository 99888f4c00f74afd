import Inference
import NIOHTTP1

/// Counts the tokens of prompts.
struct TokenCount {
    let client: EngineClient
    let dialect: Dialect
    /// The model as the engine names it.
    let model: String

    /// What templates add to a conversation at most, in tokens: the fixed text of a system turn, and where tools are
    /// given the instructions how to call them.
    private static let templateAllowance = 256
    private static let toolAllowance = 1024
    /// The marks around a turn.
    private static let turnAllowance = 16
    /// Templates may write a tool's JSON with indentation.
    private static let toolFactor = 3
    /// Bytes of a token in texts of European languages, roughly.
    private static let likelyBytes = 4

    private struct Prompt: Decodable { var prompt: String }
    private struct Counted: Decodable { var count: Int }

    private struct Tokens: Decodable { var tokens: [TokenID] }

    /// The tokens of a prompt, or an upper bound; and what is likely, should the engine never tell.
    func count(
        _ request: ChatRequest,
        of conversation: Conversation
    ) async throws(ChatEngineError) -> (most: Int, likely: Int) {
        switch dialect.counting {
        case .templateThenTokenize:
            let prompt = try await client.call(.POST, "/apply-template", body: request.counted, as: Prompt.self).prompt
            let exact = try await tokens(of: prompt).count
            return (exact, exact)
        case .tokenizeMessages:
            let exact = try await client.call(.POST, "/tokenize", body: request.counted, as: Counted.self).count.clamped
            return (exact, exact)
        case .bound:
            return Self.bound(conversation)
        }
    }

    /// llama.cpp: the tokens of a text, special ones included.
    func tokens(of text: String) async throws(ChatEngineError) -> [TokenID] {
        let body = JSONText.object { json in
            json.add("model", model)
            json.add("content", text)
            json.add("add_special", true)
        }
        return try await client.call(.POST, "/tokenize", body: body, as: Tokens.self).tokens
    }

    /// No tokenizer in use has tokens of less than a byte, and a template adds little that is known.
    static func bound(_ conversation: Conversation) -> (most: Int, likely: Int) {
        var bytes = 0
        for turn in conversation.turns {
            bytes += turn.role.utf8.count + turn.content.utf8.count + (turn.reasoning?.utf8.count ?? 0)
            for call in turn.toolCalls { bytes += call.name.utf8.count + call.arguments.utf8.count }
        }
        let tools = conversation.tools.reduce(0) { sum, tool in
            sum + tool.name.utf8.count + tool.description.utf8.count + tool.parameters.utf8.count
        }
        let marks = conversation.turns.count * turnAllowance
        let allowance = templateAllowance + (tools == 0 ? 0 : toolAllowance)
        return (bytes + tools * toolFactor + marks + allowance, (bytes + tools) / likelyBytes + marks)
    }
}
