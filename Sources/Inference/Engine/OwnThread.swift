internal import InferenceKernels

/// Runs `body` on a thread of its own, so that it does not hold up Swift's few cooperative ones.
func startThread(_ body: @escaping @Sendable () -> Void) throws(ModelError) {
    final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    let argument = unsafe Unmanaged.passRetained(Body(body))
    let isStarted = unsafe ik_thread_start(
        { argument in
            if let argument = unsafe argument { unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        },
        argument.toOpaque()
    )
    guard isStarted else {
        unsafe argument.release()
        throw .noThreads
    }
}

/// Waits for `body`, which runs on a thread of its own.
func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable () -> Result<Value, ModelError>
) async -> Result<Value, ModelError> {
    await withCheckedContinuation { continuation in
        do throws(ModelError) {
            try startThread { continuation.resume(returning: body()) }
        } catch {
            continuation.resume(returning: .failure(error))
        }
    }
}
