import Foundation
import Inference
import LatticaCore
import LatticaRPC
import Ledger
import Logging
import NodeAPI
import SwiftProtobuf

/// Answers Nexus: opens sessions and writes answers.
///
/// Only the Nexus that this node joined may call; every other peer is refused before anything is decoded.
struct ChatService: Sendable {
    let engine: any ChatEngine
    let offer: NodeAnnouncement.ModelOffer
    let node: NodeID
    let nexus: PeerID
    let signer: Secp256k1Key
    let domain: TypedDomain
    let desk: PaymentDesk
    let sessions: Sessions
    let load: NodeLoad
    let logger: Logger
    let now: @Sendable () -> UInt64
    /// How long a caller may take nothing of an answer before it is given up.
    let readerDeadline: Duration
    /// Tokens of an answer that are written on credit.
    let creditWindow: Int
    private let timers = Timers(clock: ContinuousClock())
    private let clock = ContinuousClock()

    /// The credit window of the specification, in tokens of an answer (§4 step 3).
    static let creditWindow = 2_000
    /// How long a quote holds.
    static let quoteLife: UInt64 = 3600
    /// How long a receipt may wait for room in the caller's window: other answers of the key are billed after it.
    static let receiptDeadline: Duration = .seconds(30)
    /// How long the voucher for an answer is waited for.
    static let voucherDeadline: Duration = .seconds(10)
    /// Commands of one call that wait to be looked at; there are never more than two.
    private static let commandBuffer = 4

    /// Puts the methods on a server.
    func register(on server: RPCServer) {
        server.register(NodeMethod.openSession) { call in
            try admit(call)
            try await openSession(call)
        }
        server.register(NodeMethod.chat) { call in
            try admit(call)
            try await chat(call)
        }
    }

    private func admit(_ call: RPCServerCall) throws { try call.admit(only: nexus) }

    // MARK: Sessions

    private func openSession(_ call: RPCServerCall) async throws {
        let request: ProtoOpenSessionRequest = try await call.decoded()
        guard let key = KeyID([UInt8](request.key)) else {
            throw RPCFailure(code: .invalidArgument, message: "key: must have 20 bytes")
        }
        guard request.model == offer.name else {
            throw RPCFailure(code: .notFound, message: "this node serves \(offer.name)")
        }
        if request.hasVoucher {
            do {
                try await desk.present(try request.voucher.signedVoucher(for: node), key: key)
            } catch is PaymentDesk.Fault, is MessageError {
                throw RPCFailure(code: .invalidArgument, message: "the voucher is not valid")
            }
        }
        let quote = Quote(
            node: node,
            model: offer.fingerprint,
            inputPrice: offer.price.input,
            outputPrice: offer.price.output,
            validUntil: now() + Self.quoteLife
        )
        let signature = try signer.sign(quote, in: domain)
        let session = Session(id: .random(), key: key, model: offer.name, quote: quote, quoteHash: quote.structHash)
        sessions.add(session)
        var reply = ProtoOpenSessionReply()
        reply.session = Data(session.id.bytes)
        reply.quote = ProtoQuote(SignedQuote(quote: quote, r: signature.r, vs: signature.s))
        if let voucher = try await desk.newest(of: key) { reply.voucher = ProtoVoucher(voucher) }
        try await call.send(try reply.wireBytes())
    }

    // MARK: Answers

    private func chat(_ call: RPCServerCall) async throws {
        guard let bytes = try await call.receive() else {
            throw RPCFailure(code: .invalidArgument, message: "the request is missing")
        }
        guard case .start(let start) = try? ProtoChatCommand(wire: bytes).command else {
            throw RPCFailure(code: .invalidArgument, message: "the first message must be a start")
        }
        let begun: BegunAnswer
        do {
            begun = try await begin(start, request: bytes)
        } catch let refusal as Refusal {
            try await call.send(update: .refused(refusal.message))
            return
        }
        load.begin()
        defer { load.end() }
        defer { begun.stream.cancel() }
        try await answer(call, begun)
    }

    /// Checks a request and has the engine take it up.
    private func begin(_ start: ProtoChatStart, request: [UInt8]) async throws -> BegunAnswer {
        guard let id = Bytes32([UInt8](start.session)), let session = sessions.session(id, now: now()) else {
            throw Refusal(.sessionUnknown, "open a session first")
        }
        guard await !desk.isBarred(session.key) else { throw Refusal(.unpaid, "earlier answers were not paid") }
        let asked = try Conversation(start)
        let conversation: any ReadConversation
        let stream: any AnswerStream
        do throws(ChatEngineError) {
            conversation = try await engine.read(asked)
        } catch {
            throw Refusal(error, field: asked.field(of: error))
        }
        let limit = try limit(for: start, promptTokens: conversation.promptTokens, price: session.quote.price)
        do throws(ChatEngineError) {
            stream = try await conversation.answer(limit: limit)
        } catch {
            throw Refusal(error)
        }
        return BegunAnswer(
            session: session,
            requestHash: SaltedHash.of(request, session: session.id),
            promptTokens: conversation.promptTokens,
            credit: Nano(start.credit),
            stream: stream
        )
    }

