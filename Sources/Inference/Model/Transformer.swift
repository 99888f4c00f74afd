internal import InferenceKernels

/// A range of a model's layers, with the embeddings if it holds the first and the output if it holds the last.
///
/// Reads only the tensors of its range, so that several machines can each hold a part. Never changes after `init`; what
/// changes during a conversation is in `PageMemory` and `Workspace`.
@safe final class Transformer: Sendable {
    let shape: ModelShape
    /// The layers that this object holds.
    let layers: Range<Int>
    /// The number of token ids, if this range starts or ends the model.
    let vocabulary: Int
    /// The bytes of all matrices in memory, the file's own not counted.
    let size: Int

    private let stack: [TransformerLayer]
    private let embeddings: WeightMatrix?
    /// The norm before the output, if this range ends the model.
    let outputNorm: WeightVector?
    private let output: WeightMatrix?
    private let frequencies: [Double]

    /// Loads `layers` (all if `nil`) of the model in `file`.
    init(
        file: GGUFFile,
        layers: Range<Int>? = nil,
        pool: KernelPool,
        storage: WeightStorage = .repacked
    ) throws(ModelError) {
        let shape = try ModelShape(metadata: file.metadata)
        let layers = layers ?? 0..<shape.layers
        precondition(!layers.isEmpty && layers.upperBound <= shape.layers, "layers \(layers) of \(shape.layers)")
        let loader = TensorLoader(file: file, pool: pool, storage: storage)
        var stack: [TransformerLayer] = []
        for number in layers { stack.append(try TransformerLayer(number, shape: shape, loader: loader)) }
        let isFirst = layers.lowerBound == 0
        let isLast = layers.upperBound == shape.layers
        let tied = file.tensor("output.weight") == nil
        let table = isFirst || (isLast && tied) ? try loader.matrix("token_embd.weight", columns: shape.width) : nil
        embeddings = isFirst ? table : nil
        outputNorm = isLast ? try loader.vector("output_norm.weight", count: shape.width) : nil
        output = isLast ? (tied ? table : try loader.matrix("output.weight", columns: shape.width)) : nil
        let factors = try loader.optionalVector("rope_freqs.weight", count: shape.rotated / 2)?.values
        if let factors, !factors.allSatisfy({ $0.isFinite && $0 >= 1e-3 && $0 <= 1e6 }) {
            throw .file(
                GGUFError(file: file.name, field: "rope_freqs.weight", problem: .outOfRange("0.001 to 1000000"))
            )
        }
        if let table, let output, table.rows != output.rows {
            let expected = [shape.width, table.rows]
            let problem = GGUFError.Problem.shape(expected: expected, found: [shape.width, output.rows])
            throw .file(GGUFError(file: file.name, field: "output.weight", problem: problem))
        }
        frequencies = shape.frequencies(dividedBy: factors)
        vocabulary = (output ?? embeddings)?.rows ?? 0
        var size = stack.reduce(0) { $0 + $1.size } + (table?.size ?? 0)
        if !tied { size += output?.size ?? 0 }
        self.size = size
        self.shape = shape
        self.layers = layers
        self.stack = stack
    }

    /// Writes the embeddings of `tokens`, all below `vocabulary`, to the workspace's hidden states from `index` on.
    ///
    /// Only for a range that starts at layer 0.
    func embed(_ tokens: ArraySlice<TokenID>, into workspace: Workspace, at index: Int = 0) {
        guard let embeddings else { preconditionFailure("no embeddings in layers \(layers)") }
        precondition(index + tokens.count <= workspace.capacity)
        precondition(tokens.allSatisfy { $0 >= 0 && $0 < embeddings.rows })
        unsafe withUnsafePointer(to: embeddings.raw) { matrix in
            unsafe tokens.withUnsafeBufferPointer { ids in
                let hidden = unsafe workspace.hidden + index * shape.width
                unsafe ik_embed(matrix, ids.baseAddress, UInt32(ids.count), hidden)
            }
        }
    }

    /// Runs the layers on the hidden states of the workspace, which belong to `segments` in order, and writes their keys
    /// and values to `memory`.
    func forward(_ segments: [Segment], memory: PageMemory, workspace: Workspace, pool: KernelPool) {
        precondition(segments.reduce(0) { $0 + $1.count } <= workspace.capacity)
        precondition(memory.layers == stack.count)
        var shape = shape.kernelShape
        let addresses = unsafe segments.flatMap { segment in
            precondition(segment.count > 0 && segment.pages.count * PageMemory.positions >= segment.end)
            return unsafe segment.pages.map { page in unsafe memory.address(of: page) }
        }
        unsafe addresses.withUnsafeBufferPointer { table in
            var next = 0
            let raw = unsafe segments.map { segment in
                defer { next += segment.pages.count }
                let pages = unsafe table.baseAddress.map { unsafe $0 + next }
                return unsafe ik_segment(
                    pages: pages,
                    position: UInt32(segment.position),
                    count: UInt32(segment.count)
                )
            }
            unsafe ik_batch_begin(workspace.raw, &shape, memory.type.kernelType, frequencies, raw, UInt32(raw.count))
            for (slot, layer) in stack.enumerated() {
                unsafe withUnsafePointer(to: layer.raw) { raw in
                    unsafe ik_layer_forward(
                        pool.raw,
                        &shape,
                        raw,
                        workspace.raw,
                        workspace.hidden,
                        UInt32(slot)
                    )
                }
            }
        }
    }

    /// Runs the layers on `count` hidden states of the workspace, whose first is at the cache's end, and appends to it.
    func forward(_ count: Int, cache: KVCache, workspace: Workspace, pool: KernelPool) throws(ModelError) {
        let segment = try cache.grow(by: count)
        forward([segment], memory: cache.memory, workspace: workspace, pool: pool)
    }

    /// Computes the logits that follow hidden states `indices` of the workspace into rows 0, 1, … of its `logits`.
    ///
    /// Only for a range that ends at the last layer.
    func logits(after indices: [Int], workspace: Workspace, pool: KernelPool) {
        guard let outputNorm, let output else { preconditionFailure("no output in layers \(layers)") }
        precondition(indices.count <= workspace.rows && indices.allSatisfy { $0 < workspace.capacity })
        guard !indices.isEmpty else { return }
        var shape = shape.kernelShape
        unsafe withUnsafePointer(to: output.raw) { matrix in
            unsafe ik_logits(
                pool.raw,
                &shape,
                outputNorm.start,
                matrix,
                workspace.raw,
                workspace.hidden,
                indices.map { UInt32($0) },
                UInt32(indices.count),
                workspace.logits(0),
                workspace.stride
            )
        }
    }

    /// Computes the logits that follow hidden state `index` of the workspace into its first row.
    func logits(after index: Int, workspace: Workspace, pool: KernelPool) {
        logits(after: [index], workspace: workspace, pool: pool)
    }
}
