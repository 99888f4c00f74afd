/// What answers conversations: the embedded engine, or another program behind an adapter.
///
/// A node asks in two steps, so that it knows what a prompt costs before it takes up the work.
public protocol ChatEngine: Sendable {
    /// What it serves.
    var profile: EngineProfile { get }

    /// What it is doing, for metrics and for routing.
    var usage: EngineUsage { get }

    /// Reads a conversation: counts its tokens, and refuses what the model cannot answer.
    func read(_ conversation: Conversation) async throws(ChatEngineError) -> any ReadConversation

    /// Gives up what is being answered, and refuses more.
    func close() async
}

/// A conversation that an engine has read and can answer.
public protocol ReadConversation: Sendable {
    /// The tokens of the prompt; an upper bound where the profile says `.estimatesTokens`.
    var promptTokens: Int { get }

    /// Starts an answer.
    ///
    /// - Parameter limit: the most tokens, at least 1; `nil` goes on to the end of the context.
    func answer(limit: Int?) async throws(ChatEngineError) -> any AnswerStream
}

/// An answer that is being written.
///
/// Letting go of it, cancelling it, or cancelling the reading task ends the work. One task reads at a time.
public protocol AnswerStream: Sendable {
    /// The next event, or `nil` after `.finished`.
    func next() async throws(ChatEngineError) -> AnswerEvent?

    /// Ends the answer at the next token; `.finished(.cancelled, …)` still comes.
    func cancel()
}

/// What an engine serves, and what it can do.
public struct EngineProfile: Hashable, Sendable {
    /// What not every engine can do.
    public struct Capabilities: OptionSet, Hashable, Sendable {
        /// The bits.
        public let rawValue: Int

        /// A set of these bits.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The same request gives the same bits on every machine, and answers carry receipts of computation.
        public static let isBitExact = Capabilities(rawValue: 1 << 0)
        /// Calls tools.
        public static let tools = Capabilities(rawValue: 1 << 1)
        /// Keeps answers to a JSON schema.
        public static let schemas = Capabilities(rawValue: 1 << 2)
        /// Keeps answers to a grammar in GBNF.
        public static let grammars = Capabilities(rawValue: 1 << 3)
        /// Tells log probabilities.
        public static let logprobs = Capabilities(rawValue: 1 << 4)
        /// Cannot count a prompt's tokens before it answers; what it says before is an upper bound.
        public static let estimatesTokens = Capabilities(rawValue: 1 << 5)
        /// Turns texts into vectors, and answers no conversation.
        public static let embedsOnly = Capabilities(rawValue: 1 << 7)
    }

    /// The program: `lattice`, `llama.cpp`, `ollama`, `vllm`, or `openai` for what only speaks that API.
    public var engine: String
    /// The model's name.
    public var model: String
    /// The SHA-256 that stands for the model, in hexadecimal: of its file, or of its name where the file is unknown.
    public var fingerprint: String
    /// The positions of a conversation, prompt and answer together.
    public var contextLength: Int
    /// How many conversations are answered side by side.
    public var slots: Int
    /// What it can do.
    public var capabilities: Capabilities

    /// A description of an engine.
    public init(
        engine: String,
        model: String,
        fingerprint: String,
        contextLength: Int,
        slots: Int,
        capabilities: Capabilities
    ) {
        self.engine = engine
        self.model = model
        self.fingerprint = fingerprint
        self.contextLength = contextLength
        self.slots = slots
        self.capabilities = capabilities
    }
}

/// A conversation, and how its next turn is to be written.
public struct Conversation: Hashable, Sendable {
    /// Which tools the answer may or must call.
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

    /// What the answer's text is kept to.
    public enum Format: Hashable, Sendable {
        case text
        /// Any JSON object.
        case jsonObject
        /// JSON that is valid under this schema, as JSON text.
        case jsonSchema(String)
        /// A grammar in GBNF.
        case gbnf(String)
    }

    /// The turns so far, the oldest first.
    public var turns: [ChatTurn]
    /// The functions that the model may ask for.
    public var tools: [ChatTool]
    /// Which of them.
    public var toolChoice: ToolChoice
    /// What the answer is kept to.
    public var format: Format
    /// Whether the model is to think first, where it lets that be chosen.
    public var thinking: Bool?
    /// How tokens are chosen.
    public var sampling: Sampling
    /// Texts that end the answer; they are not part of it.
    public var stop: [String]
    /// Whether a receipt of computation is wanted, if the engine is bit-exact.
    public var wantsReceipt: Bool

