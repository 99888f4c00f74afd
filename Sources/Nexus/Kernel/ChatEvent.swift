public import Ledger

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
    /// Those of the prompt that were found in the node's cache; `nil` where that is not known.
    public var cachedPromptTokens: Int?

    /// Makes a count.
    public init(promptTokens: Int, completionTokens: Int, cachedPromptTokens: Int? = nil) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.cachedPromptTokens = cachedPromptTokens
    }
}

/// A token of an answer as its text, with the natural logarithm of the probability that the model gave it.
public struct TokenLogprob: Hashable, Sendable {
    /// One of the most likely tokens at a place.
    public struct Choice: Hashable, Sendable {
        /// The bytes of the token's text, which may end inside a character.
        public var bytes: [UInt8]
        /// The natural logarithm of its probability.
        public var logprob: Float

        /// A token and its probability.
        public init(bytes: [UInt8], logprob: Float) {
            self.bytes = bytes
            self.logprob = logprob
        }
    }

    /// The token that was chosen.
    public var token: Choice
    /// The most likely tokens, the first first.
    public var top: [Choice]

    /// A token and those that it was chosen from.
    public init(token: Choice, top: [Choice]) {
        self.token = token
        self.top = top
    }
}

/// More of an answer.
public struct ChatDelta: Hashable, Sendable {
    /// What the model says.
    public var text: String
    /// What it thinks before it says something.
    public var reasoning: String
    /// What it wants its caller to run; each call comes whole.
    public var toolCalls: [ToolCall]
    /// Of the tokens that this covers, if they were asked for.
    public var logprobs: [TokenLogprob]
    /// How many tokens this stands for.
    public var tokens: Int

    /// Makes a part of an answer.
    public init(
        text: String = "",
        reasoning: String = "",
        toolCalls: [ToolCall] = [],
        logprobs: [TokenLogprob] = [],
        tokens: Int = 0
    ) {
        self.text = text
        self.reasoning = reasoning
        self.toolCalls = toolCalls
        self.logprobs = logprobs
        self.tokens = tokens
    }

    /// Whether it stands for tokens alone.
    public var isEmpty: Bool { text.isEmpty && reasoning.isEmpty && toolCalls.isEmpty && logprobs.isEmpty }
}

/// What happens while an answer is written.
public enum ChatEvent: Hashable, Sendable {
    /// More of the answer.
    case delta(ChatDelta)
    /// The answer is complete and paid for. Nothing follows.
    case finished(ChatSummary)

    /// More text, with the number of tokens it stands for.
    public static func text(_ text: String, tokens: Int) -> ChatEvent { .delta(ChatDelta(text: text, tokens: tokens)) }
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
    /// What was computed, with all that is needed to check it, as JSON text; `nil` if it was not asked for, or the node
    /// cannot tell.
    public var computation: String?

    /// Makes an account.
    public init(reason: FinishReason, usage: Usage, cost: Nano, receipt: String, computation: String? = nil) {
        self.reason = reason
        self.usage = usage
        self.cost = cost
        self.receipt = receipt
        self.computation = computation
    }
}
