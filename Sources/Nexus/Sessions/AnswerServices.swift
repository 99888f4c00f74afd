import LatticaRPC
import Ledger
import Logging
import NodeAPI
import SwiftProtobuf

/// What an answer needs of the kernel once it is under way.
struct AnswerServices: Sendable {
    let book: VoucherBook
    let credit: Credit
    let registry: NodeRegistry
    let jobs: BackgroundJobs
    let logger: Logger
    /// The most tokens that this answer may have.
    let tokenLimit: Int

    /// The node has done its part.
    func finished(node: NodeID, usage: Usage, prefill: Duration, decode: Duration) {
        registry.finished(node) { observed in
            observed.sawAnswer(
                promptTokens: usage.promptTokens,
                prefill: prefill,
                completionTokens: usage.completionTokens,
                decode: decode
            )
        }
    }

    /// The answer cannot be paid; the hold ends and the node's health shows it.
    func failed(hold: Credit.Hold, node: NodeID, error: any Error) {
        credit.release(hold)
        registry.finished(node) { $0.sawFailure() }
        logger.warning("a node failed while answering", metadata: ["node": "\(node)", "error": "\(error)"])
    }

    /// Sends the voucher and waits for the node to say that it has it, in the background: the caller need not wait.
    func handOver(_ voucher: SignedVoucher, on call: RPCCall) {
        let logger = logger
        jobs.start {
            do {
                var message = ProtoChatCommand()
                message.voucher = ProtoVoucher(voucher)
                try await call.send([UInt8](try message.serializedData()))
                try await call.finish()
                try await withDeadline(NodeAnswer.billDeadline) {
                    while try await call.receive() != nil {}
                }
            } catch {
                // The voucher is stored and is shown again when the next session opens.
                logger.debug(
                    "a voucher was not acknowledged",
                    metadata: ["node": "\(voucher.voucher.node)", "error": "\(error)"]
                )
                call.cancel()
            }
        }
    }

    /// Has a stopped answer billed and paid in the background.
    func settleStopped(_ answer: NodeAnswer) {
        jobs.start { await answer.settleStopped() }
    }

    /// The caller let go of an answer without stopping it: the node is cut off, and nothing is charged.
    func abandon(_ call: RPCCall, hold: Credit.Hold, node: NodeID) {
        call.cancel()
        credit.release(hold)
        registry.finished(node) { _ in }
    }
}

/// Work that outlives the request that caused it, owned by the kernel.
final class BackgroundJobs: Sendable {
    typealias Job = @concurrent @Sendable () async -> Void

    /// Jobs beyond this many wait unstarted; more than that are refused and run by nobody.
    private static let limit = 8192

    private let queue: AsyncStream<Job>
    private let continuation: AsyncStream<Job>.Continuation

    init() {
        (queue, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.limit))
    }

    /// Has a job run soon. Every job must end by a deadline of its own.
    func start(_ job: @escaping Job) {
        continuation.yield(job)
    }

    /// No more jobs come; ``run()`` returns when those that were started have ended.
    func finish() {
        continuation.finish()
    }

    /// Runs jobs until ``finish()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await job in queue { group.addTask(operation: job) }
        }
    }
}
