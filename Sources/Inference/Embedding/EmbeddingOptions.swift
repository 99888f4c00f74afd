internal import InferenceKernels

/// How an embedding model uses the machine.
public struct EmbeddingOptions: Hashable, Sendable {
    /// The number of computing threads, 1 to 64; `nil` takes all processors, or one for small models.
    public var threads: Int?
    /// The tokens of a text that count; never more than the model has positions.
    ///
    /// `nil` takes what the model was trained on, where its file says so, and else all its positions up to 8,192.
    public var maxTokens: Int?
    /// How many calls wait before more are refused.
    public var queueLimit: Int

    /// Options for an embedding model.
    public init(threads: Int? = nil, maxTokens: Int? = nil, queueLimit: Int = 64) {
        self.threads = threads
        self.maxTokens = maxTokens
        self.queueLimit = queueLimit
    }

    /// Below 8 MB a second thread costs more than it computes.
    func threads(fileSize: Int) -> Int {
        min(max(threads ?? (fileSize < 8 << 20 ? 1 : Int(ik_processors())), 1), 64)
    }
}

/// Vectors of texts, and what they cost.
public struct Embeddings: Hashable, Sendable {
    /// One vector of length 1 for each text.
    public var vectors: [[Float]]
    /// The tokens of each text that were computed, special ones included.
    public var tokenCounts: [Int]

    /// Vectors of texts with their costs.
    public init(vectors: [[Float]], tokenCounts: [Int]) {
        self.vectors = vectors
        self.tokenCounts = tokenCounts
    }
}

/// Why texts got no vectors.
public enum EmbeddingError: Error, Hashable, CustomStringConvertible {
    /// More texts than one call may have.
    case tooMany(texts: Int, limit: Int)
    /// This many calls wait already.
    case busy(waiting: Int)
    /// The task was cancelled.
    case cancelled
    /// The machine ran out of something.
    case failed(ModelError)
    /// The program behind an adapter cannot be reached, or refuses; the text says why.
    case unavailable(String)

    /// The sentence for a person: what failed, and what to do next.
    public var description: String {
        switch self {
        case .tooMany(let texts, let limit): "\(texts) texts are more than \(limit); send them in several calls"
        case .busy(let waiting): "\(waiting) calls are waiting already; try again later"
        case .cancelled: "the call was cancelled"
        case .failed(let error): error.description
        case .unavailable(let reason): reason
        }
    }
}
