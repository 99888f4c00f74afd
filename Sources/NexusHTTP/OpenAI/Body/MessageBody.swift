internal import Nexus

/// One message: text, or parts of which each must be text, with what an assistant's turn has besides.
struct MessageBody: Decodable {
    private struct Part: Decodable {
        var type: String
        var text: String?
    }

    private struct Call: Decodable {
        struct Function: Decodable {
            var name: String
            var arguments: String?
        }

        var id: String?
        var function: Function
    }

    private enum CodingKeys: String, CodingKey {
        case role, content, name, reasoning
        case reasoningContent = "reasoning_content"
        case toolCalls = "tool_calls"
        case toolCallID = "tool_call_id"
    }

    var message: ChatMessage

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let path = FieldName.path(decoder.codingPath)
        let sent = try fields.decode(String.self, forKey: .role)
        switch sent {
        case "system", "user", "assistant", "tool": message = ChatMessage(role: sent, content: "")
        case "developer": message = ChatMessage(role: "system", content: "")
        default:
            throw APIError.invalidRequest(
                "'\(path).role' must be system, developer, user, assistant or tool.",
                param: "\(path).role"
            )
        }
        // An assistant's turn that only called tools has no text.
        let isAbsent = try !fields.contains(.content) || fields.decodeNil(forKey: .content)
        if !isAbsent || sent != "assistant" { message.content = try Self.content(fields, path: path) }
        switch sent {
        case "assistant":
            message.reasoning =
                try fields.decodeIfPresent(String.self, forKey: .reasoningContent)
                ?? fields.decodeIfPresent(String.self, forKey: .reasoning)
            message.toolCalls = try (fields.decodeIfPresent([Call].self, forKey: .toolCalls) ?? []).map { call in
                ToolCall(id: call.id ?? "", name: call.function.name, arguments: call.function.arguments ?? "{}")
            }
        case "tool":
            message.toolCallID = try fields.decodeIfPresent(String.self, forKey: .toolCallID)
            message.toolName = try fields.decodeIfPresent(String.self, forKey: .name)
        default: break
        }
    }

    private static func content(_ fields: KeyedDecodingContainer<CodingKeys>, path: String) throws -> String {
        if let text = try? fields.decode(String.self, forKey: .content) { return text }
        if var list = try? fields.nestedUnkeyedContainer(forKey: .content) { return try text(of: &list, path: path) }
        throw APIError.invalidRequest(
            "'\(path).content' must be a string or a list of text parts.",
            param: "\(path).content"
        )
    }

    private static func text(of list: inout any UnkeyedDecodingContainer, path: String) throws -> String {
        var text = ""
        while !list.isAtEnd {
            let index = list.currentIndex
            let part = try list.decode(Part.self)
            guard part.type == "text", let partText = part.text else {
                throw APIError.invalidRequest(
                    "Part \(index) of '\(path).content' is not text; only parts of type 'text' can be read.",
                    param: "\(path).content[\(index)]"
                )
            }
            text += partText
        }
        return text
    }
}

extension [ChatMessage] {
    /// The same, with the function's name in each result that names its call alone: some templates show it.
    func namingTools() -> [ChatMessage] {
        var names: [String: String] = [:]
        return map { message in
            for call in message.toolCalls where !call.id.isEmpty { names[call.id] = call.name }
            var message = message
            if message.toolName == nil, let id = message.toolCallID { message.toolName = names[id] }
            return message
        }
    }
}
