internal import InferenceKernels

/// Zeroed memory outside the Swift heap, for weights, activations and the cache; given back with the object.
///
/// `@safe` and `@unchecked Sendable`: the address never changes, and owners hand it to kernels only while they hold the
/// object. Weights are written once before they are shared; all else belongs to one thread at a time.
@safe final class AlignedMemory: @unchecked Sendable {
    /// The first byte, at the start of a page.
    let start: UnsafeMutableRawPointer
    /// The size in bytes.
    let count: Int

    /// Takes `count` bytes, at least one.
    init(count: Int) throws(ModelError) {
        guard let start = unsafe ik_allocate(count) else { throw .outOfMemory(bytes: count) }
        unsafe self.start = unsafe start
        self.count = count
    }

    /// Takes room for `floats` floats.
    convenience init(floats: Int) throws(ModelError) {
        try self.init(count: floats * MemoryLayout<Float>.stride)
    }

    deinit { unsafe ik_release(start, count) }

    /// The memory as floats.
    var floats: UnsafeMutablePointer<Float> { unsafe start.assumingMemoryBound(to: Float.self) }
}
