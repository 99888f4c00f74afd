public import Ledger

/// Who acts on a stage besides the people of the scene: each role has a wallet of its own.
public struct Cast: Sendable {
    /// Holds the supply.
    public let administrator: Secp256k1Key
    /// Owns the contracts.
    public let owner: Secp256k1Key
    /// Pauses, rejects, vetoes, cancels.
    public let guardian: Secp256k1Key
    /// Registers attested users.
    public let registrar: Secp256k1Key
    /// Reports on nodes.
    public let reporter: Secp256k1Key
    /// Measures nodes.
    public let attester: Secp256k1Key
    /// Signs the faucet's grants.
    public let faucetSigner: Secp256k1Key
    /// Proposes penalties.
    public let committee: Secp256k1Key
    /// Queues calls in the timelock.
    public let council: Secp256k1Key
    /// Has nothing and may do what everyone may.
    public let stranger: Secp256k1Key

    /// The same wallets each time.
    public init() throws(KeyError) {
        administrator = try .seeded("administrator")
        owner = try .seeded("owner")
        guardian = try .seeded("guardian")
        registrar = try .seeded("registrar")
        reporter = try .seeded("reporter")
        attester = try .seeded("attester")
        faucetSigner = try .seeded("faucet signer")
        committee = try .seeded("committee")
        council = try .seeded("council")
        stranger = try .seeded("stranger")
    }

    /// All of them.
    public var everyone: [Secp256k1Key] {
        [
            administrator, owner, guardian, registrar, reporter, attester, faucetSigner, committee, council, stranger,
        ]
    }

    /// Who holds a role.
    public subscript(role: Role) -> Secp256k1Key {
        switch role {
        case .guardian: guardian
        case .registrar: registrar
        case .reporter: reporter
        case .attester: attester
        case .signer: faucetSigner
        case .committee: committee
        case .council: council
        }
    }
}

extension Secp256k1Key {
    /// The key that a text gives, so that a run can be repeated.
    public static func seeded(_ text: String) throws(KeyError) -> Secp256k1Key {
        try Secp256k1Key(rawRepresentation: Keccak256.hash(Array("lattice conformance \(text)".utf8)).bytes)
    }
}

/// What a ledger under test begins with.
public struct Beginning: Sendable {
    /// Who holds the roles, the same on every contract; the timelock owns itself.
    public var cast: Cast
    /// The figures that govern the rules.
    public var parameters = Parameters()
    /// The tokens at the beginning; the administrator holds what the faucet does not.
    public var supply = TokenAmount.genesisSupply
    /// What the faucet holds.
    public var faucetSupply = TokenAmount(Nano(lai: 1_000_000))
    /// Whether the timelock owns the other contracts, and not the cast's owner.
    public var isOwnedByTimelock = false
    /// Whether the governor is the timelock's council, and not the cast's council.
    public var isGovernedByStake = false

    /// The specification's figures, and every role with a wallet of its own.
    public init() throws(KeyError) {
        cast = try Cast()
    }
}
