internal import InferenceKernels

/// Computes vectors, on one thread at a time.
protocol EmbeddingComputer: Sendable {
    /// The number of dimensions.
    var width: Int { get }
    /// The most tokens in a text.
    var maxTokens: Int { get }
    /// The number of token ids.
    var vocabulary: Int { get }

    /// The vectors of texts of 1 to `maxTokens` tokens; fewer when `goesOn` says no, which is asked often.
    func vectors(of texts: [[TokenID]], while goesOn: () -> Bool) throws(ModelError) -> [[Float]]
}

/// Vectors of a bert model: batches of texts at a time, as each matrix is read once for all of them.
///
/// `@unchecked Sendable`: the workspace is used by one thread at a time, by the queue's rule.
final class EncoderComputer: EmbeddingComputer, @unchecked Sendable {
    /// Tokens of one batch, if no text is longer; more make nothing faster, and what is computed is in the way of a cancel.
    private static let batch = 512
    /// Texts of one batch.
    private static let texts = 64

    let maxTokens: Int
    private let encoder: BertEncoder
    private let pooling: Pooling
    private let pool: KernelPool
    private let workspace: EncoderWorkspace

    init(file: GGUFFile, pooling: Pooling, maxTokens: Int?, pool: KernelPool) throws(ModelError) {
        encoder = try BertEncoder(file: file, pool: pool)
        let shape = encoder.shape
        let usual = shape.usualLength ?? min(shape.contextLength, 8192)
        self.maxTokens = min(max(maxTokens ?? usual, 4), shape.contextLength)
        workspace = try EncoderWorkspace(for: shape, tokens: max(self.maxTokens, Self.batch), texts: Self.texts)
        self.pooling = pooling
        self.pool = pool
    }

    var width: Int { encoder.shape.width }
    var vocabulary: Int { encoder.vocabulary }

    func vectors(of texts: [[TokenID]], while goesOn: () -> Bool) throws(ModelError) -> [[Float]] {
        var vectors: [[Float]] = []
        var rest = texts[...]
        while !rest.isEmpty, goesOn() {
            var tokens = 0
            let batch = rest.prefix(Self.texts).prefix { text in
                tokens += text.count
                return tokens <= workspace.tokens
            }
            rest = rest.dropFirst(batch.count)
            encoder.forward(Array(batch), workspace, pool: pool, while: goesOn)
            var start = 0
            for text in batch {
                let states = unsafe UnsafeBufferPointer(
                    start: workspace.hidden + start * width,
                    count: text.count * width
                )
                vectors.append(unsafe pooling.vector(of: states, width: width))
                start += text.count
            }
        }
        return vectors
    }
}

/// Vectors of a model of the llama family: its states before the output matrix, one text after the other.
///
/// `@unchecked Sendable`: the workspace is used by one thread at a time, by the queue's rule.
final class DecoderComputer: EmbeddingComputer, @unchecked Sendable {
    /// Tokens computed at a time.
    private static let chunk = 64

    let maxTokens: Int
    private let transformer: Transformer
    private let pooling: Pooling
    private let pool: KernelPool
    private let workspace: Workspace

    init(file: GGUFFile, pooling: Pooling, maxTokens: Int?, pool: KernelPool) throws(ModelError) {
        transformer = try Transformer(file: file, pool: pool)
        let context = transformer.shape.contextLength
        self.maxTokens = min(max(maxTokens ?? min(context, 8192), 4), context)
        workspace = try Workspace(for: transformer, capacity: Self.chunk)
        self.pooling = pooling
        self.pool = pool
    }

    var width: Int { transformer.shape.width }
    var vocabulary: Int { transformer.vocabulary }

    func vectors(of texts: [[TokenID]], while goesOn: () -> Bool) throws(ModelError) -> [[Float]] {
        guard let norm = transformer.outputNorm else { preconditionFailure("a whole model has an output") }
        var vectors: [[Float]] = []
        for text in texts {
            let cache = KVCache(for: transformer, capacity: text.count)
            let states = try AlignedMemory(floats: text.count * width)
            for start in stride(from: 0, to: text.count, by: Self.chunk) {
                guard goesOn() else { return vectors }
                let tokens = text[start..<min(start + Self.chunk, text.count)]
                transformer.embed(tokens, into: workspace)
                try transformer.forward(tokens.count, cache: cache, workspace: workspace, pool: pool)
                unsafe ik_norms(
                    pool.raw,
                    norm.start,
                    UInt32(width),
                    transformer.shape.epsilon,
                    workspace.hidden,
                    UInt32(tokens.count),
                    states.floats + start * width
                )
            }
            let pooled = unsafe UnsafeBufferPointer(start: UnsafePointer(states.floats), count: text.count * width)
            vectors.append(unsafe pooling.vector(of: pooled, width: width))
        }
        return vectors
    }
}
