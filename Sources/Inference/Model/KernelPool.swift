internal import InferenceKernels

/// The threads that compute, one job at a time.
///
/// `@unchecked Sendable`: the pointer is constant; jobs are started from one thread at a time, by its owner's rule.
@safe final class KernelPool: @unchecked Sendable {
    let raw: OpaquePointer
    /// The number of threads, the caller's included.
    let threads: Int

    /// Starts `threads - 1` workers that compute on `path`.
    init(threads: Int, path: ik_path = ik_best_path()) throws(ModelError) {
        guard let raw = unsafe ik_pool_create(UInt32(clamping: threads), path) else { throw .noThreads }
        unsafe self.raw = unsafe raw
        self.threads = threads
    }

    deinit { unsafe ik_pool_destroy(raw) }
}
