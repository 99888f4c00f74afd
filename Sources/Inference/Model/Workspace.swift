internal import InferenceKernels

/// Hidden states, logits and scratch memory for one chunk of tokens.
///
/// Belongs to one thread at a time.
@safe final class Workspace {
    /// The largest number of tokens in a chunk.
    let capacity: Int
    let raw: OpaquePointer
    /// The number of logits.
    let vocabulary: Int

    private let states: AlignedMemory
    private let scores: AlignedMemory
    private let ranks: AlignedMemory

    /// Takes memory for chunks of up to `capacity` tokens of `transformer`.
    init(for transformer: Transformer, capacity: Int) throws(ModelError) {
        let width = transformer.shape.width
        var shape = transformer.shape.kernelShape
        vocabulary = transformer.vocabulary
        states = try AlignedMemory(floats: capacity * width)
        // Panels write 16 rows at a time.
        scores = try AlignedMemory(floats: (transformer.vocabulary + 16) / 16 * 16)
        ranks = try AlignedMemory(floats: transformer.vocabulary + 1)
        guard let raw = unsafe ik_workspace_create(&shape, UInt32(capacity)) else {
            throw .outOfMemory(bytes: capacity * width * 4)
        }
        unsafe self.raw = unsafe raw
        self.capacity = capacity
    }

    deinit { unsafe ik_workspace_destroy(raw) }

    /// The hidden states, one after the other.
    var hidden: UnsafeMutablePointer<Float> { unsafe states.floats }

    /// The logits of the last call to `Transformer.logits`.
    var logits: UnsafeMutablePointer<Float> { unsafe scores.floats }

    /// Room for one id per logit, for sampling.
    var scratch: UnsafeMutablePointer<UInt32> { unsafe ranks.start.assumingMemoryBound(to: UInt32.self) }

    /// A copy of the logits.
    func copyLogits() -> [Float] { unsafe Array(UnsafeBufferPointer(start: logits, count: vocabulary)) }
}
