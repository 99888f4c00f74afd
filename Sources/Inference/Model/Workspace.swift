internal import InferenceKernels

/// Hidden states, logits and scratch memory for one batch of tokens.
///
/// Belongs to one thread at a time.
@safe final class Workspace {
    /// The largest number of tokens in a batch.
    let capacity: Int
    /// The largest number of tokens of a batch whose logits are computed.
    let rows: Int
    let raw: OpaquePointer
    /// The number of logits in a row.
    let vocabulary: Int
    /// The floats from one row of logits to the next; panels write 16 at a time.
    let stride: Int

    private let states: AlignedMemory
    private let scores: AlignedMemory
    private let ranks: AlignedMemory

    /// Takes memory for batches of up to `capacity` tokens of `transformer`, `rows` of them with logits.
    init(for transformer: Transformer, capacity: Int, rows: Int = 1) throws(ModelError) {
        precondition(1...capacity ~= rows)
        let width = transformer.shape.width
        var shape = transformer.shape.kernelShape
        vocabulary = transformer.vocabulary
        stride = (transformer.vocabulary + 15) / 16 * 16
        states = try AlignedMemory(floats: capacity * width)
        scores = try AlignedMemory(floats: rows * stride + 16)
        ranks = try AlignedMemory(floats: transformer.vocabulary + 1)
        guard let raw = unsafe ik_workspace_create(&shape, UInt32(capacity)) else {
            throw .outOfMemory(bytes: capacity * width * 4)
        }
        unsafe self.raw = unsafe raw
        self.capacity = capacity
        self.rows = rows
    }

    deinit { unsafe ik_workspace_destroy(raw) }

    /// The hidden states, one after the other.
    var hidden: UnsafeMutablePointer<Float> { unsafe states.floats }

    /// The logits of the last call to `Transformer.logits`, one row of them.
    func logits(_ row: Int) -> UnsafeMutablePointer<Float> {
        precondition(0..<rows ~= row)
        return unsafe scores.floats + row * stride
    }

    /// Room for one id per logit, for sampling.
    var scratch: UnsafeMutablePointer<UInt32> { unsafe ranks.start.assumingMemoryBound(to: UInt32.self) }

    /// A copy of one row of logits.
    func copyLogits(_ row: Int = 0) -> [Float] {
        unsafe Array(UnsafeBufferPointer(start: logits(row), count: vocabulary))
    }
}
