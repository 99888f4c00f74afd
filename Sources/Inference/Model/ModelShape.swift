internal import InferenceKernels

/// The sizes and constants of a model, read from its metadata and checked.
struct ModelShape: Sendable {
    /// A family of models whose layers are computed alike.
    enum Architecture: String {
        /// Llama 1 to 3, Mistral and what is built like them: adjacent pairs rotate.
        case llama
        /// Qwen 2 and 2.5: halves rotate; queries, keys and values have biases.
        case qwen2
        /// Qwen 3, dense: halves rotate; heads of queries and keys are normed before.
        case qwen3
    }

    let architecture: Architecture
    let layers: Int
    let width: Int
    let heads: Int
    let keyValueHeads: Int
    let headSize: Int
    let rotated: Int
    let feedForward: Int
    let epsilon: Float
    let ropeBase: Double
    let ropeScaling: RopeScaling
    /// The positions that a token attends to, itself included; `nil` for all before it.
    let window: Int?
    /// The positions that the model was trained for.
    let contextLength: Int

    /// Above what any known model has; bounds the products below, so that none overflows.
    private enum Limit {
        static let layers = 1024
        static let width = 1 << 16
        static let heads = 1024
        static let headSize = 256
        static let feedForward = 1 << 20
        /// Positions; angles are exact up to here.
        static let context = 1 << 20
    }

    /// Reads the shape from `metadata`.
    init(metadata: GGUFMetadata) throws(ModelError) {
        let name: String
        do { name = try metadata.string("general.architecture") } catch { throw .file(error) }
        guard let architecture = Architecture(rawValue: name) else {
            throw .unsupported(file: metadata.file, feature: "architecture '\(name.printable)'")
        }
        let fields = GGUFFields(metadata: metadata, prefix: name)
        self.architecture = architecture
        do {
            layers = try fields.int("block_count", in: 1...Limit.layers)
            width = try fields.int("embedding_length", in: 32...Limit.width, multipleOf: 32)
            heads = try fields.int("attention.head_count", in: 1...Limit.heads)
            keyValueHeads = try fields.int("attention.head_count_kv", in: 1...heads, default: heads)
            let size = width / heads
            headSize = try fields.int("attention.key_length", in: 2...Limit.headSize, multipleOf: 2, default: size)
            rotated = try fields.int("rope.dimension_count", in: 2...headSize, multipleOf: 2, default: headSize)
            feedForward = try fields.int("feed_forward_length", in: 32...Limit.feedForward, multipleOf: 32)
            contextLength = min(try fields.int("context_length", in: 1...Int(Int32.max)), Limit.context)
            epsilon = Float(try fields.double("attention.layer_norm_rms_epsilon", in: 1e-12...1))
            ropeBase = try fields.double("rope.freq_base", in: 1.0...1e12, default: 10_000)
            if let length = fields["attention.value_length"], length != fields["attention.key_length"] {
                throw fields.error("attention.value_length", .outOfRange("key_length"))
            }
            guard heads % keyValueHeads == 0 else {
                throw fields.error("attention.head_count_kv", .outOfRange("divisors of \(heads)"))
            }
            guard heads * headSize % 32 == 0 else {
                throw fields.error("attention.key_length", .outOfRange("sizes whose \(heads)-fold is a multiple of 32"))
            }
            ropeScaling = try RopeScaling(fields, contextLength: contextLength)
            window = try Self.window(fields)
        } catch let error as GGUFError {
            throw .file(error)
        } catch let error as ModelError {
            throw error
        } catch {
            throw .unsupported(file: metadata.file, feature: "\(error)")
        }
        if metadata[name + ".expert_count"] != nil { throw fields.unsupported("a mixture of experts") }
    }

    /// `attention.sliding_window` as files of Mistral's first 7B have it: the same for all layers.
    private static func window(_ fields: GGUFFields) throws -> Int? {
        guard fields["attention.sliding_window"] != nil else { return nil }
        let window = try fields.int("attention.sliding_window", in: 0...Int(Int32.max))
        if window > 0, fields["attention.sliding_window_pattern"] != nil {
            throw fields.unsupported("a sliding window in some layers only")
        }
        return window == 0 ? nil : window
    }

    /// The angle per position of each rotated pair; `factors` divide them (`rope_freqs` of Llama 3.1).
    func frequencies(dividedBy factors: [Float]?) -> [Double] {
        ropeScaling.frequencies(base: ropeBase, rotated: rotated, dividedBy: factors)
    }

    /// The shape as the kernels want it.
    var kernelShape: ik_shape {
        ik_shape(
            width: UInt32(width),
            heads: UInt32(heads),
            kv_heads: UInt32(keyValueHeads),
            head_size: UInt32(headSize),
            rotated: UInt32(rotated),
            feed_forward: UInt32(feedForward),
            epsilon: epsilon,
            rotates_halves: architecture != .llama,
            window: UInt32(window ?? 0),
            magnitude: ropeScaling.magnitude
        )
    }
}
