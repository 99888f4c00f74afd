/// What a caller asks of a model.
public struct ChatRequest: Hashable, Sendable {
    /// A model's name as listed by ``ChatBackend/models()``.
    public var model: String
    /// The conversation, oldest turn first; at least one.
    public var messages: [ChatMessage]
    /// The most tokens to generate; `nil`: as many as the context holds.
    public var maxTokens: Int?
    /// How tokens are chosen.
    public var sampling: Sampling
    /// The answer ends before any of these strings; at most four.
    public var stop: [String]
    /// The functions that the model may ask for.
    public var tools: [Tool]
    /// Which of them.
    public var toolChoice: ToolChoice
    /// What the answer is kept to.
    public var format: ResponseFormat
    /// Whether the model is to think first, where it lets that be chosen.
    public var thinking: Bool?
    /// Whether a receipt of computation is wanted; only nodes whose engine is bit-exact can give one.
    public var wantsReceipt: Bool

    /// Makes a request.
    public init(
        model: String,
        messages: [ChatMessage],
        maxTokens: Int? = nil,
        sampling: Sampling = Sampling(),
        stop: [String] = [],
        tools: [Tool] = [],
        toolChoice: ToolChoice = .auto,
        format: ResponseFormat = .text,
        thinking: Bool? = nil,
        wantsReceipt: Bool = false
    ) {
        self.model = model
        self.messages = messages
        self.maxTokens = maxTokens
        self.sampling = sampling
        self.stop = stop
        self.tools = tools
        self.toolChoice = toolChoice
        self.format = format
        self.thinking = thinking
        self.wantsReceipt = wantsReceipt
    }
}
