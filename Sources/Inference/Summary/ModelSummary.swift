internal import InferenceKernels

/// What a model's file says of itself, and whether the embedded engine can run it.
///
/// Only the header is read, so this is quick for files of any size. That a file is supported means that everything in
/// its header is; weights that are no numbers come out when it is loaded.
public struct ModelSummary: Hashable, Sendable, Codable {
    /// The name in the metadata, if there is one.
    public var name: String?
    /// The family of models, such as `llama`.
    public var architecture: String
    /// The number of weights.
    public var parameters: Int
    /// How most weights are stored, such as `Q4_K_M` or `F16`.
    public var quantization: String
    /// The bytes of all files.
    public var size: Int
    /// How many files hold it.
    public var shards: Int
    /// The positions that the model was trained for.
    public var contextLength: Int?
    /// The length of a token's vector.
    public var width: Int?
    /// The number of layers.
    public var layers: Int?
    /// The number of heads that ask.
    public var heads: Int?
    /// The number of heads that are asked.
    public var keyValueHeads: Int?
    /// The number of tokens that it knows.
    public var vocabulary: Int?
    /// Whether it turns text into vectors and does not chat.
    public var isEmbedder: Bool
    /// Whether the file has a chat template of its own.
    public var hasTemplate: Bool
    /// Why the embedded engine cannot run it, or `nil` where it can.
    public var fault: String?

    private enum CodingKeys: String, CodingKey {
        case name, architecture, parameters, quantization, size, shards, width, layers, heads, vocabulary, fault
        case contextLength = "context_length"
        case keyValueHeads = "key_value_heads"
        case isEmbedder = "is_embedder"
        case hasTemplate = "has_template"
    }

    /// What `file` says of itself.
    public init(of file: GGUFFile) {
        let metadata = file.metadata
        func text(_ key: String) -> String? {
            guard case .string(let text)? = metadata[key], !text.isEmpty else { return nil }
            return text
        }
        let architecture = text("general.architecture") ?? "unknown"
        func number(_ key: String) -> Int? { try? metadata.int(architecture + "." + key) }
        self.architecture = architecture
        name = text("general.name")
        parameters = file.tensors.reduce(0) { $0 + $1.dimensions.reduce(1, *) }
        quantization = Self.quantization(of: file)
        size = file.size
        shards = file.shards
        contextLength = number("context_length")
        width = number("embedding_length")
        layers = number("block_count")
        heads = number("attention.head_count")
        keyValueHeads = number("attention.head_count_kv") ?? heads
        if case .strings(let tokens)? = metadata["tokenizer.ggml.tokens"] { vocabulary = tokens.count }
        isEmbedder = architecture == EncoderShape.architecture
        hasTemplate = text("tokenizer.chat_template") != nil
        do throws(ModelError) {
            try Self.check(file, isEmbedder: isEmbedder)
        } catch {
            fault = error.description
        }
    }

    /// Finds what would keep the engine from loading the file, without reading a weight.
    private static func check(_ file: GGUFFile, isEmbedder: Bool) throws(ModelError) {
        if isEmbedder {
            _ = try EncoderShape(metadata: file.metadata)
        } else {
            _ = try ModelShape(metadata: file.metadata)
        }
        guard file.tensor("token_embd.weight") != nil else {
            throw .file(GGUFError(file: file.name, field: "token_embd.weight", problem: .missing))
        }
        if let tensor = file.tensors.first(where: { ik_form_of($0.type.rawValue) < 0 && $0.rows > 1 }) {
            throw .unsupported(file: file.name, feature: "\(tensor.name) as \(tensor.type.label)")
        }
        do { _ = try Tokenizer(metadata: file.metadata) } catch { throw .tokenizer(error) }
        guard !isEmbedder else { return }
        do { _ = try ChatTemplate(metadata: file.metadata) } catch { throw .template("\(error)") }
    }

    /// The name by `general.file_type` where that is one of llama.cpp's, else the type of most weights.
    private static func quantization(of file: GGUFFile) -> String {
        if let type = try? file.metadata.int("general.file_type"), let name = fileTypes[type] { return name }
        var weights: [TensorType: Int] = [:]
        for tensor in file.tensors { weights[tensor.type, default: 0] += tensor.dimensions.reduce(1, *) }
        let most = weights.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }
        return most?.key.label ?? "unknown"
    }

    /// Source: llama.cpp, `enum llama_ftype`.
    private static let fileTypes: [Int: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
        12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS",
        20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M",
        28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
    ]
}

extension TensorType {
    /// The name that people know it by, such as `Q4_K`.
    public var label: String { "\(self)".uppercased() }
}
