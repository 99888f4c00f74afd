import Foundation
import Inference
import LatticaCore
import LatticaRPC
import Ledger
import Logging
import NodeAPI

/// Turns the texts of Nexus into vectors.
///
/// Billed like an answer: a receipt over the vectors with the tokens that were read, and a voucher for it.
struct EmbedService: Sendable {
    let embedder: any TextEmbedder
    let nexus: PeerID
    let desk: PaymentDesk
    let node: NodeID
    let sessions: Sessions
    let load: NodeLoad
    let logger: Logger
    let now: @Sendable () -> UInt64
    private let clock = ContinuousClock()

    /// Texts of a call, as in the OpenAI API, and their bytes.
    private static let limits = (texts: 2048, bytes: 2 << 20)
    /// Texts that are computed before their vectors are sent, so that a caller hears something now and then.
    private static let slice = 16
    /// Tokens that a model adds to a text.
    private static let marks = 2
    /// How long a caller may leave vectors untaken.
    private static let sendDeadline: Duration = .seconds(30)

    private struct Begun {
        let session: Session
        let requestHash: Bytes32
        let texts: [String]
        let promptTokens: Int
    }

    /// Puts the method on a server.
    func register(on server: RPCServer) {
        server.register(NodeMethod.embed) { call in
            try call.admit(only: nexus)
            try await embed(call)
        }
    }

    private func embed(_ call: RPCServerCall) async throws {
        guard let bytes = try await call.receive(), case .embed(let start) = try? ProtoChatCommand(wire: bytes).command
        else { throw RPCFailure(code: .invalidArgument, message: "the first message must be an embed") }
        let begun: Begun
        do throws(Refusal) {
            begun = try await begin(start, request: bytes)
        } catch {
            try await call.send(update: .refused(error.message))
            return
        }
        load.begin()
        defer { load.end() }
        var hash = AnswerHash(session: begun.session.id)
        let tokens = try await vectors(begun, to: call, hash: &hash)
        guard let cost = begun.session.quote.price.cost(inputTokens: UInt64(tokens), outputTokens: 0) else {
            throw RPCFailure(code: .internalError, message: "the cost is beyond all money")
        }
        let bill = PaymentDesk.Bill(
            session: begun.session.id,
            key: begun.session.key,
            quote: begun.session.quoteHash,
            request: begun.requestHash,
            response: hash.finalize(),
            inputTokens: UInt64(tokens),
            outputTokens: 0,
            cost: cost
        )
        let isPaid = try await desk.collect(bill) { receipt in try await exchange(receipt, on: call) }
        if isPaid { return try await call.send(update: .voucherAccepted(ProtoVoucherAccepted())) }
        logger.warning("vectors were not paid", metadata: ["session": "\(begun.session.id)"])
    }

    private func begin(_ start: ProtoEmbedStart, request: [UInt8]) async throws(Refusal) -> Begun {
        guard let id = Bytes32([UInt8](start.session)), let session = sessions.session(id, now: now()) else {
            throw Refusal(.sessionUnknown, "open a session first")
        }
        guard await !desk.isBarred(session.key) else { throw Refusal(.unpaid, "earlier answers were not paid") }
        guard (1...Self.limits.texts).contains(start.texts.count) else {
            throw Refusal(field: "input", "from 1 to \(Self.limits.texts) texts are possible")
        }
        let bytes = start.texts.reduce(0) { $0 + $1.utf8.count }
        guard bytes <= Self.limits.bytes else {
            throw Refusal(field: "input", "\(bytes) bytes are more than \(Self.limits.bytes)")
        }
        // No tokenizer makes more tokens than there are bytes.
        let tokens = start.texts.reduce(0) { $0 + min(embedder.maxTokens, $1.utf8.count + Self.marks) }
        guard let cost = session.quote.price.cost(inputTokens: UInt64(tokens), outputTokens: 0),
            cost <= Nano(start.credit)
        else { throw Refusal(.badRequest, "the credit does not cover the texts") }
        return Begun(
            session: session,
            requestHash: SaltedHash.of(request, session: session.id),
            texts: start.texts,
            promptTokens: tokens
        )
    }

    /// Sends the vectors of all texts; answers how many tokens they took.
    private func vectors(_ begun: Begun, to call: RPCServerCall, hash: inout AnswerHash) async throws -> Int {
        defer { load.endWriting() }
        var accepted = ProtoChatAccepted()
        accepted.promptTokens = UInt32(clamping: begun.promptTokens)
        try await send(.accepted(accepted), on: call)
        var tokens = 0
        for start in stride(from: 0, to: begun.texts.count, by: Self.slice) {
            let texts = Array(begun.texts[start..<min(start + Self.slice, begun.texts.count)])
            let embeddings: Embeddings
            do throws(EmbeddingError) { embeddings = try await embedder.embeddings(of: texts) } catch {
                logger.warning("texts got no vectors", metadata: ["error": "\(error)"])
                throw RPCFailure(code: .unavailable, message: "the embedder cannot work")
            }
            guard embeddings.vectors.count == texts.count else {
                throw RPCFailure(code: .unavailable, message: "the embedder lost a text")
            }
            tokens += embeddings.tokenCounts.reduce(0, +)
            for vector in embeddings.vectors {
                var message = ProtoEmbedVectors()
                message.values = Data(
                    vector.flatMap { value in
                        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
                    }
                )
                hash.append(message)
                try await send(.vectors(message), on: call)
            }
        }
        return min(tokens, begun.promptTokens)
    }

    private func send(_ update: ProtoChatUpdate.OneOf_Update, on call: RPCServerCall) async throws {
        guard try await clock.withDeadline(Self.sendDeadline, { try await call.send(update: update) }) != nil else {
            throw RPCFailure(code: .deadlineExceeded, message: "the vectors were given up: nobody took them")
        }
    }

    private func exchange(_ receipt: SignedReceipt, on call: RPCServerCall) async throws -> SignedVoucher? {
        var message = ProtoChatFinished()
        message.reason = .stop
        message.receipt = ProtoReceipt(receipt)
        try await send(.finished(message), on: call)
        let reply = try await clock.withDeadline(ChatService.voucherDeadline) { try await call.receive() }
        guard let bytes = reply ?? nil, case .voucher(let voucher) = try ProtoChatCommand(wire: bytes).command else {
            return nil
        }
        return try voucher.signedVoucher(for: node)
    }
}
