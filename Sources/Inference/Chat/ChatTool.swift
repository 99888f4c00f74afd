/// A function that the model may ask its caller to run.
public struct ChatTool: Hashable, Sendable {
    /// The name by which the model calls it.
    public var name: String
    /// What it does, for the model.
    public var description: String
    /// The JSON schema of its arguments, as JSON text: an object.
    public var parameters: String

    /// A function that the model may ask for.
    public init(name: String, description: String = "", parameters: String = #"{"type":"object","properties":{}}"#) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

/// A model's wish that its caller runs a function.
public struct ChatToolCall: Hashable, Sendable {
    /// What the result is to refer to, if the model or the caller gave it a name.
    public var id: String?
    /// The name of the function.
    public var name: String
    /// The arguments as JSON text, in the model's own spelling.
    public var arguments: String

    /// A call of the function `name`.
    public init(id: String? = nil, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}
