extension Parameters.Name: WordCodable {
    private static let words = Dictionary(uniqueKeysWithValues: allCases.map { ($0.word, $0) })

    /// The name in ASCII, padded with zeros.
    ///
    /// Every name is short ASCII, so there is always one.
    public var word: Bytes32 { Bytes32(ascii: rawValue) ?? .zero }

    /// The figure with this name.
    public init?(word: Bytes32) {
        guard let name = Self.words[word] else { return nil }
        self = name
    }

    /// The contract that the figure governs.
    public var contract: Contract {
        switch self {
        case .feeBPS, .burnBPS, .alpha, .lambda, .epochBudget: .tokenomics
        case .withdrawDelay, .revokeDelay, .recoveryDelay, .keyValidity: .userRegistry
        case .unbonding: .staking
        case .minimumStakeLLM, .minimumStakeKnowledge, .minimumStakeAgent: .nodeRegistry
        case .grantAmount, .dailyBudget: .faucet
        case .stakePerUnit: .networkStatus
        case .timelock: .timelock
        }
    }
}
