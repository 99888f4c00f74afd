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
    /// Positions are divided by this (`rope.scaling.type` linear).
    let ropeScale: Double
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
            throw .unsupported(file: metadata.file, feature: "architecture '\(name)'")
        }
        let fields = Fields(metadata: metadata, prefix: name)
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
            ropeScale = try Self.linearScale(fields)
        } catch let error as GGUFError {
            throw .file(error)
        } catch let error as ModelError {
            throw error
        } catch {
            throw .unsupported(file: metadata.file, feature: "\(error)")
        }
        if metadata[name + ".expert_count"] != nil { throw fields.unsupported("a mixture of experts") }
    }

    private static func linearScale(_ fields: Fields) throws -> Double {
        guard case .string(let kind)? = fields["rope.scaling.type"] else { return 1 }
        switch kind {
        case "none": return 1
        case "linear": return try fields.double("rope.scaling.factor", in: 1e-3...1e3)
        default: throw fields.unsupported("rope scaling '\(kind)'")
        }
    }

    /// The angle per position of each rotated pair; `factors` divide them (`rope_freqs` of Llama 3.1).
    func frequencies(dividedBy factors: [Float]?) -> [Double] {
        let half = rotated / 2
        let logarithm = ik_log(ropeBase)
        return (0..<half).map { pair in
            let frequency = ik_exp(-Double(pair) / Double(half) * logarithm) / ropeScale
            guard let factors else { return frequency }
            return frequency / Double(factors[pair])
        }
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
            window: 0,
            magnitude: 1
        )
    }
}

/// Metadata below one prefix, with range checks.
private struct Fields {
    let metadata: GGUFMetadata
    let prefix: String

    subscript(key: String) -> GGUFValue? { metadata[prefix + "." + key] }

    func int(
        _ key: String,
        in range: ClosedRange<Int>,
        multipleOf step: Int = 1,
        default fallback: Int? = nil
    ) throws(GGUFError) -> Int {
        let value: Int
        if let fallback, self[key] == nil { value = fallback } else { value = try metadata.int(prefix + "." + key) }
        guard range.contains(value), value % step == 0 else {
            let steps = step == 1 ? "" : ", multiples of \(step)"
            throw error(key, .outOfRange("\(range.lowerBound) to \(range.upperBound)" + steps))
        }
        return value
    }

    func double(
        _ key: String,
        in range: ClosedRange<Double>,
        default fallback: Double? = nil
    ) throws(GGUFError) -> Double {
        if let fallback, self[key] == nil { return fallback }
        let value = try metadata.double(prefix + "." + key)
        guard range.contains(value) else { throw error(key, .outOfRange("\(range.lowerBound) to \(range.upperBound)")) }
        return value
    }

    func error(_ key: String, _ problem: GGUFError.Problem) -> GGUFError {
        GGUFError(file: metadata.file, field: prefix + "." + key, problem: problem)
    }

    func unsupported(_ feature: String) -> ModelError { .unsupported(file: metadata.file, feature: feature) }
}
