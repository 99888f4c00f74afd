internal import InferenceKernels

/// A bert model: every token sees all tokens of its text.
///
/// Layers end in norms with biases, positions are learnt, and the gate of the feed-forward part is GELU with the error
/// function. `@unchecked Sendable`: never changes after `init`.
@safe final class BertEncoder: @unchecked Sendable {
    let shape: EncoderShape
    /// The number of token ids.
    let vocabulary: Int
    /// The bytes of all matrices in memory.
    let size: Int

    private let layers: [EncoderLayer]
    private let table: ik_encoder_table
    private let kept: [AnyObject?]

    /// Loads the model in `file`.
    init(file: GGUFFile, pool: KernelPool) throws(ModelError) {
        let shape = try EncoderShape(metadata: file.metadata)
        let loader = TensorLoader(file: file, pool: pool)
        let tokens = try loader.matrix("token_embd.weight", columns: shape.width)
        let positions = try loader.matrix("position_embd.weight", columns: shape.width, rows: shape.contextLength)
        let types = try loader.optionalMatrix("token_types.weight", columns: shape.width)
        let type = try types.map { types throws(ModelError) in try types.row(0) }
        let norm = try loader.vector("token_embd_norm.weight", count: shape.width)
        let normBias = try loader.optionalVector("token_embd_norm.bias", count: shape.width)
        var layers: [EncoderLayer] = []
        for number in 0..<shape.layers { layers.append(try EncoderLayer(number, shape: shape, loader: loader)) }
        unsafe table = ik_encoder_table(
            tokens: tokens.raw,
            positions: positions.raw,
            type: type?.start,
            norm: norm.start,
            norm_bias: normBias?.start
        )
        kept = [tokens, positions, type, norm, normBias]
        vocabulary = tokens.rows
        size = layers.reduce(tokens.size + positions.size) { $0 + $1.size }
        self.shape = shape
        self.layers = layers
    }

    /// Computes the states of the tokens of `texts`, one after the other, into the workspace.
    ///
    /// Calls `goesOn` between layers, and stops where it says no.
    func forward(_ texts: [[TokenID]], _ workspace: EncoderWorkspace, pool: KernelPool, while goesOn: () -> Bool) {
        let tokens = texts.flatMap(\.self)
        var starts: [UInt32] = [0]
        for text in texts { starts.append((starts.last ?? 0) + UInt32(text.count)) }
        precondition(tokens.count <= workspace.tokens && texts.count <= workspace.texts)
        precondition(texts.allSatisfy { !$0.isEmpty && $0.count <= shape.contextLength })
        precondition(tokens.allSatisfy { 0..<vocabulary ~= Int($0) })
        var kernelShape = shape.kernelShape
        let count = UInt32(texts.count)
        unsafe withUnsafePointer(to: table) { table in
            unsafe ik_encoder_begin(
                pool.raw,
                &kernelShape,
                table,
                workspace.raw,
                tokens,
                starts,
                count,
                workspace.hidden
            )
        }
        for layer in layers {
            guard goesOn() else { return }
            unsafe withUnsafePointer(to: layer.raw) { layer in
                unsafe ik_encoder_layer_forward(
                    pool.raw,
                    &kernelShape,
                    layer,
                    workspace.raw,
                    workspace.hidden,
                    starts,
                    count
                )
            }
        }
    }
}

/// The weights of one layer.
///
/// `@unchecked Sendable`: never changes after `init`.
@safe final class EncoderLayer: @unchecked Sendable {
    /// The layer for the kernels; valid as long as the object.
    let raw: ik_encoder_layer
    /// The bytes of its matrices in memory.
    let size: Int

    private let matrices: [WeightMatrix]
    private let vectors: [WeightVector?]

    /// Takes layer `number` from the loader's file.
    init(_ number: Int, shape: EncoderShape, loader: TensorLoader) throws(ModelError) {
        let prefix = "blk.\(number)."
        let width = shape.width
        let feed = shape.feedForward
        let q = try loader.matrix(prefix + "attn_q.weight", columns: width, rows: width)
        let k = try loader.matrix(prefix + "attn_k.weight", columns: width, rows: width)
        let v = try loader.matrix(prefix + "attn_v.weight", columns: width, rows: width)
        let output = try loader.matrix(prefix + "attn_output.weight", columns: width, rows: width)
        let up = try loader.matrix(prefix + "ffn_up.weight", columns: width, rows: feed)
        let down = try loader.matrix(prefix + "ffn_down.weight", columns: feed, rows: width)
        let qBias = try loader.optionalVector(prefix + "attn_q.bias", count: width)
        let kBias = try loader.optionalVector(prefix + "attn_k.bias", count: width)
        let vBias = try loader.optionalVector(prefix + "attn_v.bias", count: width)
        let outputBias = try loader.optionalVector(prefix + "attn_output.bias", count: width)
        let upBias = try loader.optionalVector(prefix + "ffn_up.bias", count: feed)
        let downBias = try loader.optionalVector(prefix + "ffn_down.bias", count: width)
        let attentionNorm = try loader.vector(prefix + "attn_output_norm.weight", count: width)
        let attentionNormBias = try loader.optionalVector(prefix + "attn_output_norm.bias", count: width)
        let outputNorm = try loader.vector(prefix + "layer_output_norm.weight", count: width)
        let outputNormBias = try loader.optionalVector(prefix + "layer_output_norm.bias", count: width)
        matrices = [q, k, v, output, up, down]
        vectors = [
            qBias, kBias, vBias, outputBias, upBias, downBias, attentionNorm, attentionNormBias, outputNorm,
            outputNormBias,
        ]
        size = matrices.reduce(0) { $0 + $1.size }
        unsafe raw = ik_encoder_layer(
            q: q.raw,
            k: k.raw,
            v: v.raw,
            output: output.raw,
            up: up.raw,
            down: down.raw,
            q_bias: qBias?.start,
            k_bias: kBias?.start,
            v_bias: vBias?.start,
            output_bias: outputBias?.start,
            up_bias: upBias?.start,
            down_bias: downBias?.start,
            attention_norm: attentionNorm.start,
            attention_norm_bias: attentionNormBias?.start,
            output_norm: outputNorm.start,
            output_norm_bias: outputNormBias?.start
        )
    }
}

/// States and scratch memory for one batch of texts.
///
/// Belongs to one thread at a time.
@safe final class EncoderWorkspace {
    /// The largest number of tokens in a batch.
    let tokens: Int
    /// The largest number of texts in a batch.
    let texts: Int
    let raw: OpaquePointer

    private let states: AlignedMemory

    /// Takes memory for batches of up to `texts` texts with `tokens` tokens in all.
    init(for shape: EncoderShape, tokens: Int, texts: Int) throws(ModelError) {
        var kernelShape = shape.kernelShape
        states = try AlignedMemory(floats: tokens * shape.width)
        guard let raw = unsafe ik_encoder_create(&kernelShape, UInt32(tokens), UInt32(texts)) else {
            throw .outOfMemory(bytes: tokens * (shape.width * 8 + shape.feedForward) * 4)
        }
        unsafe self.raw = unsafe raw
        self.tokens = tokens
        self.texts = texts
    }

    deinit { unsafe ik_encoder_destroy(raw) }

    /// The states, one after the other.
    var hidden: UnsafeMutablePointer<Float> { unsafe states.floats }
}
