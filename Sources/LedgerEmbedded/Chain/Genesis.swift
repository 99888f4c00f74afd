public import Ledger

/// Who may do what on a local ledger at its beginning (ledger specification, §5 "Roles").
public struct Roles: Hashable, Sendable {
    /// Owns the contracts: changes parameters and roles, bans nodes, pays out of treasury and insurance.
    ///
    /// On an open network it is the timelock, which always owns itself.
    public var owner: Address
    /// Registers attested users and grants their keys.
    public var registrar: Address
    /// Lets nodes in and takes them out, and reports on them.
    public var reporter: Address
    /// Gives the faucet's grants.
    public var faucetSigner: Address
    /// Pauses, rejects reports, vetoes penalties and cancels queued calls.
    public var guardian: Address
    /// Measures what nodes can compute.
    public var attester: Address
    /// Proposes penalties for bad quality.
    public var committee: Address
    /// Queues calls in the timelock.
    public var council: Address

    /// Names the holders of the roles; those that are not named are the owner's.
    public init(
        owner: Address,
        registrar: Address,
        reporter: Address,
        faucetSigner: Address,
        guardian: Address? = nil,
        attester: Address? = nil,
        committee: Address? = nil,
        council: Address? = nil
    ) {
        self.owner = owner
        self.registrar = registrar
        self.reporter = reporter
        self.faucetSigner = faucetSigner
        self.guardian = guardian ?? owner
        self.attester = attester ?? owner
        self.committee = committee ?? owner
        self.council = council ?? owner
    }

    /// Gives every role to one address.
    public init(all address: Address) {
        self.init(owner: address, registrar: address, reporter: address, faucetSigner: address)
    }

    /// Who holds a role.
    public subscript(role: Role) -> Address {
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

/// What a local ledger begins with.
///
/// It is block zero and never changes.
public struct Genesis: Hashable, Sendable {
    /// Holds the supply at the beginning.
    public var administrator: Address
    /// The tokens at the beginning, at most ``TokenAmount/cap``.
    ///
    /// Rewards mint further ones up to the cap.
    public var supply: TokenAmount
    /// How much of the supply the faucet's account holds from the beginning.
    public var faucetSupply: TokenAmount
    /// Who may do what.
    public var roles: Roles
    /// The figures that govern the rules.
    public var parameters: Parameters

    /// Describes a beginning; without roles the administrator has all of them.
    public init(
        administrator: Address,
        supply: TokenAmount = .genesisSupply,
        faucetSupply: TokenAmount = .zero,
        roles: Roles? = nil,
        parameters: Parameters = Parameters()
    ) {
        self.administrator = administrator
        self.supply = supply
        self.faucetSupply = faucetSupply
        self.roles = roles ?? Roles(all: administrator)
        self.parameters = parameters
    }

    /// Why a ledger cannot begin so, or `nil` when it can.
    public var fault: Reason? {
        if administrator == .zero { return .badAddress }
        if supply > .cap || faucetSupply > supply { return .overflow }
        return parameters.fault
    }
}

extension Genesis {
    private static let selector = ABI.selector(
        "genesis(address,uint256,uint256,address[8],uint64[])"
    )

    /// The name of the one command of block zero, which no other command may bear: it would get the genesis for an answer.
    static let submission = SubmissionID(Keccak256.hash(Array("Lattice genesis".utf8)))

    /// The one command of block zero.
    func encoded() -> [UInt8] {
        let figures = Parameters.Name.allCases.map { ABIValue.uint(parameters[$0]) }
        return Self.selector
            + ABI.encode([
                .address(administrator), .uint256(Self.word(supply)), .uint256(Self.word(faucetSupply)),
                .tuple(roles.addresses.map { .address($0) }), .array(figures),
            ])
    }

    init?(call: [UInt8]) {
        guard call.starts(with: Self.selector) else { return nil }
        let types: [ABIType] = [
            .address, .uint(bits: 256), .uint(bits: 256), .fixedArray(.address, count: 8), .array(.uint(bits: 64)),
        ]
        guard let values = try? ABI.decode(types, from: Array(call.dropFirst(4))), values.count == 5,
            case .address(let administrator) = values[0], case .uint256(let supply) = values[1],
            case .uint256(let faucetSupply) = values[2], case .tuple(let holders) = values[3],
            case .array(let figures) = values[4],
            let supply = Self.amount(supply), let faucetSupply = Self.amount(faucetSupply),
            let roles = Roles(holders), figures.count == Parameters.Name.allCases.count
        else { return nil }
        var parameters = Parameters()
        for (name, figure) in zip(Parameters.Name.allCases, figures) {
            guard case .uint(let value) = figure else { return nil }
            parameters[name] = value
        }
        self.init(
            administrator: administrator,
            supply: supply,
            faucetSupply: faucetSupply,
            roles: roles,
            parameters: parameters
        )
        guard fault == nil else { return nil }
    }

    private static func word(_ amount: TokenAmount) -> Bytes32 {
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.append(bigEndian: UInt64(truncatingIfNeeded: amount.units >> 64))
        bytes.append(bigEndian: UInt64(truncatingIfNeeded: amount.units))
        return Bytes32(bytes) ?? .zero
    }

    private static func amount(_ word: Bytes32) -> TokenAmount? {
        let bytes = word.bytes
        guard bytes.prefix(16).allSatisfy({ $0 == 0 }) else { return nil }
        return TokenAmount(units: bytes.reduce(0) { $0 << 8 | UInt128($1) })
    }
}

extension Roles {
    /// In the order of the genesis' encoding.
    fileprivate var addresses: [Address] {
        [owner, registrar, reporter, faucetSigner, guardian, attester, committee, council]
    }

    fileprivate init?(_ values: [ABIValue]) {
        let addresses = values.compactMap { value -> Address? in
            guard case .address(let address) = value else { return nil }
            return address
        }
        guard addresses.count == 8 else { return nil }
        self.init(
            owner: addresses[0],
            registrar: addresses[1],
            reporter: addresses[2],
            faucetSigner: addresses[3],
            guardian: addresses[4],
            attester: addresses[5],
            committee: addresses[6],
            council: addresses[7]
        )
    }
}

extension ContractAddresses {
    /// The addresses on the local ledger of a cluster; the timelock's may be the owner in its genesis.
    public static func local(clusterPublicKey: [UInt8]) -> ContractAddresses {
        local(TypedDomain.local(clusterPublicKey: clusterPublicKey))
    }

    /// The addresses on a local ledger: the registry's is that of the domain, the others are hashed from it and the
    /// contract's name, so that nobody has their key.
    static func local(_ domain: TypedDomain) -> ContractAddresses {
        ContractAddresses { contract in
            guard contract != .userRegistry else { return domain.verifyingContract }
            return Address(
                lastOf: Keccak256.hash(domain.verifyingContract.bytes + Array(contract.rawValue.utf8))
            )
        }
    }
}
