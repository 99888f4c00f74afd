import LedgerConformance
import Testing

/// The scenarios of the specification (§11), played on local ledgers.
@Suite struct `Conformance` {
    @Test(arguments: Scenario.all)
    func `of the local ledger`(scenario: Scenario) async throws {
        try await scenario.play(on: LocalStages())
    }
}
