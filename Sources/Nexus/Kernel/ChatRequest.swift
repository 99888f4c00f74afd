public import Ledger

/// One turn of a conversation.
public struct ChatMessage: Hashable, Sendable, Codable {
    /// Who speaks: `system`, `user`, `assistant` or `tool`.
    public var role: String
    /// What is said.
    public var content: String

    /// Makes a turn.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}

/// How the next token is chosen.
public struct Sampling: Hashable, Sendable {
    /// 0 is greedy.
    public var temperature: Double
    /// Keep the smallest set of tokens whose probabilities reach this sum; 1 keeps all.
    public var topP: Double
    /// Keep this many of the most probable tokens; 0 keeps all.
    public var topK: Int
    /// The same seed, prompt and model give the same answer.
    ///
    /// `nil` draws one.
    public var seed: UInt64?

    /// Makes a rule; the defaults are OpenAI's.
    public init(temperature: Double = 1, topP: Double = 1, topK: Int = 0, seed: UInt64? = nil) {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.seed = seed
    }
}

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

    /// Makes a request.
    public init(
        model: String,
        messages: [ChatMessage],
        maxTokens: Int? = nil,
        sampling: Sampling = Sampling(),
        stop: [String] = []
    ) {
        self.model = model
        self.messages = messages
        self.maxTokens = maxTokens
        self.sampling = sampling
        self.stop = stop
    }
}

/// Why an answer ended.
public enum FinishReason: String, Sendable, Hashable {
    /// The model ended it, or a stop string did.
    case stop
    /// The limit of tokens was reached.
    case length
    /// The caller stopped it or left.
    case cancelled
    /// The model waits for what its calls give.
    case toolCalls = "tool_calls"
}

/// Tokens that were read and written.
public struct Usage: Hashable, Sendable {
    /// Tokens of the rendered prompt.
    public var promptTokens: Int
    /// Tokens generated.
    public var completionTokens: Int

    /// Makes a count.
    public init(promptTokens: Int, completionTokens: Int) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
    }
}

/// What happens while an answer is written.
public enum ChatEvent: Hashable, Sendable {
    /// More text, with the number of tokens it stands for.
    case delta(text: String, tokens: Int)
    /// The answer is complete and paid for. Nothing follows.
    case finished(ChatSummary)
}

/// The account of a finished answer.
public struct ChatSummary: Hashable, Sendable {
    /// Why it ended.
    public var reason: FinishReason
    /// What was read and written.
    public var usage: Usage
    /// What it cost.
    public var cost: Nano
    /// The hash of the node's signed receipt, in hex with `0x`.
    public var receipt: String

    /// Makes an account.
    public init(reason: FinishReason, usage: Usage, cost: Nano, receipt: String) {
        self.reason = reason
        self.usage = usage
        self.cost = cost
        self.receipt = receipt
    }
}
