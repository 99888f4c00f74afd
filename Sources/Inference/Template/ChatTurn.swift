/// One message of a conversation, as a chat template sees it.
public struct ChatTurn: Hashable, Sendable {
    /// Who speaks: `system`, `user`, `assistant` or `tool`, or what else the template knows.
    public var role: String
    /// What is said.
    public var content: String

    /// A message of a conversation.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}
