import Foundation
import GRDB
import LatticeTesting
import Ledger
import LedgerConformance
import LedgerEmbedded
import Testing

/// A ledger whose process is killed while it writes.
///
/// The process is this one's own program, run again for one test.
@Suite(.serialized) struct `Killed processes` {
    private static let variable = "LATTICE_LEDGER_CRASH_FOLDER"
    private static let folder = ProcessInfo.processInfo.environment[variable]
    private static let key = ClusterKey(rawRepresentation: [UInt8](repeating: 7, count: 32)) ?? ClusterKey()

    private static func open(_ folder: String) async throws -> EmbeddedLedger {
        try await EmbeddedLedger.open(path: folder + "/ledger.sqlite", clusterKey: key, genesis: .standard)
    }

    @Test(.enabled(if: folder != nil, "run by the test that kills it"))
    func `victim that writes until it is killed`() async throws {
        let ledger = try await Self.open(try #require(Self.folder))
        let administrator = ledger.genesis.administrator
        let command = Command.transfer(to: Address.stranger, amount: TokenAmount(Nano(1)))
        let start = try await ledger.head().number
        // Who kills it may be killed first; then it ends by itself.
        let parent = getppid()
        // Many times more than a run of the test that kills it lasts.
        for number in start..<start + 1_000_000 {
            guard getppid() == parent else { return }
            let id = SubmissionID(Bytes32(number: number))
            _ = try await ledger.submit(command, caller: administrator, id: id)
        }
    }

    @Test(.enabled(if: folder == nil), .timeLimit(.minutes(2)))
    func `a killed ledger opens at a block, verifies, and goes on`() async throws {
        try await withTemporaryDirectory { folder in
            var generator = SystemRandomNumberGenerator()
            var before: UInt64 = 0
            for _ in 0..<3 {
                try await Self.runVictim(
                    in: folder,
                    until: .random(in: 5...(isLongRun ? 200 : 40), using: &generator),
                    from: before
                )
                let ledger = try await Self.open(folder)
                let number = try await ledger.head().number
                #expect(number > before)
                // One command a block: a block with its state, or neither.
                #expect(try await ledger.account(Address.stranger) == TokenAmount(Nano(number)))
                await ledger.close()
                before = number
            }
            let report = try await EmbeddedLedger.verify(path: folder + "/ledger.sqlite")
            #expect(report.fault == nil)
        }
    }

    /// The newest block in the file, looked up from outside; `nil` while there is none.
    private static func head(in folder: String) -> UInt64? {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try? DatabaseQueue(path: folder + "/ledger.sqlite", configuration: configuration)
        defer { try? queue?.close() }
        let number = try? queue?.read { try Int64.fetchOne($0, sql: "SELECT max(number) FROM blocks") }
        return number.flatMap { UInt64(exactly: $0) }
    }

    /// Starts the victim, waits until it has written some blocks, and kills it without warning.
    private static func runVictim(in folder: String, until blocks: Int, from start: UInt64) async throws {
        let victim = try Victim(running: "victim that writes until it is killed", [variable: folder])
        defer { victim.kill() }
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            if let number = Self.head(in: folder), number > start + UInt64(blocks) { return }
            try #require(victim.isRunning && ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
