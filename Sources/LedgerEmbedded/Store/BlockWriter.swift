import Dispatch
import GRDB
import Ledger
import Logging
import NIOConcurrencyHelpers

/// Runs an actor on a thread of its own queue, so that waiting for the disk holds up nobody else.
final class QueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "lattice.ledger.writer", qos: .userInitiated)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = unsafe asUnownedSerialExecutor()
        queue.async { unsafe job.runSynchronously(on: executor) }
    }
}

/// What readers see: the state after the newest block that is on disk.
struct Committed: Sendable {
    var core: LedgerCore
    var head: StoredBlock
}

/// The one writer of a ledger: puts commands that come together into one block and writes it with its state, or not at all.
///
/// While a block is on its way to the disk, commands gather for the next one. So no command waits for a timer, and a busy
/// ledger has few, large blocks.
actor BlockWriter {
    /// A command that waits for its block.
    struct Waiting {
        let call: Call
        let body: [UInt8]
        let id: SubmissionID
        let answer: CheckedContinuation<Result<Submission, LedgerError>, Never>
    }

    /// Commands that wait at most.
    ///
    /// Each may hold 128 KiB, so that 2 048 are bounded by 256 MiB.
    static let mostWaiting = 2_048
    /// Commands in a block at most; keeps the wait of the last one in the range of a hundred milliseconds.
    static let mostInBlock = 512

    private let pool: DatabasePool
    private let key: ClusterKey
    private let now: @Sendable () -> UInt64
    private let logger: Logger
    private let executor = QueueExecutor()
    private let committed: NIOLockedValueBox<Committed>
    private var core: LedgerCore
    private var head: StoredBlock
    private var checkpoint: Checkpoint
    private var waiting: [Waiting] = []
    private var flushing: Task<Void, Never>?
    private var isClosed = false

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(
        pool: DatabasePool,
        key: ClusterKey,
        opened: OpenedLedger,
        committed: NIOLockedValueBox<Committed>,
        logger: Logger,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.pool = pool
        self.key = key
        self.committed = committed
        self.logger = logger
        self.now = now
        core = opened.core
        head = opened.head
        checkpoint = opened.checkpoint
    }

    /// Puts a command into the next block and answers when that is on disk.
    func submit(_ call: Call, body: [UInt8], id: SubmissionID) async -> Result<Submission, LedgerError> {
        guard !isClosed else { return .failure(.closed) }
        guard waiting.count < Self.mostWaiting else { return .failure(.overloaded) }
        return await withCheckedContinuation { answer in
            waiting.append(Waiting(call: call, body: body, id: id, answer: answer))
            if flushing == nil { flushing = Task { await self.flush() } }
        }
    }

    /// Refuses further commands and waits for those that are waiting.
    func close() async {
        isClosed = true
        await flushing?.value
    }

    private func flush() async {
        while !waiting.isEmpty {
            let batch = Array(waiting.prefix(Self.mostInBlock))
            waiting.removeFirst(batch.count)
            writeBlock(batch)
            await Task.yield()
        }
        flushing = nil
    }

    /// What a command of the batch came to.
    private struct Decided {
        let command: BlockCommand
        let outcome: Outcome
    }

    private func writeBlock(_ batch: [Waiting]) {
        var outcomes: [SubmissionID: Outcome] = [:]
        var changes: [RowChange] = []
        var next = checkpoint
        do {
            let block = try pool.write { db in
                let block = try decide(batch, &outcomes, db)
                changes = core.state.takeChanges()
                try block?.write(changes: changes, checkpoint: &next, key: key, db)
                return block
            }
            if let block {
                checkpoint = next
                head = block.stored
                publish(changes)
            }
            for waiting in batch {
                let outcome = outcomes[waiting.id] ?? .pending
                waiting.answer.resume(returning: .success(Submission(id: waiting.id, outcome: outcome)))
            }
        } catch {
            revert(changes)
            logger.error("the ledger could not write a block", metadata: ["error": "\(error)"])
            for waiting in batch { waiting.answer.resume(returning: .failure(.unavailable("\(error)"))) }
        }
    }

    /// Applies what is new in the batch; `nil` when nothing is.
    private func decide(_ batch: [Waiting], _ outcomes: inout [SubmissionID: Outcome], _ db: Database) throws
        -> NewBlock?
    {
        let time = max(now(), head.header.time)
        let number = head.header.number + 1
        var commands: [BlockCommand] = []
        var events: [BlockEvent] = []
        for waiting in batch where outcomes[waiting.id] == nil {
            if let known = try LedgerDatabase.command(submission: waiting.id.bytes, db) {
                outcomes[waiting.id] = try LedgerDatabase.outcome(of: known, contracts: core.contracts, db)
                continue
            }
            var reason = ""
            switch core.apply(waiting.call, at: time) {
            case .success(let done):
                for event in done {
                    events.append(BlockEvent(event, command: UInt64(commands.count), contracts: core.contracts))
                }
                outcomes[waiting.id] = .final(Inclusion(block: number, time: time, events: done))
            case .failure(let refusal):
                reason = refusal.rawValue
                outcomes[waiting.id] = .rejected(refusal)
            }
            commands.append(
                BlockCommand(
                    submission: waiting.id.bytes,
                    caller: waiting.call.caller,
                    contract: core.contracts[waiting.call.command.contract],
                    body: waiting.body,
                    outcome: reason
                )
            )
        }
        guard !commands.isEmpty else { return nil }
        return NewBlock(number: number, parent: head.hash, time: time, commands: commands, events: events)
    }

    private func publish(_ changes: [RowChange]) {
        let head = head
        committed.withLockedValue { committed in
            committed.head = head
            for change in changes {
                // The rows were made by the same tables, so they read back.
                do { try committed.core.state.adopt(change) } catch {
                    assertionFailure("a row of \(change.table) does not read back")
                }
            }
        }
    }

    /// Takes the state back to the block that is on disk.
    private func revert(_ changes: [RowChange]) {
        let all = changes + core.state.takeChanges()
        for change in all.reversed() {
            let back = RowChange(table: change.table, key: change.key, before: change.after, after: change.before)
            do { try core.state.adopt(back) } catch {
                assertionFailure("a row of \(change.table) does not read back")
            }
        }
    }
}

extension LedgerDatabase {
    /// What a stored command came to.
    static func outcome(
        of stored: StoredCommand,
        contracts: ContractAddresses,
        _ db: Database
    ) throws -> Outcome {
        guard stored.command.outcome.isEmpty else { return .rejected(Reason(rawValue: stored.command.outcome)) }
        let time = try blocks(from: stored.number, to: stored.number, db).first?.header.time
        let events = try events(of: stored.index, in: stored.number, db).map { stored throws(MalformedRow) in
            guard let event = stored.event.event(contracts) else { throw MalformedRow(table: "events") }
            return event
        }
        return .final(Inclusion(block: stored.number, time: time ?? 0, events: events))
    }
}
