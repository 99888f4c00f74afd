import LatticaCore
import LatticaRPC
import Ledger
import Logging
import NodeAPI
import SwiftProtobuf

/// One answer on its way from a node to a caller.
///
/// It reads from the node only when the caller asks for the next event, so that a slow caller holds the node back
/// through the stream's window. When the answer ends, in whichever way, it is paid for what was delivered.
actor NodeAnswer: ChatAnswer {
    nonisolated let node: NodeListing
    nonisolated let model: String

    private let call: RPCCall
    private let session: NodeSession
    private let hold: Credit.Hold
    private let services: AnswerServices
    private var delivered: DeliveredAnswer
    private var response: AnswerHash
    /// Messages with a part of the answer.
    private var deltas: UInt32 = 0
    /// Tokens that came without anything to tell.
    private var untold = 0
    private var state = State.streaming
    /// Whether a read of the node's next message is under way.
    private(set) var isReading = false
    private let clock = ContinuousClock()

    private enum State {
        case streaming
        /// The voucher is being written.
        case paying
        /// Stopped by the caller; the bill is still to come.
        case stopping
        case ended
    }

    /// The longest silence between two messages of a node before the answer counts as failed.
    static let stallDeadline: Duration = .seconds(60)
    /// How long the bill of a stopped answer is waited for.
    ///
    /// The node bills one answer of a key at a time, and waits ten seconds for a payer.
    static let billDeadline: Duration = .seconds(20)

    init(
        node: NodeListing,
        started: StartedCall,
        session: NodeSession,
        hold: Credit.Hold,
        services: AnswerServices
    ) {
        self.node = node
        model = session.model
        call = started.call
        self.session = session
        self.hold = hold
        self.services = services
        delivered = DeliveredAnswer(
            request: started.requestHash,
            response: .zero,
            promptTokenLimit: started.promptTokens,
            completionTokens: 0,
            hold: hold.amount
        )
        response = AnswerHash(session: session.id)
    }

    deinit {
        guard state == .streaming else { return }
        services.abandon(call, hold: hold, node: session.node)
    }

    func next() async throws(NexusError) -> ChatEvent? {
        guard case .streaming = state else { return nil }
        do {
            while true {
                let update = try await read()
                // Stopped meanwhile: what was read is not delivered.
                if case .stopping = state {
                    settleSoon()
                    return nil
                }
                switch update {
                case .delta(let delta):
                    // Tokens may complete nothing that can be told yet; they count with what comes next.
                    if let event = try take(delta) { return .delta(event) }
                case .interim(let bill):
                    try await advance(bill)
                    if case .stopping = state {
                        settleSoon()
                        return nil
                    }
                case .finished(let finished):
                    return .finished(try await pay(finished))
                case .accepted, .voucherAccepted, .refused, .vectors:
                    throw MessageError.badField("update: out of order")
                }
            }
        } catch RPCError.cancelled where state != .ended {
            state = .stopping
            settleSoon()
            throw .nodeFailed("the caller left")
        } catch {
            throw fail(error)
        }
    }

    /// Reads the vectors of a call of Embed to their end, and pays for them.
    ///
    /// - Parameter limit: the bytes that they have.
    func vectors(limit: Int) async throws(NexusError) -> (values: [UInt8], summary: ChatSummary) {
        var values: [UInt8] = []
        do {
            while true {
                switch try await read() {
                case .vectors(let vectors):
                    guard values.count + vectors.values.count <= limit else {
                        throw MessageError.badField("vectors: too many")
                    }
                    response.append(vectors)
                    values += vectors.values
                case .finished(let finished):
                    guard values.count == limit else { throw MessageError.missing("vectors") }
                    return (values, try await pay(finished))
                case .accepted, .voucherAccepted, .refused, .delta, .interim:
                    throw MessageError.badField("update: out of order")
                }
            }
        } catch  where Task.isCancelled && state == .streaming {
            // The caller left: the node is not to blame.
            state = .ended
            services.abandon(call, hold: hold, node: session.node)
            throw .nodeFailed("the caller left")
        } catch {
            throw fail(error)
        }
    }

    func stop() async {
        guard case .streaming = state else { return }
        state = .stopping
        // One task reads at a time: whoever is reading goes on from here.
        if !isReading { settleSoon() }
    }

    private func settleSoon() {
        if !services.settleStopped(self) { _ = fail(DeadlineExceeded()) }
    }

    /// Tells the node to stop and pays what was delivered.
    ///
    /// Runs in a task of the kernel, after the caller has left.
    func settleStopped() async {
        guard case .stopping = state else { return }
        do {
            guard let bill = try await clock.withDeadline(Self.billDeadline, { try await self.requestBill() }) else {
                throw DeadlineExceeded()
            }
            _ = try await pay(bill)
        } catch {
            _ = fail(error)
        }
    }

    private func requestBill() async throws -> ProtoChatFinished {
        var stop = ProtoChatStop()
        stop.delivered = UInt32(clamping: delivered.completionTokens)
        stop.deltas = deltas
        var message = ProtoChatCommand()
        message.stop = stop
        try await call.send(try message.wireBytes())
        let due = response.finalize()
        while true {
            // What was under way when the caller left is neither delivered nor charged. A bill for it was signed before
            // the node heard of the stop; it bills again.
            guard case .finished(let finished) = try await NodeAnswer.update(from: call),
                finished.receipt.outputTokens <= UInt64(delivered.completionTokens),
                Bytes32([UInt8](finished.receipt.response)) == due
            else { continue }
            return finished
        }
    }

    private func take(_ delta: ProtoChatDelta) throws -> ChatDelta? {
        var event = try ChatDelta(delta)
        delivered.completionTokens += Int(delta.tokens)
        deltas += 1
        response.append(delta)
        // A node that sends more than was asked for is stopped; it could not charge it anyway.
        guard delivered.completionTokens <= services.tokenLimit else {
            throw MessageError.badField("delta: too many tokens")
        }
        untold += event.tokens
        if event.isEmpty { return nil }
        event.tokens = untold
        untold = 0
        return event
    }

    /// Pays for what was delivered so far of an answer that goes on.
    private func advance(_ bill: ProtoInterimBill) async throws {
        // A stop that comes meanwhile waits, as it does while a message is read.
        isReading = true
        defer { isReading = false }
        let cost = Nano(bill.cost)
        let voucher = try await booked { [services, session, delivered, hold] in
            try await services.book.advance(
                to: cost,
                claimed: Nano(bill.amount),
                session: session,
                delivered: delivered,
                hold: hold
            )
        }
        delivered.advanced = cost
        try await call.send(ProtoChatCommand.with { $0.voucher = ProtoVoucher(voucher) }.wireBytes())
    }

    private func pay(_ finished: ProtoChatFinished) async throws -> ChatSummary {
        state = .paying
        delivered.response = response.finalize()
        let receipt = try finished.receipt.signedReceipt(
            node: session.node,
            key: session.key,
            quote: session.quoteHash
        )
        let voucher = try await booked { [services, session, delivered, hold] in
            try await services.book.pay(receipt, session: session, delivered: delivered, hold: hold)
        }
        state = .ended
        let summary = ChatSummary(finished, receipt: receipt.receipt)
        services.finished(
            node: session.node,
            usage: summary.usage,
            prefill: .microseconds(Int64(clamping: finished.prefillUs)),
            decode: .microseconds(Int64(clamping: finished.decodeUs))
        )
        services.handOver(voucher, session: session, on: call)
        return summary
    }

    /// A voucher that is signed and written in a task of its own: a caller who leaves in this moment must not interrupt it
    /// half-way.
    private func booked(_ sign: @escaping @Sendable () async throws -> SignedVoucher) async throws -> SignedVoucher {
        do {
            return try await Task { try await sign() }.value
        } catch let fault as ReceiptFault {
            throw fault
        } catch {
            services.logger.error("a voucher cannot be written", metadata: ["error": "\(error)"])
            throw NexusError.internalFault("a voucher cannot be written; \(charged)")
        }
    }

    /// What an answer that ends early has cost, for people.
    private var charged: String {
        delivered.advanced == .zero ? "nothing was charged" : "\(delivered.advanced) LAI was charged for what came"
    }

    /// Ends an answer that cannot be paid: nothing more is charged.
    private func fail(_ error: any Error) -> NexusError {
        state = .ended
        call.cancel()
        if let fault = error as? NexusError {
            services.failedHere(hold: hold, node: session.node, error: fault)
            return fault
        }
        services.failed(hold: hold, session: session, error: error)
        return .nodeFailed(NodeAnswer.describe(error, charged: charged))
    }

    private func read() async throws -> ProtoChatUpdate.OneOf_Update {
        isReading = true
        defer { isReading = false }
        let call = call
        guard let update = try await clock.withDeadline(Self.stallDeadline, { try await NodeAnswer.update(from: call) })
        else { throw DeadlineExceeded() }
        return update
    }

    private static func update(from call: RPCCall) async throws -> ProtoChatUpdate.OneOf_Update {
        guard let bytes = try await call.receive() else {
            throw MessageError.missing("finished: the node closed the stream")
        }
        guard let update = try ProtoChatUpdate(wire: bytes).update else {
            throw MessageError.missing("update")
        }
        return update
    }

    /// What is told to callers: the kind of failure, not the node's own words.
    static func describe(_ error: any Error, charged: String = "nothing was charged") -> String {
        switch error {
        case let fault as ReceiptFault: "the node's receipt is not right (\(fault)); \(charged)"
        case is MessageError: "the node broke the protocol; \(charged)"
        case is DeadlineExceeded: "the node fell silent; \(charged)"
        default: "the node failed while answering; \(charged). Try again: another node may take it"
        }
    }
}
