/// The contracts of the ledger (specification, §5).
public enum Contract: String, Sendable, CaseIterable, Codable {
    /// The ERC-20 token.
    case laiToken = "LAIToken"
    /// Identity, balances, settlement.
    case userRegistry = "UserRegistry"
    /// Nodes.
    case nodeRegistry = "NodeRegistry"
    /// Status of nodes.
    case networkStatus = "NetworkStatus"
    /// Fees, earnings and rewards.
    case tokenomics = "Tokenomics"
    /// Stakes.
    case staking = "Staking"
    /// Bonus credits for new users.
    case faucet = "Faucet"
    /// What the network itself holds.
    case treasury = "Treasury"
    /// Penalties for proven offences.
    case slashing = "Slashing"
    /// Calls that wait before they are made: the owner of the others on an open network.
    case timelock = "Timelock"
    /// Votes by stake.
    case governor = "Governor"
    /// The current set of contracts.
    case directory = "Directory"
}

/// The addresses of a ledger's contracts, which are also their token accounts.
public struct ContractAddresses: Hashable, Sendable {
    private let addresses: [Address]

    /// Makes the list from an address for each contract.
    public init(_ address: (Contract) -> Address) {
        addresses = Contract.allCases.map(address)
    }

    /// The address of a contract.
    public subscript(contract: Contract) -> Address {
        switch contract {
        case .laiToken: addresses[0]
        case .userRegistry: addresses[1]
        case .nodeRegistry: addresses[2]
        case .networkStatus: addresses[3]
        case .tokenomics: addresses[4]
        case .staking: addresses[5]
        case .faucet: addresses[6]
        case .treasury: addresses[7]
        case .slashing: addresses[8]
        case .timelock: addresses[9]
        case .governor: addresses[10]
        case .directory: addresses[11]
        }
    }

    /// The contract at an address, if one is there.
    public func contract(at address: Address) -> Contract? {
        Contract.allCases.first { self[$0] == address }
    }
}
