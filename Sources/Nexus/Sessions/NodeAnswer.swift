import LatticaCore
import LatticaRPC
import Ledger
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
    private var response: Keccak256
    private var promptTokens: Int
    private var state = State.streaming

    private enum State {
        case streaming
        /// Stopped by the caller; the bill is still to come.
        case stopping
        case ended
    }

    /// The longest silence between two messages of a node before the answer counts as failed.
    static let stallDeadline: Duration = .seconds(60)
    /// How long the bill of a stopped answer is waited for.
    static let billDeadline: Duration = .seconds(10)

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
        promptTokens = started.promptTokens
        self.session = session
        self.hold = hold
        self.services = services
        delivered = DeliveredAnswer(
            request: started.requestHash,
            response: .zero,
            promptTokenLimit: started.promptTokenLimit,
            completionTokens: 0,
            hold: hold.amount
        )
        response = Keccak256()
        response.update(session.id.bytes)
    }

    deinit {
        guard state == .streaming else { return }
        services.abandon(call, hold: hold, node: session.node)
    }

    func next() async throws(NexusError) -> ChatEvent? {
        guard case .streaming = state else { return nil }
        do {
            while true {
                guard let update = try await receive(within: Self.stallDeadline) else {
                    throw MessageError.missing("finished: the node closed the stream")
                }
                switch update {
                case .delta(let delta):
                    try take(delta)
                    if delta.text.isEmpty { continue }
                    return .delta(text: delta.text, tokens: Int(delta.tokens))
                case .finished(let finished):
                    let summary = try await pay(finished)
                    return .finished(summary)
                case .accepted, .voucherAccepted, .refused:
                    throw MessageError.badField("update: out of order")
                }
            }
        } catch RPCError.cancelled {
            await stop()
            throw .nodeFailed("the caller left")
        } catch is CancellationError {
            await stop()
            throw .nodeFailed("the caller left")
        } catch {
            throw fail(error)
        }
    }

    func stop() async {
        guard case .streaming = state else { return }
        state = .stopping
        services.settleStopped(self)
    }

    /// Tells the node to stop and pays what was delivered. Runs in a task of the kernel, after the caller has left.
    func settleStopped() async {
        guard case .stopping = state else { return }
        do {
            var stop = ProtoChatStop()
            stop.delivered = UInt32(clamping: delivered.completionTokens)
            try await send(.stop(stop))
            try await withDeadline(Self.billDeadline) {
                try await self.awaitBill()
            }
        } catch {
            _ = fail(error)
        }
    }

    private func awaitBill() async throws {
        while let update = try await receive(within: Self.billDeadline) {
            // Tokens that were under way when the caller left are neither delivered nor charged. A bill for them was
            // signed before the node heard of the stop; it bills again.
            guard case .finished(let finished) = update,
                finished.receipt.outputTokens <= UInt64(delivered.completionTokens)
            else { continue }
            _ = try await pay(finished)
            return
        }
        throw MessageError.missing("finished: the node closed the stream")
    }

    private func take(_ delta: ProtoChatDelta) throws {
        delivered.completionTokens += Int(delta.tokens)
        response.update(Array(delta.text.utf8))
        // A node that sends more than was asked for is stopped; it could not charge it anyway.
        guard delivered.completionTokens <= services.tokenLimit else { throw MessageError.badField("delta: too many tokens") }
    }

    private func pay(_ finished: ProtoChatFinished) async throws -> ChatSummary {
        delivered.response = response.finalize()
        let receipt = try finished.receipt.signedReceipt(
            node: session.node,
            key: session.key,
            quote: session.quoteHash
        )
        let voucher = try await services.book.pay(receipt, session: session, delivered: delivered, hold: hold)
        state = .ended
        services.finished(
            node: session.node,
            usage: Usage(
                promptTokens: Int(receipt.receipt.inputTokens),
                completionTokens: Int(receipt.receipt.outputTokens)
            ),
            prefill: .microseconds(Int64(clamping: finished.prefillUs)),
            decode: .microseconds(Int64(clamping: finished.decodeUs))
        )
        services.handOver(voucher, on: call)
        return ChatSummary(
            reason: FinishReason(finished.reason),
            usage: Usage(
                promptTokens: Int(receipt.receipt.inputTokens),
                completionTokens: Int(receipt.receipt.outputTokens)
            ),
            cost: receipt.receipt.cost,
            receipt: receipt.receipt.structHash.description
        )
    }

    /// Ends an answer that cannot be paid: nothing is charged.
    private func fail(_ error: any Error) -> NexusError {
        state = .ended
        call.cancel()
        services.failed(hold: hold, node: session.node, error: error)
        return .nodeFailed(NodeAnswer.describe(error))
    }

    private func receive(within deadline: Duration) async throws -> ProtoChatUpdate.OneOf_Update? {
        let call = call
        guard let bytes = try await withDeadline(deadline, { try await call.receive() }) else { return nil }
        guard let update = try ProtoChatUpdate(serializedBytes: bytes).update else {
            throw MessageError.missing("update")
        }
        return update
    }

    private func send(_ command: ProtoChatCommand.OneOf_Command) async throws {
        var message = ProtoChatCommand()
        message.command = command
        try await call.send([UInt8](try message.serializedData()))
    }

    /// What is told to callers: the kind of failure, not the node's own words.
    static func describe(_ error: any Error) -> String {
        switch error {
        case let fault as ReceiptFault: "the node's receipt is not right (\(fault)); nothing was charged"
        case is MessageError: "the node broke the protocol; nothing was charged"
        case is DeadlineExceeded: "the node fell silent; nothing was charged"
        default: "the node failed while answering; nothing was charged. Try again: another node may take it"
        }
    }
}

extension FinishReason {
    init(_ reason: ProtoFinishReason) {
        switch reason {
        case .length: self = .length
        case .cancelled: self = .cancelled
        case .stop, .unspecified, .UNRECOGNIZED: self = .stop
        }
    }
}
