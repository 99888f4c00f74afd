import Dispatch
public import GRDB
import NIOConcurrencyHelpers

/// Puts the writes of many callers on disk together.
///
/// While a transaction is on its way to the disk, writes gather for the next one. So a lone write waits for no timer, and a
/// busy store makes few, large transactions: the disk is waited for once for all of them. A write that fails, fails alone.
///
/// Cancelling a caller does not take its write back: what was begun is finished and answered.
public final class GroupCommit: Sendable {
    /// More writes wait than are held in memory.
    public struct Overloaded: Error, CustomStringConvertible {
        /// What is wrong and what to do.
        public let description = "the disk does not keep up with what is to be written. Try again later."
    }

    /// A write that waits for its transaction.
    private struct Write: Sendable {
        /// Does it, and answers with what tells the caller once it is on disk.
        let attempt: @Sendable (Database) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var waiting: [Write] = []
        var isDraining = false
    }

    /// Writes that wait at most; each is a few hundred bytes.
    private static let mostWaiting = 8192
    /// Writes in a transaction at most: the wait of the last stays within milliseconds.
    private static let mostTogether = 512

    private let database: any DatabaseWriter
    private let queue = DispatchQueue(label: "lattice.group-commit", qos: .userInitiated)
    private let state = NIOLockedValueBox(State())

    /// Commits to a database; how durable a commit is, is that database's setting.
    public init(_ database: any DatabaseWriter) { self.database = database }

    /// Does a write and answers when it is on disk.
    ///
    /// - Parameter body: may be run a second time, when another write of the same transaction failed.
    /// - Throws: what `body` throws, what SQLite says, or ``Overloaded``.
    public func write<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let write = Write(
                attempt: { database in
                    let answer = try body(database)
                    return { continuation.resume(returning: answer) }
                },
                fail: { continuation.resume(throwing: $0) }
            )
            let (isTaken, isFirst) = state.withLockedValue { state in
                guard state.waiting.count < Self.mostWaiting else { return (false, false) }
                state.waiting.append(write)
                defer { state.isDraining = true }
                return (true, !state.isDraining)
            }
            if !isTaken { write.fail(Overloaded()) }
            if isFirst { queue.async { self.drain() } }
        }
    }

    private func drain() {
        while let batch = next() {
            do {
                let tell = try database.write { database in try batch.map { try $0.attempt(database) } }
                for tell in tell { tell() }
            } catch {
                for write in batch { commitAlone(write) }
            }
        }
    }

    private func next() -> [Write]? {
        state.withLockedValue { state in
            guard !state.waiting.isEmpty else {
                state.isDraining = false
                return nil
            }
            let batch = Array(state.waiting.prefix(Self.mostTogether))
            state.waiting.removeFirst(batch.count)
            return batch
        }
    }

    private func commitAlone(_ write: Write) {
        do { try database.write { try write.attempt($0) }() } catch { write.fail(error) }
    }
}
