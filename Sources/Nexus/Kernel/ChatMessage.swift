/// One turn of a conversation.
public struct ChatMessage: Hashable, Sendable {
    /// Who speaks: `system`, `user`, `assistant` or `tool`.
    public var role: String
    /// What is said; the result, in a turn of the role `tool`.
    public var content: String
    /// What the assistant thought before it spoke.
    public var reasoning: String?
    /// What the assistant asked its caller to run.
    public var toolCalls: [ToolCall]
    /// In a turn of the role `tool`, the call that it answers.
    public var toolCallID: String?
    /// In a turn of the role `tool`, the function that answers, where the caller says it.
    public var toolName: String?

    /// Makes a turn.
    public init(
        role: String,
        content: String,
        reasoning: String? = nil,
        toolCalls: [ToolCall] = [],
        toolCallID: String? = nil,
        toolName: String? = nil
    ) {
        self.role = role
        self.content = content
        self.reasoning = reasoning
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.toolName = toolName
    }
}

/// A model's wish that its caller runs a function.
public struct ToolCall: Hashable, Sendable {
    /// What the result refers to; empty where nobody has named the call yet.
    public var id: String
    /// The name of the function.
    public var name: String
    /// The arguments as JSON text, in the model's own spelling.
    public var arguments: String

    /// A call of the function `name`.
    public init(id: String = "", name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// A function that the model may ask its caller to run.
public struct Tool: Hashable, Sendable {
    /// The name by which the model calls it.
    public var name: String
    /// What it does, for the model.
    public var description: String
    /// The JSON schema of its arguments, as JSON text; empty for a function without any.
    public var parameters: String

    /// A function that the model may ask for.
    public init(name: String, description: String = "", parameters: String = "") {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

/// Which tools an answer may or must call.
public enum ToolChoice: Hashable, Sendable {
    /// The model chooses.
    case auto
    /// No tool.
    case none
    /// At least one tool.
    case required
    /// This tool.
    case function(String)
}

/// What an answer's text is kept to.
public enum ResponseFormat: Hashable, Sendable {
    /// Nothing.
    case text
    /// Any JSON object.
    case jsonObject
    /// JSON that is valid under this schema, as JSON text.
    case jsonSchema(String)
    /// A grammar in GBNF, the notation of llama.cpp.
    case gbnf(String)
}
