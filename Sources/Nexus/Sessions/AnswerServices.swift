import LatticaCore
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
    let sessions: SessionPool
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
    func failed(hold: Credit.Hold, session: NodeSession, error: any Error) {
        credit.release(hold)
        registry.finished(session.node) { $0.sawFailure() }
        logger.warning("a node failed while answering", metadata: ["node": "\(session.node)", "error": "\(error)"])
        // The node may reckon with another sum than this side, for instance after it gave up on a voucher.
        if error is ReceiptFault { jobs.start { await resynchronize(session) } }
    }

    /// The answer cannot be paid for a reason of our own; the node is not to blame.
    func failedHere(hold: Credit.Hold, node: NodeID, error: NexusError) {
        credit.release(hold)
        registry.finished(node) { _ in }
        logger.error("an answer could not be paid", metadata: ["node": "\(node)", "error": "\(error)"])
    }

    /// Sends the voucher and waits for the node to say that it has it, in the background: the caller need not wait.
    func handOver(_ voucher: SignedVoucher, session: NodeSession, on call: RPCCall) {
        jobs.start {
            do {
                let isAccepted = try await ContinuousClock().withDeadline(NodeAnswer.billDeadline) {
                    try await hand(voucher, to: call)
                }
                if isAccepted == true { return }
                logger.debug("a voucher was not acknowledged", metadata: ["node": "\(session.node)"])
            } catch {
                logger.debug(
                    "a voucher was not acknowledged",
                    metadata: ["node": "\(session.node)", "error": "\(error)"]
                )
            }
            call.cancel()
            await resynchronize(session)
        }
    }

    private func hand(_ voucher: SignedVoucher, to call: RPCCall) async throws -> Bool {
        var message = ProtoChatCommand()
        message.voucher = ProtoVoucher(voucher)
        try await call.send(try message.wireBytes())
        try await call.finish()
        var isAccepted = false
        while let bytes = try await call.receive() {
            if case .voucherAccepted = try ProtoChatUpdate(wire: bytes).update { isAccepted = true }
        }
        return isAccepted
    }

    private func resynchronize(_ session: NodeSession) async {
        do {
            try await sessions.resynchronize(session)
        } catch {
            // The voucher is stored and is shown when the next session opens.
            logger.debug("a node did not take a voucher", metadata: ["node": "\(session.node)", "error": "\(error)"])
        }
    }

    /// Has a stopped answer billed and paid in the background.
    ///
    /// - Returns: `false` if nobody will do it.
    func settleStopped(_ answer: NodeAnswer) -> Bool {
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

    /// Jobs that wait to be started; more are refused.
    ///
    /// Those under way are as few as the answers that caused them.
    private static let limit = 8192

    private let queue: AsyncStream<Job>
    private let continuation: AsyncStream<Job>.Continuation

    init() {
        (queue, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.limit))
    }

    /// Has a job run soon.
    ///
    /// Every job must end by a deadline of its own.
    ///
    /// - Returns: `false` if it will not run, since too many wait or the kernel stops.
    @discardableResult
    func start(_ job: @escaping Job) -> Bool {
        if case .enqueued = continuation.yield(job) { true } else { false }
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
