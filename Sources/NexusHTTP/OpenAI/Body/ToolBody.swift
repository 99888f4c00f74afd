internal import FoundationEssentials
internal import Nexus

/// A tool: a function is the only kind there is.
struct ToolBody: Decodable {
    struct Function: Decodable {
        var name: String
        var description: String?
        var parameters: AnObject?
    }

    var type: String?
    var function: Function

    /// The tools, with their schemas as they were written in `body`.
    static func tools(_ bodies: [ToolBody], in body: Data) throws(APIError) -> [Tool] {
        guard !bodies.isEmpty else { return [] }
        let raw = RawJSON(body)["tools"]?.elements ?? []
        var tools: [Tool] = []
        for (index, tool) in bodies.enumerated() {
            guard tool.type ?? "function" == "function" else {
                throw .invalidRequest(
                    "'tools[\(index)].type' must be function; there is no other kind of tool here.",
                    param: "tools[\(index)].type"
                )
            }
            guard isName(tool.function.name) else {
                throw .invalidRequest(
                    "'tools[\(index)].function.name' must have 1 to 64 letters, digits, '_', '-' and '.'.",
                    param: "tools[\(index)].function.name"
                )
            }
            var read = Tool(name: tool.function.name, description: tool.function.description ?? "")
            if tool.function.parameters != nil {
                guard raw.indices.contains(index), let schema = raw[index]["function"]?["parameters"] else {
                    throw .invalidRequest("'tools[\(index)].function.parameters' cannot be read.", param: "tools")
                }
                read.parameters = schema.text
            }
            tools.append(read)
        }
        return tools
    }

    private static func isName(_ name: String) -> Bool { FieldName.isPlain(name) }
}

/// A JSON object, whatever is in it.
struct AnObject: Decodable {
    init(from decoder: any Decoder) throws {
        _ = try decoder.container(keyedBy: FieldName.self)
    }
}

/// `none`, `auto`, `required`, or an object that names a function.
struct ToolChoiceBody: Decodable {
    private struct Named: Decodable {
        struct Function: Decodable {
            var name: String
        }

        var function: Function
    }

    var choice: ToolChoice

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        switch try? value.decode(String.self) {
        case "auto": choice = .auto
        case "none": choice = .none
        case "required", "any": choice = .required
        case nil:
            if let named = try? value.decode(Named.self) {
                choice = .function(named.function.name)
            } else {
                fallthrough
            }
        default:
            throw APIError.invalidRequest(
                """
                'tool_choice' must be none, auto, required, or {"type": "function", "function": {"name": "…"}}.
                """,
                param: "tool_choice"
            )
        }
    }
}
