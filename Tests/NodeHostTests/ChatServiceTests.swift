import Foundation
import Inference
import LatticaCore
import LatticaRPC
import LatticeTesting
import Ledger
import Logging
import NodeAPI
import SwiftProtobuf
import Testing

@testable import NodeHost

private func ending(
    prompt: Int,
    completion: Int,
    reason: Inference.FinishReason = .stop,
    cached: Int = 0
) -> AnswerEvent {
    .finished(
        AnswerEnding(
            reason: reason,
            promptTokens: prompt,
            cachedPromptTokens: cached,
            completionTokens: completion,
            prefill: .milliseconds(2),
            decode: .milliseconds(3)
        )
    )
}

@Suite(.timeLimit(.minutes(1))) struct `Answers of any engine` {
    @Test func `travel with thoughts, calls and probabilities, and are billed with their hash`() async throws {
        let call = ChatToolCall(id: "c1", name: "clock", arguments: #"{"zone": "UTC"}"#)
        let token = AnswerLogprob.Alternative(bytes: [0xC3], logprob: -0.5)
        let engine = ScriptedEngine(
            promptTokens: 12,
            events: [
                .parts([.reasoning("Hm")], tokens: 1, logprobs: [AnswerLogprob(token: token, top: [token])]),
                .parts([], tokens: 2, logprobs: []),
                .parts([.content("Let me see."), .toolCall(call)], tokens: 3, logprobs: []),
                ending(prompt: 12, completion: 7, cached: 4),
            ]
        )
        try await ChatRig.play(engine) { rig in
            let start = ProtoChatStart.with {
                $0.turns = [.with { $0.role = "user" }]
                $0.options.tools = [
                    .with {
                        $0.name = "clock"
                        $0.parameters = "{}"
                    }
                ]
                $0.options.toolChoice = .function
                $0.options.toolName = "clock"
                $0.options.responseFormat.gbnf = "root ::= [a-z]"
                $0.options.thinking = false
                $0.options.logprobs = 1
                $0.options.logitBias = [
                    .with {
                        $0.token = 3
                        $0.bias = -100
                    }
                ]
            }
            let answer = try await rig.ask(start)
            #expect(answer.promptTokens == 12)
            #expect(answer.deltas.map(\.reasoning).joined() == "Hm")
            #expect(answer.deltas.map(\.text).joined() == "Let me see.")
            #expect(answer.deltas.flatMap(\.toolCalls) == [ProtoToolCall(call)])
            #expect(answer.deltas[0].logprobs.map(\.token.text) == [Data([0xC3])])
            #expect(answer.finished.reason == .toolCalls && answer.finished.cachedPromptTokens == 4)
            #expect(answer.receipt.inputTokens == 12 && answer.receipt.outputTokens == 6)
            var hash = AnswerHash(session: answer.receipt.session)
            for delta in answer.deltas { hash.append(delta) }
            #expect(answer.receipt.response == hash.finalize())
            let asked = try #require(engine.conversations.first)
            #expect(asked.toolChoice == .function("clock") && asked.format == .gbnf("root ::= [a-z]"))
            #expect(asked.thinking == false && asked.sampling.logprobs == 1 && asked.sampling.logitBias == [3: -100])
            #expect(asked.sampling.repetitionPenalty == 1)
        }
    }

    @Test func `are billed by what an engine that estimates counted in the end, within the credit`() async throws {
        let engine = ScriptedEngine(
            promptTokens: 90,
            events: [.parts([.content("Hello")], tokens: 9, logprobs: []), ending(prompt: 30, completion: 9)],
            capabilities: .estimatesTokens
        )
        try await ChatRig.play(engine) { rig in
            let all = try await rig.ask(.with { $0.turns = [.with { $0.role = "user" }] })
            #expect(all.promptTokens == 90)
            #expect(all.receipt.inputTokens == 30 && all.receipt.outputTokens == 9)
            // Ninety tokens and one cost 92 nano; the bill is for thirty and at most those that the rest pays.
            let least = try await rig.ask(
                .with {
                    $0.turns = [.with { $0.role = "user" }]
                    $0.credit = 92
                }
            )
            // Ninety is an upper bound: there are likely 22, and 78 of the hundred positions are left.
            #expect(engine.limits == [78, 1])
            #expect(least.receipt.cost <= Nano(92) && least.receipt.outputTokens == 9)
        }
    }

    /// Ten tokens of twenty nano, on credit for at most four tokens, or eight nano, at a time.
    private var talkative: ScriptedEngine {
        let words = (0..<10).map { AnswerEvent.parts([.content("word \($0) ")], tokens: 1, logprobs: []) }
        return ScriptedEngine(promptTokens: 5, events: words + [ending(prompt: 5, completion: 10)])
    }

    @Test func `go on beyond the credit window only for vouchers over what was written`() async throws {
        try await ChatRig.play(talkative, creditWindow: 4) { rig in
            let answer = try await rig.ask(.with { $0.turns = [.with { $0.role = "user" }] })
            // The prompt's five nano count from the beginning.
            #expect(answer.interim.map(\.cost) == [9, 17, 25])
            #expect(answer.interim.map(\.amount) == [9, 17, 25])
            #expect(answer.deltas.count == 10)
            #expect(answer.receipt.cost == Nano(25) && answer.receipt.amount == Nano(25))
        }
    }

    @Test func `stop at a credit window, and are billed for what was delivered`() async throws {
        try await ChatRig.play(talkative, creditWindow: 4) { rig in
            let answer = try await rig.ask(.with { $0.turns = [.with { $0.role = "user" }] }, stopsAtInterim: true)
            #expect(answer.deltas.count == 2 && answer.interim.count == 1)
            #expect(answer.receipt.cost == Nano(9) && answer.receipt.amount == Nano(9))
        }
    }

    @Test func `are given up when nobody takes them`() async throws {
        let engine = ScriptedEngine(
            promptTokens: 5,
            events: [.parts([.content(String(repeating: "a", count: 8192))], tokens: 1, logprobs: [])],
            isEndless: true
        )
        try await ChatRig.play(engine, readerDeadline: .milliseconds(50)) { rig in
            let call = try await rig.open(.with { $0.turns = [.with { $0.role = "user" }] })
            try await eventually("the engine is let go") { engine.cancelled > 0 }
            try await eventually("the place is free") { rig.load.writing == 0 && rig.load.open == 0 }
            await #expect(throws: (any Error).self) { while try await call.receive() != nil {} }
        }
    }

    @Test func `are not begun when a field is out of bounds, which is named`() async throws {
        let engine = ScriptedEngine(promptTokens: 5, events: [])
        let long = String(repeating: "x", count: 2 << 20)
        let user = ProtoTurn.with { $0.role = "user" }
        let cases: [(String, ProtoChatStart)] = [
            ("messages", .with { $0.turns = Array(repeating: user, count: 4097) }),
            ("messages[0].role", .with { $0.turns = [.with { $0.role = String(long.prefix(33)) }] }),
            (
                "messages[1].tool_calls[0].function.arguments",
                .with {
                    $0.turns = [user, .with { $0.toolCalls = [.with { $0.arguments = String(long.prefix(300_000)) }] }]
                }
            ),
            ("tools", .with { $0.options.tools = Array(repeating: ProtoTool(), count: 129) }),
            ("tools[0].function.name", .with { $0.options.tools = [.with { $0.name = String(long.prefix(257)) }] }),
            ("tools", .with { $0.options.tools = [.with { $0.parameters = long }] }),
            ("response_format.json_schema.schema", .with { $0.options.responseFormat.jsonSchema = long }),
            ("grammar", .with { $0.options.responseFormat.gbnf = long }),
            ("response_format", .with { $0.options.responseFormat = ProtoResponseFormat() }),
            ("tool_choice", .with { $0.options.toolChoice = .UNRECOGNIZED(9) }),
            ("logit_bias", .with { $0.options.logitBias = Array(repeating: ProtoLogitBias(), count: 1025) }),
            ("min_p", .with { $0.options.minP = .nan }),
            ("top_logprobs", .with { $0.options.logprobs = 21 }),
            ("stop", .with { $0.stop = [String(long.prefix(1025))] }),
        ]
        try await ChatRig.play(engine) { rig in
            for (field, start) in cases {
                let refused = try await rig.refusal(of: start)
                #expect(refused.reason == .badRequest && refused.field == field, "\(field)")
            }
            let empty = try await rig.refusal(of: ProtoChatStart())
            #expect(empty.detail == "say something" && empty.field.isEmpty)
        }
    }
}

/// A node's chat service beside the Nexus that it works for.
struct ChatRig: Sendable {
    /// An answer to its end.
    struct Answer {
        var promptTokens = 0
        var deltas: [ProtoChatDelta] = []
        var finished = ProtoChatFinished()
        var receipt: Receipt
        /// What was asked for while the answer went on.
        var interim: [ProtoInterimBill] = []
    }

    let load = NodeLoad()
    private let rpc: RPCClient
    private let peer: PeerID
    private let payer = P256SessionKey()
    private static let node = NodeID(1)
    private static let domain = TypedDomain.local(clusterPublicKey: [1, 2, 3])

    static func play(
        _ engine: any ChatEngine,
        readerDeadline: Duration = .seconds(60),
        creditWindow: Int = ChatService.creditWindow,
        _ test: (ChatRig) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            try await MemoryNetwork.withPair { nexus, node in
                let rig = ChatRig(nexus: nexus, node: node)
                let server = RPCServer(host: node)
                let signer = Secp256k1Key()
                ChatService(
                    engine: engine,
                    offer: NodeAnnouncement.ModelOffer(
                        name: "tiny",
                        fingerprint: Bytes32(number: 5),
                        contextLength: 100,
                        price: TokenPrice(input: Nano(1_000_000), output: Nano(2_000_000))
                    ),
                    node: Self.node,
                    nexus: nexus.peerID,
                    signer: signer,
                    domain: domain,
                    desk: PaymentDesk(
                        node: Self.node,
                        signer: signer,
                        domain: domain,
                        store: try NodeStore(path: folder + "/node.sqlite"),
                        now: { 1_800_000_000 }
                    ),
                    sessions: Sessions(),
                    load: rig.load,
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                    now: { 1_800_000_000 },
                    readerDeadline: readerDeadline,
                    creditWindow: creditWindow
                ).register(on: server)
                try await test(rig)
            }
        }
    }

    private init(nexus: MemoryHost, node: MemoryHost) {
        rpc = RPCClient(host: nexus)
        peer = node.peerID
    }

    /// Sends a request on a session of its own.
    func open(_ start: ProtoChatStart) async throws -> RPCCall {
        try await openWithQuote(start).call
    }

    private func openWithQuote(_ start: ProtoChatStart) async throws -> (call: RPCCall, quote: Quote) {
        let request = ProtoOpenSessionRequest.with {
            $0.key = Data(payer.keyID.bytes)
            $0.model = "tiny"
        }
        let reply = try ProtoOpenSessionReply(
            wire: await rpc.call(
                NodeMethod.openSession,
                on: peer,
                request: request.wireBytes(),
                deadline: .seconds(50)
            )
        )
        var start = start
        start.session = reply.session
        start.topP = 1
        if start.credit == 0 { start.credit = Nano.lai.count }
        var command = ProtoChatCommand()
        command.start = start
        let call = try await rpc.open(NodeMethod.chat, on: peer, deadline: .seconds(50))
        try await call.send(command.wireBytes())
        return (call, try reply.quote.signedQuote(of: Self.node).quote)
    }

    /// Reads an answer to its bill, and pays what is asked for meanwhile; leaves the bill unpaid.
    ///
    /// - Parameter stopsAtInterim: says stop instead of paying.
    func ask(_ start: ProtoChatStart, stopsAtInterim: Bool = false) async throws -> Answer {
        let (call, quote) = try await openWithQuote(start)
        defer { call.cancel() }
        var promptTokens = 0
        var deltas: [ProtoChatDelta] = []
        var interim: [ProtoInterimBill] = []
        while let bytes = try await call.receive() {
            switch try ProtoChatUpdate(wire: bytes).update {
            case .accepted(let accepted): promptTokens = Int(accepted.promptTokens)
            case .delta(let delta): deltas.append(delta)
            case .interim(let bill):
                interim.append(bill)
                try await call.send(try reply(to: bill, stop: stopsAtInterim ? deltas : nil).wireBytes())
            case .finished(let finished):
                let signed = try finished.receipt.signedReceipt(
                    node: Self.node,
                    key: payer.keyID,
                    quote: quote.structHash
                )
                return Answer(
                    promptTokens: promptTokens,
                    deltas: deltas,
                    finished: finished,
                    receipt: signed.receipt,
                    interim: interim
                )
            case .refused(let refused): throw MessageError.badField(refused.detail)
            case .voucherAccepted, .vectors, nil: throw MessageError.badField("update")
            }
        }
        throw MessageError.missing("finished")
    }

    /// The voucher for a part of an answer on a channel without receipts, or a stop after these deltas.
    private func reply(to bill: ProtoInterimBill, stop deltas: [ProtoChatDelta]?) throws -> ProtoChatCommand {
        if let deltas {
            return .with {
                $0.stop.delivered = deltas.reduce(0) { $0 + $1.tokens }
                $0.stop.deltas = UInt32(deltas.count)
            }
        }
        let voucher = Voucher(
            node: Self.node,
            amount: Nano(bill.amount),
            units: 0,
            receipts: ReceiptChain.start(key: payer.keyID, node: Self.node)
        )
        let signature = try payer.sign(voucher, in: Self.domain)
        return .with { $0.voucher = ProtoVoucher(SignedVoucher(voucher: voucher, signature: signature)) }
    }

    /// What the node says to a request that it does not take up.
    func refusal(of start: ProtoChatStart) async throws -> ProtoChatRefused {
        let call = try await open(start)
        defer { call.cancel() }
        guard case .refused(let refused) = try ProtoChatUpdate(wire: await call.receive() ?? []).update else {
            throw MessageError.missing("refused")
        }
        return refused
    }
}
