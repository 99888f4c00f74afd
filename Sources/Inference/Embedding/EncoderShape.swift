internal import InferenceKernels

/// The sizes and constants of a bert model, read from its metadata and checked.
struct EncoderShape: Hashable, Sendable {
    static let architecture = "bert"

    let layers: Int
    let width: Int
    let heads: Int
    let feedForward: Int
    let epsilon: Float
    /// The positions that the model has learnt.
    let contextLength: Int
    /// The tokens of the texts that it was trained on, if the file says so.
    ///
    /// `sentence_bert.max_seq_length` is the name that the settings of sentence-transformers have for it.
    let usualLength: Int?

    /// Above what any known model has; bounds the products below, so that none overflows.
    private enum Limit {
        static let layers = 256
        static let width = 1 << 13
        static let heads = 256
        static let feedForward = 1 << 16
        static let context = 1 << 15
    }

    /// Reads the shape from `metadata`.
    init(metadata: GGUFMetadata) throws(ModelError) {
        let fields = GGUFFields(metadata: metadata, prefix: Self.architecture)
        let sentence = GGUFFields(metadata: metadata, prefix: "sentence_bert")
        do throws(GGUFError) {
            layers = try fields.int("block_count", in: 1...Limit.layers)
            width = try fields.int("embedding_length", in: 32...Limit.width, multipleOf: 32)
            heads = try fields.int("attention.head_count", in: 1...Limit.heads)
            feedForward = try fields.int("feed_forward_length", in: 32...Limit.feedForward, multipleOf: 32)
            contextLength = try fields.int("context_length", in: 4...Limit.context)
            epsilon = Float(try fields.double("attention.layer_norm_epsilon", in: 1e-15...1))
            guard width % heads == 0 else {
                throw fields.error("attention.head_count", .outOfRange("divisors of \(width)"))
            }
            if sentence["max_seq_length"] != nil {
                usualLength = try sentence.int("max_seq_length", in: 4...contextLength)
            } else {
                usualLength = nil
            }
        } catch {
            throw .file(error)
        }
    }

    /// The shape as the kernels want it.
    var kernelShape: ik_encoder_shape {
        ik_encoder_shape(
            width: UInt32(width),
            heads: UInt32(heads),
            feed_forward: UInt32(feedForward),
            epsilon: epsilon
        )
    }
}