    /// A conversation.
    public init(
        turns: [ChatTurn],
        tools: [ChatTool] = [],
        toolChoice: ToolChoice = .auto,
        format: Format = .text,
        thinking: Bool? = nil,
        sampling: Sampling = .greedy,
        stop: [String] = [],
        wantsReceipt: Bool = false
    ) {
        self.turns = turns
        self.tools = tools
        self.toolChoice = toolChoice
        self.format = format
        self.thinking = thinking
        self.sampling = sampling
        self.stop = stop
        self.wantsReceipt = wantsReceipt
    }
}

/// What happens while an answer is written.
public enum AnswerEvent: Hashable, Sendable {
    /// More of the answer, for so many tokens; the parts may be none, as a token may end inside a character or a call.
    case parts([ChatOutputPart], tokens: Int, logprobs: [AnswerLogprob])
    /// The end; nothing follows.
    case finished(AnswerEnding)
}

/// A token of an answer as its text, with the natural logarithm of the probability that the model gave it.
public struct AnswerLogprob: Hashable, Sendable {
    /// One of the most likely tokens at a place.
    public struct Alternative: Hashable, Sendable {
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
    public var token: Alternative
    /// The most likely tokens, the first first.
    public var top: [Alternative]

    /// A token and those that it was chosen from.
    public init(token: Alternative, top: [Alternative]) {
        self.token = token
        self.top = top
    }
}

/// The account of an answer.
public struct AnswerEnding: Hashable, Sendable {
    /// Why it ended.
    public var reason: FinishReason
    /// The tokens of the prompt.
    public var promptTokens: Int
    /// Those of them that were found in the engine's cache.
    public var cachedPromptTokens: Int
    /// The tokens of the answer, an end token included.
    public var completionTokens: Int
    /// The time spent on the prompt.
    public var prefill: Duration
    /// The time spent on the answer.
    public var decode: Duration
    /// What was computed, with all that others need to check it, if it was asked for.
    public var computation: ReceiptFile?

    /// The account of an answer.
    public init(
        reason: FinishReason,
        promptTokens: Int,
        cachedPromptTokens: Int = 0,
        completionTokens: Int,
        prefill: Duration,
        decode: Duration,
        computation: ReceiptFile? = nil
    ) {
        self.reason = reason
        self.promptTokens = promptTokens
        self.cachedPromptTokens = cachedPromptTokens
        self.completionTokens = completionTokens
        self.prefill = prefill
        self.decode = decode
        self.computation = computation
    }
}

/// Why an engine does not answer.
public enum ChatEngineError: Error, Hashable, CustomStringConvertible {
    /// The request makes no sense to this model; the text says what and why.
    case badRequest(String)
    /// The prompt leaves no room for an answer.
    case contextOverflow(promptTokens: Int, contextLength: Int)
    /// Too many requests wait already.
    case busy
    /// The engine was closed, or the program behind it cannot be reached.
    case unavailable(String)
    /// The engine failed while it worked.
    case failed(String)

    /// The sentence for a person: what failed, and what to do next.
    public var description: String {
        switch self {
        case .badRequest(let reason): reason
        case .contextOverflow(let prompt, let context):
            "the prompt has \(prompt) tokens, and the context of \(context) has room for \(context - 1); shorten it"
        case .busy: "too many requests wait already; try again later"
        case .unavailable(let reason): "the engine cannot be reached: \(reason)"
        case .failed(let reason): "the engine failed: \(reason)"
        }
    }
}

/// What turns texts into vectors: the embedded model, or another program behind an adapter.
public protocol TextEmbedder: Sendable {
    /// The model's name.
    var modelName: String { get }
    /// The number of dimensions of a vector.
    var dimensions: Int { get }
    /// The SHA-256 that stands for the model, in hexadecimal.
    var fingerprint: String { get }
    /// The tokens of a text that count; longer texts are cut.
    var maxTokens: Int { get }

    /// The vectors of `texts`, of length 1, in their order, with what they cost.
    func embeddings(of texts: [String]) async throws(EmbeddingError) -> Embeddings
}

extension EmbeddingModel: TextEmbedder {}
