import Foundation
import LatticaRPC
import LatticeTesting
import Ledger
import NIOConcurrencyHelpers
import NodeAPI
import SwiftProtobuf
import Testing

@testable import Nexus

@Suite(.timeLimit(.minutes(1))) struct `An answer that a node writes` {
    @Test func `shows a node the voucher that it gave up on, before it can bill over another sum`() async throws {
        try await AnswerRig.play { call, start, node in
            try await call.accept(promptTokens: 5)
            try await call.write("Hi")
            try await call.send(try await node.bill(for: start, text: "Hi", input: 5, output: 1).wireBytes())
            // Leaves without having waited for the voucher.
        } _: { rig in
            let answer = try await rig.start()
            #expect(try await answer.next() == .text("Hi", tokens: 1))
            guard case .finished(let summary) = try await answer.next() else { throw NexusError.nodeFailed("no end") }
            #expect(summary.cost == Nano(7))
            #expect(rig.unsettled == Nano(7))
            #expect(rig.reserved == .zero)
            try await eventually("the voucher is shown") { await rig.node.shown == [7] }
        }
    }

    @Test func `is paid in parts when it is long, and in all for what its receipt says`() async throws {
        let paid = NIOLockedValueBox<[UInt64]>([])
        try await AnswerRig.play { call, start, node in
            try await call.accept(promptTokens: 5)
            try await call.write("Hi")
            let part = ProtoInterimBill.with { ($0.cost, $0.amount) = (7, 7) }
            try await call.send(ProtoChatUpdate.with { $0.interim = part }.wireBytes())
            let voucher = try ProtoChatCommand(wire: try await call.receive() ?? []).voucher
            paid.withLockedValue { $0.append(voucher.amount) }
            try await call.write("!")
            let deltas = ["Hi", "!"].map { text in
                ProtoChatDelta.with {
                    $0.text = text
                    $0.tokens = 1
                }
            }
            try await call.send(try await node.bill(for: start, deltas: deltas, input: 5, output: 2).wireBytes())
            let last = try ProtoChatCommand(wire: try await call.receive() ?? []).voucher
            paid.withLockedValue { $0.append(last.amount) }
        } _: { rig in
            let answer = try await rig.start()
            let held = rig.reserved
            #expect(try await answer.next() == .text("Hi", tokens: 1))
            #expect(try await answer.next() == .text("!", tokens: 1))
            #expect(rig.unsettled == Nano(7) && rig.reserved == held.clampedSubtracting(Nano(7)))
            guard case .finished(let summary) = try await answer.next() else { throw NexusError.nodeFailed("no end") }
            #expect(summary.cost == Nano(9))
            #expect(rig.unsettled == Nano(9) && rig.reserved == .zero)
            try await eventually("both vouchers are there") { paid.withLockedValue { $0 } == [7, 9] }
        }
    }

    @Test(arguments: [(8, 8), (7, 6), (7, 8), (0, 0)] as [(UInt64, UInt64)])
    func `fails at a part that is not due, and charges nothing for it`(cost: UInt64, amount: UInt64) async throws {
        try await AnswerRig.play { call, _, _ in
            try await call.accept(promptTokens: 5)
            try await call.write("Hi")
            let part = ProtoInterimBill.with { ($0.cost, $0.amount) = (cost, amount) }
            try await call.send(ProtoChatUpdate.with { $0.interim = part }.wireBytes())
            while try await call.receive() != nil {}
        } _: { rig in
            let answer = try await rig.start()
            #expect(try await answer.next() == .text("Hi", tokens: 1))
            await #expect(throws: NexusError.self) { try await answer.next() }
            #expect(rig.unsettled == .zero && rig.reserved == .zero)
        }
    }

    @Test func `brings thoughts, calls and probabilities, and is paid for their hash`() async throws {
        let call = ToolCall(id: "c", name: "clock", arguments: "{}")
        let deltas: [ProtoChatDelta] = [
            .with {
                $0.reasoning = "Hm"
                $0.tokens = 1
            },
            .with { $0.tokens = 2 },
            .with {
                $0.toolCalls = [
                    .with {
                        $0.id = call.id
                        $0.name = call.name
                        $0.arguments = call.arguments
                    }
                ]
                $0.tokens = 1
                $0.logprobs = [
                    .with {
                        $0.token.text = Data([0xC3])
                        $0.token.logprob = -1
                    }
                ]
            },
        ]
        try await AnswerRig.play { rpc, start, node in
            try await rpc.accept(promptTokens: 5)
            for delta in deltas { try await rpc.send(ProtoChatUpdate.with { $0.delta = delta }.wireBytes()) }
            var bill = try await node.bill(for: start, deltas: deltas, input: 5, output: 4)
            bill.finished.reason = .toolCalls
            bill.finished.cachedPromptTokens = 3
            bill.finished.computation = #"{"receipt":{}}"#
            try await rpc.send(bill.wireBytes())
        } _: { rig in
            let answer = try await rig.start()
            #expect(try await answer.next() == .delta(ChatDelta(reasoning: "Hm", tokens: 1)))
            let token = TokenLogprob(token: .init(bytes: [0xC3], logprob: -1), top: [])
            // The tokens that completed nothing count with what came next.
            #expect(try await answer.next() == .delta(ChatDelta(toolCalls: [call], logprobs: [token], tokens: 3)))
            guard case .finished(let summary) = try await answer.next() else { throw NexusError.nodeFailed("no end") }
            #expect(summary.reason == .toolCalls && summary.computation == #"{"receipt":{}}"#)
            #expect(summary.usage == Usage(promptTokens: 5, completionTokens: 4, cachedPromptTokens: 3))
        }
    }

    @Test(arguments: ["{", "[]", "{\"a\":\n1}", ""])
    func `passes on no receipt of computation that is no object in one line`(text: String) async throws {
        try await AnswerRig.play { rpc, start, node in
            try await rpc.accept(promptTokens: 5)
            var bill = try await node.bill(for: start, deltas: [], input: 5, output: 0)
            bill.finished.computation = text
            try await rpc.send(bill.wireBytes())
        } _: { rig in
            guard case .finished(let summary) = try await rig.start().next() else {
                throw NexusError.nodeFailed("no end")
            }
            #expect(summary.computation == nil)
        }
    }

    @Test func `is vectors for texts, paid for by their hash`() async throws {
        try await AnswerRig.play { rpc, start, node in
            try await rpc.accept(promptTokens: 5)
            var hash = AnswerHash(session: node.session)
            for values in [[1, 2], [3, 4]] as [[UInt8]] {
                let vectors = ProtoEmbedVectors.with { $0.values = Data(values) }
                hash.append(vectors)
                try await rpc.send(ProtoChatUpdate.with { $0.vectors = vectors }.wireBytes())
            }
            let bill = try await node.bill(for: start, response: hash.finalize(), input: 5, output: 0)
            try await rpc.send(bill.wireBytes())
        } _: { rig in
            let (values, summary) = try await rig.start().vectors(limit: 4)
            #expect(values == [1, 2, 3, 4])
            #expect(summary.usage.promptTokens == 5 && summary.cost == Nano(5))
        }
    }

    @Test func `lets go of vectors whose caller leaves, and blames nobody`() async throws {
        try await AnswerRig.play { rpc, _, _ in
            try await rpc.accept(promptTokens: 5)
            while try await rpc.receive() != nil {}
        } _: { rig in
            let answer = try await rig.start()
            let reading = Task { try await answer.vectors(limit: 4) }
            try await eventually("somebody reads") { await answer.isReading }
            reading.cancel()
            await #expect(throws: NexusError.nodeFailed("the caller left")) { try await reading.value }
            #expect(rig.unsettled == .zero && rig.reserved == .zero)
        }
    }

    @Test(arguments: [3, 8]) func `is no vectors of another size than asked for`(limit: Int) async throws {
        try await AnswerRig.play { rpc, start, node in
            try await rpc.accept(promptTokens: 5)
            let vectors = ProtoEmbedVectors.with { $0.values = Data([1, 2, 3, 4]) }
            try await rpc.send(ProtoChatUpdate.with { $0.vectors = vectors }.wireBytes())
            try await rpc.send(try await node.bill(for: start, text: "", input: 5, output: 0).wireBytes())
        } _: { rig in
            let answer = try await rig.start()
            await #expect(throws: NexusError.self) { try await answer.vectors(limit: limit) }
            #expect(rig.unsettled == .zero && rig.reserved == .zero)
        }
    }

    @Test func `fails when a node sends more than a part of an answer has`() async throws {
        let choice = ProtoTokenChoice.with { $0.text = Data(count: 2000) }
        let deltas: [ProtoChatDelta] = [
            .with { $0.toolCalls = Array(repeating: ProtoToolCall(), count: 65) },
            .with { $0.toolCalls = [.with { $0.name = String(repeating: "n", count: 300) }] },
            .with { $0.logprobs = Array(repeating: ProtoTokenLogprob(), count: 70) },
            .with { $0.logprobs = [.with { $0.token = choice }] },
            .with { $0.logprobs = [.with { $0.token.logprob = .nan }] },
            .with { $0.logprobs = [.with { $0.top = Array(repeating: ProtoTokenChoice(), count: 21) }] },
        ]
        for delta in deltas {
            try await AnswerRig.play { rpc, _, _ in
                try await rpc.accept(promptTokens: 5)
                try await rpc.send(ProtoChatUpdate.with { $0.delta = delta }.wireBytes())
            } _: { rig in
                let answer = try await rig.start()
                await #expect(throws: NexusError.self) { try await answer.next() }
                #expect(rig.unsettled == .zero && rig.reserved == .zero)
            }
        }
    }

    @Test func `pays for no more prompt tokens than the node counted before it began`() async throws {
        try await AnswerRig.play { call, start, node in
            try await call.accept(promptTokens: 5)
            try await call.write("Hi")
            try await call.send(try await node.bill(for: start, text: "Hi", input: 6, output: 1).wireBytes())
            while try await call.receive() != nil {}
        } _: { rig in
            let answer = try await rig.start()
            #expect(try await answer.next() == .text("Hi", tokens: 1))
            await #expect(throws: NexusError.self) { try await answer.next() }
            #expect(rig.unsettled == .zero)
            #expect(rig.reserved == .zero)
        }
    }

    @Test func `is paid for what was delivered when it is stopped while somebody reads`() async throws {
        let gate = Gate()
        try await AnswerRig.play { call, start, node in
            try await call.accept(promptTokens: 5)
            try await call.write("Hi")
            await gate.wait()
            try await call.write(" there")
            while let bytes = try await call.receive() {
                switch try ProtoChatCommand(wire: bytes).command {
                case .stop(let stop):
                    await node.heard(stop)
                    try await call.send(try await node.bill(for: start, text: "Hi", input: 5, output: 1).wireBytes())
                default:
                    var update = ProtoChatUpdate()
                    update.voucherAccepted = ProtoVoucherAccepted()
                    return try await call.send(try update.wireBytes())
                }
            }
        } _: { rig in
            let answer = try await rig.start()
            #expect(try await answer.next() == .text("Hi", tokens: 1))
            async let next = answer.next()
            try await eventually("somebody reads") { await answer.isReading }
            await answer.stop()
            await gate.open()
            #expect(try await next == nil)
            try await eventually("the answer is paid") { rig.unsettled == Nano(7) && rig.reserved == .zero }
            #expect(await rig.node.stops.map(\.delivered) == [1])
            #expect(await rig.node.stops.map(\.deltas) == [1])
        }
    }
}

/// Holds tasks back until it is opened.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }

    func open() {
        isOpen = true
        for task in waiting { task.resume() }
        waiting = []
    }
}
