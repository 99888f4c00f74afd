import Foundation
import LatticeTesting
import Ledger
import NIOConcurrencyHelpers
import Testing

@testable import LedgerEVM

@Suite(.enabled(if: Devnet.isAvailable), .serialized, .timeLimit(.minutes(3))) struct `The outbox on a real EVM` {
    @Test func `brings a call into a block, once for each name`() async throws {
        try await CounterRig.run { rig in
            try await rig.withOutbox { outbox in
                for _ in 0..<3 { _ = try await outbox.submit(rig.bump(5, 1)) }
                let transaction = try #require(try await rig.settle(outbox, 1))
                #expect(transaction.mined?.succeeded == true)
                #expect(transaction.effect?.logs.count == 1)
                _ = try await outbox.submit(rig.bump(5, 1))
                try await outbox.progress(rig.key.address)
                #expect(try await rig.total() == 5)
                #expect(try await rig.devnet.client.transactionCount(rig.key.address, at: .latest) == 1)
            }
        }
    }

    @Test func `refuses without paying where the contract would`() async throws {
        try await CounterRig.run(limit: 3) { rig in
            try await rig.withOutbox { outbox in
                _ = try await outbox.submit(rig.bump(5, 1))
                #expect(try await rig.settle(outbox, 1) == nil)
                let stored = try await outbox.store.submission(SubmissionID(Bytes32(number: 1)))
                #expect(stored?.refusal == Reason(rawValue: "over the limit"))
                #expect(try await rig.devnet.client.transactionCount(rig.key.address, at: .latest) == 0)
            }
        }
    }

    @Test func `says why a call failed that was sent in good faith`() async throws {
        try await CounterRig.run(limit: 5) { rig in
            try await rig.devnet.setAutomine(false)
            try await rig.withOutbox { outbox in
                // Both pass on the newest block; the second finds the first done.
                for name in 1...2 as ClosedRange<UInt64> { _ = try await outbox.submit(rig.bump(5, name)) }
                #expect(try await rig.settle(outbox, 1)?.mined?.succeeded == true)
                let second = try #require(try await rig.settle(outbox, 2))
                #expect(second.mined?.succeeded == false)
                #expect(second.effect?.failure == Reason(rawValue: "over the limit"))
                #expect(try await rig.total() == 5)
            }
        }
    }

    @Test func `gives many submissions at once nonces without gaps`() async throws {
        try await CounterRig.run { rig in
            try await rig.withOutbox { outbox in
                try await withThrowingTaskGroup { group in
                    for name in 1...20 as ClosedRange<UInt64> {
                        group.addTask {
                            _ = try await outbox.submit(rig.bump(1, name))
                            try await outbox.progress(rig.key.address)
                        }
                    }
                    try await group.waitForAll()
                }
                for name in 1...20 as ClosedRange<UInt64> { _ = try await rig.settle(outbox, name) }
                #expect(try await rig.total() == 20)
                #expect(try await rig.devnet.client.transactionCount(rig.key.address, at: .latest) == 20)
            }
        }
    }

    /// Faults of sending, as the devnet injects them.
    static let faults: [(kind: String, more: [String: JSON])] = [
        ("lose", [:]), ("swallow", [:]), ("http", ["status": .number(503)]), ("http", ["status": .number(429)]),
        ("error", ["code": .number(-32000), "message": .string("already known")]),
        ("error", ["code": .number(-32000), "message": .string("nonce too low: next nonce 9, tx nonce 0")]),
        ("error", ["code": .number(-32000), "message": .string("replacement transaction underpriced")]),
        ("error", ["code": .number(-32603), "message": .string("internal error")]),
        ("delay", ["ms": .number(1_500)]),
    ]

    @Test(arguments: 0..<faults.count)
    func `settles once when sending goes wrong`(number: Int) async throws {
        let fault = Self.faults[number]
        try await CounterRig.run { rig in
            let impatient = try HTTPTransport(url: rig.devnet.url, options: RPCOptions(deadline: .seconds(1)))
            try await rig.withOutbox(transport: impatient) { outbox in
                try await rig.devnet.fault("eth_sendRawTransaction", fault.kind, fault.more)
                _ = try await outbox.submit(rig.bump(7, 1))
                #expect(try await rig.settle(outbox, 1)?.mined?.succeeded == true)
                #expect(try await rig.total() == 7)
            }
        }
    }

    @Test(
        arguments: [
            "eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getBlockByNumber", "eth_estimateGas",
            "eth_getTransactionCount", "eth_maxPriorityFeePerGas",
        ]
    )
    func `settles once when reading goes wrong`(method: String) async throws {
        try await CounterRig.run { rig in
            try await rig.withOutbox { outbox in
                try await rig.devnet.fault(method, "http", count: 1, ["status": .number(502)])
                try await rig.devnet.fault(method, "lose", count: 1)
                try await rig.devnet.fault(method, "error", count: 1)
                _ = try await outbox.submit(rig.bump(7, 1))
                #expect(try await rig.settle(outbox, 1)?.mined?.succeeded == true)
                #expect(try await rig.total() == 7)
                try await rig.devnet.clearFaults()
            }
        }
    }

    @Test(arguments: [1, 3, 12], [false, true])
    func `settles once when its block is taken away`(depth: Int, isDropped: Bool) async throws {
        try await CounterRig.run(finality: 16) { rig in
            try await rig.withOutbox { outbox in
                _ = try await outbox.submit(rig.bump(7, 1))
                try await outbox.progress(rig.key.address)
                let id = SubmissionID(Bytes32(number: 1))
                let before = try #require(try await outbox.store.transaction(for: id, .command)?.mined)
                try await rig.devnet.mine(depth - 1)
                try await rig.devnet.setAutomine(false)
                try await rig.devnet.reorganise(depth, dropping: isDropped)
                try await outbox.progress(rig.key.address)
                let transaction = try #require(try await rig.settle(outbox, 1))
                #expect(transaction.mined?.blockHash != before.blockHash)
                #expect(transaction.attempts.allSatisfy { $0.transaction.data == transaction.data })
                #expect(try await rig.total() == 7)
            }
        }
    }

    @Test func `raises the fees after three blocks, and nothing else`() async throws {
        try await CounterRig.run { rig in
            try await rig.devnet.setAutomine(false)
            try await rig.withOutbox { outbox in
                _ = try await outbox.submit(rig.bump(7, 1))
                try await outbox.progress(rig.key.address)
                // Forgotten blocks: the pool is emptied before each.
                for _ in 0..<4 {
                    try await rig.devnet.tell("devnet_dropPool")
                    try await rig.devnet.mine()
                    try await outbox.progress(rig.key.address)
                }
                let transaction = try #require(try await rig.settle(outbox, 1))
                #expect(transaction.attempts.count >= 2)
                for (old, new) in zip(transaction.attempts, transaction.attempts.dropFirst()) {
                    guard case .market(let oldTip, let oldMost) = old.transaction.fees,
                        case .market(let newTip, let newMost) = new.transaction.fees
                    else {
                        Issue.record("not EIP-1559")
                        return
                    }
                    #expect(newTip.count * 8 >= oldTip.count * 9)
                    #expect(newMost.count * 8 >= oldMost.count * 9)
                    var content = new.transaction
                    content.fees = old.transaction.fees
                    #expect(content == old.transaction)
                }
                #expect(try await rig.total() == 7)
            }
        }
    }

    @Test func `waits while gas is dear, unless it must not`() async throws {
        try await CounterRig.run(baseFee: .gwei.times(200)) { rig in
            let time = NIOLockedValueBox<UInt64>(1_000)
            var options = Outbox.Options()
            options.fees.limit = .gwei.times(20)
            options.fees.mostDelay = 86_400
            try await rig.withOutbox(options: options, now: { time.withLockedValue(\.self) }) { outbox in
                _ = try await outbox.submit(rig.bump(1, 1))
                try await outbox.progress(rig.key.address)
                #expect(try await rig.total() == 0)
                time.withLockedValue { $0 = 90_000 }
                _ = try await rig.settle(outbox, 1)
                #expect(try await rig.total() == 1)
            }
            try await rig.withOutbox(options: options) { outbox in
                _ = try await outbox.submit(rig.bump(2, 2, isUrgent: true))
                _ = try await rig.settle(outbox, 2)
                #expect(try await rig.total() == 3)
            }
        }
    }

    @Test func `takes another nonce when a stranger with the same key used it`() async throws {
        try await CounterRig.run { rig in
            try await rig.withOutbox { outbox in
                try await rig.devnet.fault("eth_sendRawTransaction", "swallow")
                try await rig.devnet.setAutomine(false)
                _ = try await outbox.submit(rig.bump(7, 1))
                try await rig.devnet.fault("eth_sendRawTransaction", "swallow", count: 3)
                try await outbox.progress(rig.key.address)
                try await rig.devnet.clearFaults()
                let other = Transaction(
                    chainID: rig.devnet.chainID,
                    nonce: 0,
                    to: rig.counter,
                    data: rig.bump(100, 9).call,
                    gasLimit: 200_000,
                    fees: .market(tip: .gwei.times(9), most: .gwei.times(50))
                )
                try await rig.devnet.tell("devnet_dropPool")
                try await rig.devnet.client.send(try other.signed(by: rig.key))
                try await rig.devnet.mine()
                let transaction = try #require(try await rig.settle(outbox, 1))
                #expect(transaction.nonce == 1)
                #expect(try await rig.total() == 107)
            }
        }
    }

    @Test func `does not open a file twice, nor one of another ledger`() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/sending.sqlite"
            let store = try SendingStore(path: path, ledger: Bytes32(number: 1))
            #expect(throws: SendingStoreError.inUse(path: path)) {
                _ = try SendingStore(path: path, ledger: Bytes32(number: 1))
            }
            try store.close()
            #expect(throws: SendingStoreError.otherLedger(path: path)) {
                _ = try SendingStore(path: path, ledger: Bytes32(number: 2))
            }
            try Data("garbage, and long enough to be no database".utf8).write(to: URL(filePath: folder + "/x.sqlite"))
            #expect(throws: SendingStoreError.self) {
                _ = try SendingStore(path: folder + "/x.sqlite", ledger: Bytes32(number: 1))
            }
        }
    }
}
