import LatticaCore
import LatticaRPC

/// Notices a caller that takes nothing of an answer for too long.
///
/// The engine holds a slot for an answer whose reader pauses; without an end, a few such readers would stop a node.
struct ReaderWatch: Sendable {
    private let deadline: Duration
    private let timers: Timers
    private let stalls: AsyncStream<Void>
    private let stalled: AsyncStream<Void>.Continuation

    /// A watch over a caller that may take nothing for `deadline`.
    init(deadline: Duration, timers: Timers) {
        self.deadline = deadline
        self.timers = timers
        (stalls, stalled) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    /// Sends a delta under watch.
    func watch(_ send: () async throws -> Void) async throws {
        let timer = timers.start(deadline) { stalled.yield() }
        defer { timers.cancel(timer) }
        try await send()
    }

    /// Says that the answer is written.
    func end() { stalled.finish() }

    /// Waits until the answer is written.
    ///
    /// - Throws: `RPCFailure` when the caller took nothing for too long.
    func run() async throws {
        for await _ in stalls {
            throw RPCFailure(code: .deadlineExceeded, message: "the answer was given up: nobody took it")
        }
    }
}