    /// The most tokens of an answer: what the caller wants, the context holds and the credit pays.
    private func limit(for start: ProtoChatStart, promptTokens: Int, price: TokenPrice) throws(Refusal) -> Int {
        let profile = engine.profile
        var room = profile.contextLength - promptTokens
        // An upper bound, a token for each byte, is some four times what there is; the engine ends where its context does.
        if profile.capabilities.contains(.estimatesTokens) { room = max(profile.contextLength - promptTokens / 4, 1) }
        guard room >= 1 else {
            throw Refusal(.contextExceeded, "", context: profile.contextLength, prompt: promptTokens)
        }
        let wanted = start.maxTokens == 0 ? room : min(room, Int(start.maxTokens))
        guard
            let limit = price.affordableTokens(prompt: promptTokens, wanted: wanted, credit: Nano(start.credit))
        else { throw Refusal(.badRequest, "the credit does not cover the prompt") }
        return limit
    }

    private enum Part { case listening, watching, writing }

    /// What the caller says while an answer is written and billed.
    private enum Reply: Sendable {
        case stopped
        case voucher(ProtoVoucher)
    }

    /// Streams the answer while listening for a stop, then bills it.
    private func answer(_ call: RPCServerCall, _ begun: BegunAnswer) async throws {
        let (replies, inbox) = AsyncStream.makeStream(
            of: Reply.self,
            bufferingPolicy: .bufferingOldest(Self.commandBuffer)
        )
        let stop = StopRequest()
        let reader = ReaderWatch(deadline: readerDeadline, timers: timers)
        try await withThrowingTaskGroup(of: Part.self) { group in
            group.addTask {
                defer { inbox.finish() }
                try await listen(to: call, begun, stop, inbox)
                return .listening
            }
            group.addTask {
                try await reader.run()
                return .watching
            }
            group.addTask {
                let written = try await write(begun, to: call, stop, reader, replies)
                reader.end()
                try await bill(written, begun, call, stop, replies)
                return .writing
            }
            while let part = try await group.next(), part != .writing {}
            group.cancelAll()
        }
    }

    private func listen(
        to call: RPCServerCall,
        _ begun: BegunAnswer,
        _ stop: StopRequest,
        _ inbox: AsyncStream<Reply>.Continuation
    ) async throws {
        while let bytes = try await call.receive() {
            switch try ProtoChatCommand(wire: bytes).command {
            case .stop(let message):
                stop.arrived(message)
                begun.stream.cancel()
                inbox.yield(.stopped)
            case .voucher(let voucher): inbox.yield(.voucher(voucher))
            case .start, .embed, nil:
                throw RPCFailure(code: .invalidArgument, message: "a call carries one request")
            }
        }
    }

    private func write(
        _ begun: BegunAnswer,
        to call: RPCServerCall,
        _ stop: StopRequest,
        _ reader: ReaderWatch,
        _ replies: AsyncStream<Reply>
    ) async throws -> WrittenAnswer {
        defer { load.endWriting() }
        var accepted = ProtoChatAccepted()
        accepted.promptTokens = UInt32(clamping: begun.promptTokens)
        try await call.send(update: .accepted(accepted))
        var written = WrittenAnswer()
        while let event = try await begun.stream.next() {
            switch event {
            case .parts(let parts, let tokens, let logprobs):
                guard !stop.hasArrived else { continue }
                let delta = ProtoChatDelta(parts, tokens: tokens, logprobs: logprobs)
                written.append(delta)
                try await reader.watch { try await call.send(update: .delta(delta)) }
                try await keepWithinCredit(&written, begun, call, stop, replies)
            case .finished(let ending):
                written.ending = ending
            }
        }
        return written
    }

