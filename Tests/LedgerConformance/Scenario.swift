/// One story of the conformance suite (ledger specification, §11), played alike on every ledger.
public struct Scenario: Sendable, CustomStringConvertible {
    /// The specification's numbers that it covers; empty where it goes beyond them.
    public let numbers: [Int]
    /// What holds.
    public let name: String
    private let change: @Sendable (inout Beginning) -> Void
    private let body: @Sendable (Stage) async throws -> Void

    init(
        _ numbers: [Int],
        _ name: String,
        beginning change: @escaping @Sendable (inout Beginning) -> Void = { _ in },
        _ body: @escaping @Sendable (Stage) async throws -> Void
    ) {
        self.numbers = numbers
        self.name = name
        self.change = change
        self.body = body
    }

    /// The number and the name.
    public var description: String {
        (numbers.map(String.init) + [name]).joined(separator: " ")
    }

    /// Plays it on a ledger of this kind.
    public func play(on factory: some StageFactory) async throws {
        var beginning = try Beginning()
        change(&beginning)
        try await factory.play(beginning, body)
    }

    /// All scenarios, in the order of the specification.
    public static let all: [Scenario] =
        identity + balance + settlement + nodes + status + staking + slashing + authority + governance
}
