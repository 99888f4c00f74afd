import Foundation
import LatticeTesting
import Ledger
import LedgerConformance
@testable import LedgerEmbedded
import Testing

/// Figures, printed on request (`LATTICE_MEASURE=1`) and worth something in a release build only.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["LATTICE_MEASURE"] != nil, "set LATTICE_MEASURE"))
struct `Measurements` {
    private func milliseconds(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        let duration = ContinuousClock.now - start
        return Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
    }

    private func open(_ folder: String) async throws -> EmbeddedLedger {
        try await EmbeddedLedger.open(path: folder + "/l.sqlite", clusterKey: ClusterKey(), genesis: .standard)
    }

    @Test func `200 P-256 vouchers, a single command, many commands, reads and verify`() async throws {
        try await withTemporaryDirectory { folder in
            let ledger = try await open(folder)
            let stage = try await Stage(
                ledger,
                LocalBackstage(time: ManualTime(EmbeddedLedger.systemTime())),
                try Beginning()
            )
            var entries: [[SettleEntry]] = Array(repeating: [], count: 10)
            for _ in 0..<10 {
                let node = try await stage.node()
                for _ in 0..<20 {
                    let person = try await stage.person(deposit: Nano(lai: 1))
                    let key = P256SessionKey()
                    try await stage.grant(key.keyID, .p256, to: person)
                    for round in entries.indices {
                        entries[round].append(try stage.voucher(key, node, Nano(UInt64(round + 1) * 1_000)))
                    }
                }
            }
            var times: [Double] = []
            for (round, batch) in entries.enumerated() {
                times.append(
                    try await milliseconds {
                        let id = SubmissionID(Keccak256.hash([UInt8(round)]))
                        let outcome = try await ledger.submit(.settle(batch), caller: Address.stranger, id: id).outcome
                        #expect(outcome.inclusion?.settleStatuses(count: 200)?.allSatisfy(\.isPaid) == true)
                    }
                )
            }
            print("settle 200 P-256 vouchers, ms:", times.sorted())
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Address.stranger, amount: TokenAmount(Nano(1)))
            times = []
            for number in UInt64(0)..<100 {
                times.append(
                    try await milliseconds {
                        let id = SubmissionID(Bytes32(number: number))
                        _ = try await ledger.submit(command, caller: administrator, id: id)
                    }
                )
            }
            print("single command, ms: median", times.sorted()[50], "worst", times.max() ?? 0)
            let many = try await milliseconds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in UInt64(0)..<1_000 {
                        group.addTask {
                            for number in UInt64(0)..<60 {
                                let id = SubmissionID(Bytes32(number: 1 << 32 | lane << 16 | number))
                                _ = try await ledger.submit(command, caller: administrator, id: id)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            print("60000 commands of 1000 clients:", Int(60_000 / many * 1_000), "a second")
            let reads = try await milliseconds {
                for number in UInt64(0)..<200_000 { _ = try await ledger.funds(UserID(number % 200 + 1)) }
            }
            print("reads:", Int(200_000 / reads * 1_000), "a second")
            await ledger.close()
            var report = VerificationReport()
            let verify = try await milliseconds { report = try await EmbeddedLedger.verify(path: folder + "/l.sqlite") }
            #expect(report.isSound)
            print("verify:", Int(Double(report.commands) / verify * 1_000), "commands a second of", report.commands)
            let opening = try await milliseconds {
                _ = try? await EmbeddedLedger.open(path: folder + "/l.sqlite", clusterKey: ClusterKey(), genesis: nil)
            }
            print("refused opening, ms:", opening)
        }
    }
}
