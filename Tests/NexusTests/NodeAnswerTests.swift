import LatticaRPC
import LatticeTesting
import Ledger
import NodeAPI
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
            #expect(try await answer.next() == .delta(text: "Hi", tokens: 1))
            guard case .finished(let summary) = try await answer.next() else { throw NexusError.nodeFailed("no end") }
            #expect(summary.cost == Nano(7))
            #expect(rig.unsettled == Nano(7))
            #expect(rig.reserved == .zero)
            try await eventually("the voucher is shown") { await rig.node.shown == [7] }
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
            #expect(try await answer.next() == .delta(text: "Hi", tokens: 1))
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
            #expect(try await answer.next() == .delta(text: "Hi", tokens: 1))
            async let next = answer.next()
            try await eventually("somebody reads") { await answer.isReading }
            await answer.stop()
            await gate.open()
            #expect(try await next == nil)
            try await eventually("the answer is paid") { rig.unsettled == Nano(7) && rig.reserved == .zero }
            #expect(await rig.node.stops == [1])
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
