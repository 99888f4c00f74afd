/// What to generate.
public struct GenerationRequest: Hashable, Sendable {
    /// The most stop strings that a request may have; the OpenAI API allows 4.
    public static let stopLimit = 16
    /// The most bytes that a stop string may have: that much text is held back while it may be the start of one.
    public static let stopLengthLimit = 1024

    /// The prompt, from `Engine.prompt` or a tokenizer.
    public var promptTokens: [TokenID]
    /// The most tokens to generate, at least 1; `nil` goes on to the end of the context.
    public var maxTokens: Int?
    /// How tokens are chosen.
    public var sampling: Sampling
    /// Texts that end the generation; they are not part of its text.
    public var stop: [String]
    /// What the answer's text is kept to at every token, or `nil`.
    ///
    /// An answer that is whole and cannot go on ends with `.stop`, without an end token.
    public var grammar: Grammar?
    /// Whether `Generation.receipt` is wanted; it costs less than a hundredth of the time.
    public var wantsReceipt: Bool

    /// A request for an answer to `promptTokens`.
    public init(
        promptTokens: [TokenID],
        maxTokens: Int? = nil,
        sampling: Sampling = .greedy,
        stop: [String] = [],
        grammar: Grammar? = nil,
        wantsReceipt: Bool = false
    ) {
        self.promptTokens = promptTokens
        self.maxTokens = maxTokens
        self.sampling = sampling
        self.stop = stop
        self.grammar = grammar
        self.wantsReceipt = wantsReceipt
    }

    /// What is wrong with the request itself, or `nil`.
    var fault: String? {
        if let maxTokens, maxTokens < 1 { return "max_tokens \(maxTokens) is below 1" }
        if stop.count > Self.stopLimit { return "\(stop.count) stop strings are more than \(Self.stopLimit)" }
        if stop.contains(where: \.isEmpty) { return "a stop string is empty" }
        if stop.contains(where: { $0.utf8.count > Self.stopLengthLimit }) {
            return "a stop string is longer than \(Self.stopLengthLimit) bytes"
        }
        return sampling.fault
    }
}

/// Why a generation could not start or go on.
public enum GenerationError: Error, Hashable, CustomStringConvertible {
    /// The prompt leaves no room for an answer.
    case contextOverflow(promptTokens: Int, contextLength: Int)
    /// The prompt is empty.
    case emptyPrompt
    /// The prompt has a token that the model does not know.
    case unknownToken(TokenID)
    /// A value of the request makes no sense; the text says which.
    case invalid(String)
    /// All slots are taken and this many requests wait already.
    case busy(waiting: Int)
    /// The engine was closed.
    case closed
    /// The machine ran out of something.
    case failed(ModelError)

    /// The sentence for a person: what failed, and what to do next.
    public var description: String {
        switch self {
        case .contextOverflow(let prompt, let context):
            "the prompt has \(prompt) tokens, and the context of \(context) has room for \(context - 1); shorten it"
        case .emptyPrompt: "the prompt has no tokens"
        case .unknownToken(let id): "token \(id) is not in the model's vocabulary"
        case .invalid(let reason): reason
        case .busy(let waiting): "\(waiting) requests are waiting already; try again later"
        case .closed: "the engine was closed"
        case .failed(let error): error.description
        }
    }
}

/// Why a generation ended.
public enum FinishReason: String, Hashable, Sendable {
    /// The model ended its answer, or a stop string came.
    case stop
    /// `maxTokens` or the context's end was reached.
    case length
    /// It was cancelled.
    case cancelled
}

/// What a generation reports.
public enum GenerationEvent: Hashable, Sendable {
    /// More text, and how many tokens were computed for it.
    ///
    /// Whole characters, never a part of a stop string. Tokens without text, such as the end token, are counted in
    /// `completionTokens` only.
    case text(String, tokens: Int)
    /// The end: why, the tokens of the prompt and of the answer (an end token included), and how long each took.
    case finished(
        FinishReason,
        promptTokens: Int,
        completionTokens: Int,
        prefill: Duration,
        decode: Duration
    )
}
