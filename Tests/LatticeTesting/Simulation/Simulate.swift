import Foundation
import NIOConcurrencyHelpers

/// A simulation failed; run it with the same seed to see the same again.
public struct SimulationFailed: Error, CustomStringConvertible {
    /// What decided all chances.
    public let seed: UInt64
    /// The virtual time of the failure.
    public let time: Duration
    /// Why it failed.
    public let cause: any Error

    /// The cause, and how to see it again.
    public var description: String { "\(cause) (seed \(seed), at \(time))" }
}

/// There was nothing left to do, but the body of the simulation had not returned.
public struct SimulationStalled: Error {}

/// Runs a body in virtual time: it, its tasks and everything on the network share one thread.
///
/// The body waits by `network.loop.clock`, and gives `network.loop.taskExecutor` to whatever begins tasks of its own.
///
/// - Parameter patience: the real time to wait when there is nothing left to do.
public func simulate<Result: Sendable>(
    seed: UInt64,
    patience: Duration = .seconds(10),
    _ body: @escaping @Sendable (SimulatedNetwork) async throws -> Result
) async throws -> Result {
    let network = SimulatedNetwork(seed: seed)
    let loop = network.loop
    let outcome = NIOLockedValueBox<Swift.Result<Result, any Error>?>(nil)
    let task = Task(executorPreference: loop.taskExecutor) {
        do {
            let result = try await body(network)
            outcome.withLockedValue { $0 = .success(result) }
        } catch {
            outcome.withLockedValue { $0 = .failure(error) }
        }
    }
    let isDone = await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            let isDone = loop.run(until: { outcome.withLockedValue { $0 != nil } }, patience: patience)
            // What the end of the body has set going, such as the release of what it held.
            loop.run()
            continuation.resume(returning: isDone)
        }
    }
    guard isDone, let outcome = outcome.withLockedValue({ $0 }) else {
        task.cancel()
        throw SimulationFailed(seed: seed, time: loop.elapsed, cause: SimulationStalled())
    }
    do {
        return try outcome.get()
    } catch {
        throw SimulationFailed(seed: seed, time: loop.elapsed, cause: error)
    }
}
