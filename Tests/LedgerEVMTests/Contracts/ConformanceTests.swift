import LedgerConformance
import Testing

@Suite(.enabled(if: Devnet.isAvailable), .timeLimit(.minutes(10))) struct `The contracts on a real EVM` {
    @Test(arguments: Scenario.all)
    func `keep the rules of the ledger`(scenario: Scenario) async throws {
        try await scenario.play(on: EVMStages.shared)
    }
}
