internal import InferenceKernels
internal import NIOConcurrencyHelpers

/// A model that turns texts into vectors, such that texts of like meaning lie in like directions.
///
/// Bert models, and those of the llama family by the pooling that their file names. A text's vector depends on the model
/// and the text alone, bit for bit: not on threads, on processors, or on what else is computed.
public final class EmbeddingModel: Sendable {
    /// The most texts in one call; the OpenAI API allows as many.
    public static let textLimit = 2048

    /// The model's name, from the file's metadata or else its name.
    public let modelName: String
    /// The number of dimensions of a vector.
    public let dimensions: Int
    /// The tokens of a text that count, special ones included; longer texts are cut.
    public let maxTokens: Int
    /// The SHA-256 of the model's file, in hexadecimal.
    public let fingerprint: String
    /// How token states become a vector.
    public let pooling: Pooling
    /// How text becomes tokens.
    public let tokenizer: Tokenizer

    private let queue: EmbeddingQueue

    /// Loads the model at `path`, a GGUF file.
    public static func load(
        path: String,
        options: EmbeddingOptions = EmbeddingOptions()
    ) async throws(ModelError) -> EmbeddingModel {
        try await onOwnThread { () -> Result<EmbeddingModel, ModelError> in
            Result { () throws(ModelError) in
                let file: GGUFFile
                do throws(GGUFError) { file = try GGUFFile(path: path) } catch { throw .file(error) }
                return try EmbeddingModel(file: file, options: options)
            }
        }.get()
    }

    init(file: GGUFFile, options: EmbeddingOptions, path: ik_path = ik_best_path()) throws(ModelError) {
        let metadata = file.metadata
        let architecture: String
        do { architecture = try metadata.string("general.architecture") } catch { throw .file(error) }
        do { tokenizer = try Tokenizer(metadata: metadata) } catch { throw .tokenizer(error) }
        let pool = try KernelPool(threads: options.threads(fileSize: file.size), path: path)
        let computer: any EmbeddingComputer
        if architecture == EncoderShape.architecture {
            pooling = try Pooling(metadata, architecture: architecture, default: .mean)
            computer = try EncoderComputer(file: file, pooling: pooling, maxTokens: options.maxTokens, pool: pool)
        } else {
            pooling = try Pooling(metadata, architecture: architecture, default: .last)
            computer = try DecoderComputer(file: file, pooling: pooling, maxTokens: options.maxTokens, pool: pool)
        }
        guard tokenizer.vocabularySize <= computer.vocabulary else {
            let problem = GGUFError.Problem.shape(
                expected: [computer.width, tokenizer.vocabularySize],
                found: [computer.width, computer.vocabulary]
            )
            throw .file(GGUFError(file: file.name, field: "token_embd.weight", problem: problem))
        }
        if case .string(let given)? = metadata["general.name"], !given.isEmpty {
            modelName = given
        } else {
            modelName = file.name.hasSuffix(".gguf") ? String(file.name.dropLast(5)) : file.name
        }
        dimensions = computer.width
        maxTokens = computer.maxTokens
        fingerprint = file.fingerprint
        queue = EmbeddingQueue(computer: computer, limit: max(options.queueLimit, 1))
    }

    /// The vectors of `texts`, of length 1, in their order.
    ///
    /// Cancelling the task ends the work between two layers.
    public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
        try await embeddings(of: texts).vectors
    }

    /// The vectors of `texts` with what they cost.
    public func embeddings(of texts: [String]) async throws(EmbeddingError) -> Embeddings {
        guard texts.count <= Self.textLimit else { throw .tooMany(texts: texts.count, limit: Self.textLimit) }
        guard !texts.isEmpty else { return Embeddings(vectors: [], tokenCounts: []) }
        return try await queue.run { [self] in texts.map { tokens(of: $0) } }
    }

    /// How many tokens of a text count, special ones included.
    public func tokenCount(of text: String) -> Int { tokens(of: text).count }

    /// The tokens of a text as the model wants them, cut in the middle so that what it ends with stays.
    func tokens(of text: String) -> [TokenID] {
        var tokens = tokenizer.encode(text, parsingSpecial: false, addingBOS: tokenizer.addsBOS)
        let end = tokenizer.addsEOS ? tokenizer.eos : nil
        if tokens.count + (end == nil ? 0 : 1) > maxTokens {
            tokens.removeLast(tokens.count + (end == nil ? 0 : 1) - maxTokens)
        }
        if let end { tokens.append(end) }
        // An empty text has a vector too, where the model marks its ends; others give it the token that begins or ends.
        if tokens.isEmpty { tokens.append(tokenizer.bos ?? tokenizer.eos ?? 0) }
        return tokens
    }
}
