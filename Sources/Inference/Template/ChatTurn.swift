/// One message of a conversation, as a chat template sees it.
public struct ChatTurn: Hashable, Sendable {
    /// Who speaks: `system`, `user`, `assistant` or `tool`, or what else the template knows.
    public var role: String
    /// What is said; the result, in a turn of the role `tool`.
    public var content: String
    /// What the assistant thought before it spoke; templates show it to the model or leave it out, as it was trained.
    public var reasoning: String?
    /// What the assistant asked its caller to run.
    public var toolCalls: [ChatToolCall]
    /// In a turn of the role `tool`, the call that it answers.
    public var toolCallID: String?
    /// In a turn of the role `tool`, the function that answers.
    public var toolName: String?

    /// A message of a conversation.
    public init(
        role: String,
        content: String,
        reasoning: String? = nil,
        toolCalls: [ChatToolCall] = [],
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
