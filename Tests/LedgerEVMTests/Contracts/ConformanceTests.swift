import LedgerConformance
import Testing

@Suite(.enabled(if: Devnet.isAvailable), .timeLimit(.minutes(10))) struct `The contracts on a real EVM` {
    @Test(arguments: Scenario.all)
    func `keep the rules of the ledger`(scenario: Scenario) async throws {
        try await scenario.play(on: EVMStages.shared)
    }

    /// 5 seeds of 200 commands at every change, 200 seeds of 500 in a long run (ledger specification, §11).
    @Test(arguments: (isLongRun ? 1...200 : 1...5) as ClosedRange<UInt64>)
    func `and the local ledger are alike after every command`(seed: UInt64) async throws {
        let run = Differential(seed: seed, count: isLongRun ? 500 : 200, comparingEvery: 50)
        let difference = try await run.run(LocalStages(auditsEveryCommand: false), EVMStages.allowing)
        #expect(difference == nil, "\(difference?.description ?? "")")
    }
}
