/// What the engine behind a model's offer can do, in the bits of `ModelOffer.capabilities`.
public struct ModelCapabilities: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt32

    /// A set of these bits; those without a meaning are kept.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The same request gives the same bits on every machine, and answers carry receipts of computation.
    public static let isBitExact = ModelCapabilities(rawValue: 1 << 0)
    /// Calls tools.
    public static let tools = ModelCapabilities(rawValue: 1 << 1)
    /// Keeps answers to a JSON schema.
    public static let schemas = ModelCapabilities(rawValue: 1 << 2)
    /// Keeps answers to a grammar in GBNF.
    public static let grammars = ModelCapabilities(rawValue: 1 << 3)
    /// Tells log probabilities.
    public static let logprobs = ModelCapabilities(rawValue: 1 << 4)
    /// Counts tokens only when an answer ends; what it says before is an upper bound.
    public static let estimatesTokens = ModelCapabilities(rawValue: 1 << 5)
    /// Turns texts into vectors.
    public static let embeddings = ModelCapabilities(rawValue: 1 << 6)
    /// Turns texts into vectors, and does not chat.
    public static let embedsOnly = ModelCapabilities(rawValue: 1 << 7)
}
