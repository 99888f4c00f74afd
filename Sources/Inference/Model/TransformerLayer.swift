internal import InferenceKernels

/// The weights of one layer.
///
/// `@unchecked Sendable`: never changes after `init`.
@safe final class TransformerLayer: @unchecked Sendable {
    /// The layer for the kernels; valid as long as the object.
    let raw: ik_layer
    /// The bytes of its matrices in memory.
    let size: Int

    private let matrices: [WeightMatrix]
    private let vectors: [WeightVector?]

    /// Takes layer `number` from the loader's file.
    init(_ number: Int, shape: ModelShape, loader: TensorLoader) throws(ModelError) {
        let prefix = "blk.\(number)."
        let queries = shape.heads * shape.headSize
        let keys = shape.keyValueHeads * shape.headSize
        let q = try loader.matrix(prefix + "attn_q.weight", columns: shape.width, rows: queries)
        let k = try loader.matrix(prefix + "attn_k.weight", columns: shape.width, rows: keys)
        let v = try loader.matrix(prefix + "attn_v.weight", columns: shape.width, rows: keys)
        let output = try loader.matrix(prefix + "attn_output.weight", columns: queries, rows: shape.width)
        let gate = try loader.matrix(prefix + "ffn_gate.weight", columns: shape.width, rows: shape.feedForward)
        let up = try loader.matrix(prefix + "ffn_up.weight", columns: shape.width, rows: shape.feedForward)
        let down = try loader.matrix(prefix + "ffn_down.weight", columns: shape.feedForward, rows: shape.width)
        let attentionNorm = try loader.vector(prefix + "attn_norm.weight", count: shape.width)
        let feedForwardNorm = try loader.vector(prefix + "ffn_norm.weight", count: shape.width)
        let qBias = try loader.optionalVector(prefix + "attn_q.bias", count: queries)
        let kBias = try loader.optionalVector(prefix + "attn_k.bias", count: keys)
        let vBias = try loader.optionalVector(prefix + "attn_v.bias", count: keys)
        let qNorm = try loader.optionalVector(prefix + "attn_q_norm.weight", count: shape.headSize)
        let kNorm = try loader.optionalVector(prefix + "attn_k_norm.weight", count: shape.headSize)
        matrices = [q, k, v, output, gate, up, down]
        vectors = [attentionNorm, feedForwardNorm, qBias, kBias, vBias, qNorm, kNorm]
        size = matrices.reduce(0) { $0 + $1.size }
        unsafe raw = ik_layer(
            attention_norm: attentionNorm.start,
            q: q.raw,
            k: k.raw,
            v: v.raw,
            output: output.raw,
            q_bias: qBias?.start,
            k_bias: kBias?.start,
            v_bias: vBias?.start,
            q_norm: qNorm?.start,
            k_norm: kNorm?.start,
            feed_forward_norm: feedForwardNorm.start,
            gate: gate.raw,
            up: up.raw,
            down: down.raw
        )
    }
}
