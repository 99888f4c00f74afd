import LatticeTesting
import Ledger
import LedgerConformance
import Testing

@Suite struct `Random runs` {
    /// Scenario 86 of the specification: a hundred thousand commands of all seeds together in a long run.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `keep every invariant after every command`(seed: UInt64) async throws {
        try await LocalStages().play(try RandomCommands.beginning(seed: seed)) { stage in
            var run = try await Invariants(stage, seed: seed)
            for _ in 0..<(isLongRun ? 25_000 : 500) { try await run.step() }
            // The run is worth something only where much of this happened.
            #expect(run.events.count > 34, "\(run.events)")
            #expect(run.events["Settled", default: 0] > 25)
        }
    }

    @Test func `of two local ledgers are alike`() async throws {
        let difference = try await Differential(seed: 5, count: 150).run(LocalStages(), LocalStages())
        #expect(difference == nil, "\(difference?.description ?? "")")
    }

    @Test func `find a fee that is rounded the wrong way, and the shortest prefix that shows it`() async throws {
        let run = Differential(seed: 6, count: 200, comparingEvery: 50)
        let found = try #require(try await run.run(LocalStages(), MisroundedStages()))
        #expect(found.what.contains("Collected"))
        #expect(found.prefix.count < 200)
        // One command less shows nothing.
        let shorter = Differential(seed: 6, count: found.prefix.count - 1)
        #expect(try await shorter.run(LocalStages(), MisroundedStages()) == nil)
    }
}