    /// Has what was written paid for when it is more than is given on credit; an answer that is not paid for ends.
    private func keepWithinCredit(
        _ written: inout WrittenAnswer,
        _ begun: BegunAnswer,
        _ call: RPCServerCall,
        _ stop: StopRequest,
        _ replies: AsyncStream<Reply>
    ) async throws {
        let price = begun.session.quote.price
        // An estimate of the prompt is an upper bound; what is due of it is known at the end.
        let prompt = engine.profile.capabilities.contains(.estimatesTokens) ? 0 : begun.promptTokens
        guard !stop.hasArrived, let window = price.cost(inputTokens: 0, outputTokens: UInt64(creditWindow)),
            let cost = price.cost(inputTokens: UInt64(prompt), outputTokens: UInt64(written.sentTokens)),
            window != .zero, cost <= begun.credit, let due = cost.subtracting(written.advanced), due >= window
        else { return }
        let isPaid = try await desk.advance(begun.session.key, by: due) { amount in
            let update = ProtoChatUpdate.OneOf_Update.interim(
                .with {
                    $0.cost = cost.count
                    $0.amount = amount.count
                }
            )
            return try await exchange(update, call, replies, isStopExpected: false)
        }
        if isPaid {
            written.advanced = cost
        } else {
            begun.stream.cancel()
        }
    }

    /// Sends a bill and waits for its voucher; `nil` when none comes in time, or a stop comes that was not known.
    private func exchange(
        _ bill: ProtoChatUpdate.OneOf_Update,
        _ call: RPCServerCall,
        _ replies: AsyncStream<Reply>,
        isStopExpected: Bool
    ) async throws -> SignedVoucher? {
        guard try await clock.withDeadline(Self.receiptDeadline, { try await call.send(update: bill) }) != nil else {
            return nil
        }
        let voucher = try await clock.withDeadline(Self.voucherDeadline) { () async throws -> SignedVoucher? in
            for await reply in replies {
                switch reply {
                case .voucher(let voucher): return try voucher.signedVoucher(for: node)
                case .stopped: if !isStopExpected { return nil }
                }
            }
            return nil
        }
        return voucher ?? nil
    }

    /// Has the answer paid for.
    ///
    /// A caller may leave when the last tokens are under way. Its stop then crosses the bill: that one is void, and what
    /// reached the caller is billed.
    private func bill(
        _ whole: WrittenAnswer,
        _ begun: BegunAnswer,
        _ call: RPCServerCall,
        _ stop: StopRequest,
        _ replies: AsyncStream<Reply>
    ) async throws {
        while true {
            var written = whole
            let delivered = stop.message
            if let delivered { written.cut(to: delivered) }
            let finished = written.message
            let isPaid = try await desk.collect(try bill(for: written, begun)) { receipt in
                var message = finished
                message.receipt = ProtoReceipt(receipt)
                return try await exchange(.finished(message), call, replies, isStopExpected: delivered != nil)
            }
            if isPaid { return try await call.send(update: .voucherAccepted(ProtoVoucherAccepted())) }
            guard delivered == nil, stop.hasArrived else { break }
        }
        logger.warning("an answer was not paid", metadata: ["session": "\(begun.session.id)"])
    }

    private func bill(for written: WrittenAnswer, _ begun: BegunAnswer) throws -> PaymentDesk.Bill {
        let price = begun.session.quote.price
        // An engine that estimates knows better in the end.
        let prompt = min(begun.promptTokens, written.ending?.promptTokens ?? begun.promptTokens)
        let paid = price.affordableTokens(prompt: prompt, wanted: written.tokens, credit: begun.credit) ?? 0
        let (input, output) = (UInt64(prompt), UInt64(paid))
        guard let cost = price.cost(inputTokens: input, outputTokens: output) else {
            throw RPCFailure(code: .internalError, message: "the cost is beyond all money")
        }
        return PaymentDesk.Bill(
            session: begun.session.id,
            key: begun.session.key,
            quote: begun.session.quoteHash,
            request: begun.requestHash,
            response: written.hash(session: begun.session.id),
            inputTokens: input,
            outputTokens: output,
            cost: cost,
            advanced: written.advanced
        )
    }
}

extension RPCServerCall {
    /// The one message of a unary request.
    fileprivate func decoded<Request: Message>() async throws -> Request {
        guard let bytes = try await receive(), let request = try? Request(wire: bytes) else {
            throw RPCFailure(code: .invalidArgument, message: "the request cannot be decoded")
        }
        return request
    }

    /// Refuses every peer but one, before anything is decoded.
    func admit(only nexus: PeerID) throws {
        guard peer == nexus else {
            throw RPCFailure(code: .permissionDenied, message: "this node works for another Nexus")
        }
    }

    func send(update: ProtoChatUpdate.OneOf_Update) async throws {
        var message = ProtoChatUpdate()
        message.update = update
        try await send(try message.wireBytes())
    }
}
