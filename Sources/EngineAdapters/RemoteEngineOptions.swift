/// How another engine is waited for, and what it does not say itself.
public struct RemoteEngineOptions: Hashable, Sendable {
    /// How long a connection may take.
    public var connectDeadline: Duration
    /// How long a call other than an answer may take, such as counting the tokens of a prompt.
    public var callDeadline: Duration
    /// How long the first token may take: the prompt is read before it, and others may be served first.
    public var firstTokenDeadline: Duration
    /// How long the engine may be silent between two tokens.
    public var silenceDeadline: Duration
    /// How long an engine is given to refuse a request before it counts as taken.
    ///
    /// Refusals come at once; some engines say nothing until the first token.
    public var refusalWait: Duration
    /// How many conversations the engine answers side by side; `nil` takes what it says.
    public var slots: Int?
    /// The positions of a conversation; `nil` takes what the engine says.
    public var contextLength: Int?
    /// How many answers beyond the slots may be under way before more are refused.
    public var queueLimit: Int

    /// Options for an engine.
    public init(
        connectDeadline: Duration = .seconds(5),
        callDeadline: Duration = .seconds(30),
        firstTokenDeadline: Duration = .seconds(300),
        silenceDeadline: Duration = .seconds(60),
        refusalWait: Duration = .seconds(1),
        slots: Int? = nil,
        contextLength: Int? = nil,
        queueLimit: Int = 64
    ) {
        self.connectDeadline = connectDeadline
        self.callDeadline = callDeadline
        self.firstTokenDeadline = firstTokenDeadline
        self.silenceDeadline = silenceDeadline
        self.refusalWait = refusalWait
        self.slots = slots
        self.contextLength = contextLength
        self.queueLimit = queueLimit
    }
}
