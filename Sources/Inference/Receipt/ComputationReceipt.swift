/// What a node says it computed, in a form that can be checked by computing it again.
///
/// The engine's arithmetic is the same bit for bit on every machine. So a hash over all logits and all chosen tokens of an
/// answer is a number that only a node can know that ran this model on this prompt, and any other node with the model can
/// find out whether it is right, at the price of reading the answer like a prompt (`Engine.verify`).
///
/// The chain is a row of SHA-256 hashes:
///
/// ```
/// h(0)     = SHA256("lattice receipt 1" ‖ model ‖ cache ‖ prompt ‖ sampling ‖ grammar)
/// h(n + 1) = SHA256(h(n) ‖ logits that token n was chosen from ‖ token n)
/// ```
///
/// where logits are the exact 32-bit floats of all tokens before anything of the sampling changes them, the token is a
/// 32-bit integer, and all numbers are little-endian. Nothing is rounded: nodes whose arithmetic differs in the last bit
/// would disagree at any place where rounding falls either way. The rest of `h(0)` is in `ReceiptChain`. Hashing a step
/// takes the time of reading its logits once, far below a hundredth of computing them.
public struct ComputationReceipt: Hashable, Sendable {
    /// The version of the rules for the chain.
    public static let version = 1

    /// The SHA-256 of the model's file in hexadecimal, `Engine.fingerprint`: of its weights, vocabulary and template.
    public var model: String
    /// How the cache keeps keys and values, which is part of the arithmetic.
    public var cache: CacheType
    /// The SHA-256 of the prompt's tokens in hexadecimal.
    public var promptHash: String
    /// The number of the prompt's tokens.
    public var promptTokens: Int
    /// The number of the answer's tokens, an end token included.
    public var tokens: Int
    /// How tokens were chosen.
    public var sampling: Sampling
    /// The SHA-256 of the grammar's text in hexadecimal, if there was one.
    public var grammar: String?
    /// The last hash of the chain in hexadecimal.
    public var chain: String
}

extension ComputationReceipt: Codable {
    private enum Key: String, CodingKey {
        case version, model, cache, promptHash, promptTokens, tokens, sampling, grammar, chain
    }

    /// Reads a receipt of the version that this engine computes.
    public init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let version = try container.decode(Int.self, forKey: .version)
        guard version == Self.version else {
            throw DecodingError.dataCorruptedError(
                forKey: .version,
                in: container,
                debugDescription: "receipts of version \(version) cannot be checked, only of version \(Self.version)"
            )
        }
        model = try container.decode(String.self, forKey: .model)
        let cacheName = try container.decode(String.self, forKey: .cache)
        guard let cache = CacheType(rawValue: cacheName) else {
            throw DecodingError.dataCorruptedError(
                forKey: .cache,
                in: container,
                debugDescription: "there is no cache of type \(cacheName)"
            )
        }
        self.cache = cache
        promptHash = try container.decode(String.self, forKey: .promptHash)
        promptTokens = try container.decode(Int.self, forKey: .promptTokens)
        tokens = try container.decode(Int.self, forKey: .tokens)
        sampling = try container.decode(Sampling.self, forKey: .sampling)
        grammar = try container.decodeIfPresent(String.self, forKey: .grammar)
        chain = try container.decode(String.self, forKey: .chain)
    }

    /// Writes the receipt with its version.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.version, forKey: .version)
        try container.encode(model, forKey: .model)
        try container.encode(cache.rawValue, forKey: .cache)
        try container.encode(promptHash, forKey: .promptHash)
        try container.encode(promptTokens, forKey: .promptTokens)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(sampling, forKey: .sampling)
        try container.encodeIfPresent(grammar, forKey: .grammar)
        try container.encode(chain, forKey: .chain)
    }
}

/// What computes: the parts of a receipt that are the engine's.
struct ReceiptOrigin: Hashable, Sendable {
    /// `Engine.fingerprint`.
    let model: String
    let cache: CacheType
}

/// Why a receipt is not believed.
public enum ReceiptFault: Error, Hashable, CustomStringConvertible {
    /// It is for another model.
    case model(claimed: String, loaded: String)
    /// It is for an engine whose cache is of another type.
    case cache(claimed: CacheType, used: CacheType)
    /// It is for another prompt.
    case prompt
    /// It is for another grammar, or for none, or none was given.
    case grammar
    /// It is for another number of tokens.
    case tokens(claimed: Int, given: Int)
    /// At this place of the answer, counted from 0, the sampling chooses another token.
    case choice(position: Int, claimed: TokenID, chosen: TokenID)
    /// Tokens are as the sampling chooses them, but the chain is of other logits.
    case chain
    /// The receipt's values make no sense; the text says which.
    case invalid(String)
    /// It could not be checked.
    case failed(GenerationError)

    /// The sentence for a person.
    public var description: String {
        switch self {
        case .model(let claimed, let loaded): "the receipt is for model \(claimed), and \(loaded) is loaded"
        case .cache(let claimed, let used):
            "the receipt is for a cache of type \(claimed.rawValue), and the engine's is \(used.rawValue)"
        case .prompt: "the receipt is for another prompt"
        case .grammar: "the receipt is for another grammar"
        case .tokens(let claimed, let given): "the receipt is for \(claimed) tokens, and the answer has \(given)"
        case .choice(let position, let claimed, let chosen):
            "token \(position) of the answer is \(claimed), where the model and the seed give \(chosen)"
        case .chain: "the receipt's hash is not that of the model's logits"
        case .invalid(let reason): "the receipt makes no sense: \(reason)"
        case .failed(let error): "the receipt could not be checked: \(error)"
        }
    }
}
