public import Ledger

/// Who may do what on a local ledger (ledger specification, §5 "Roles").
public struct Roles: Hashable, Sendable {
    /// Changes parameters and bans nodes.
    public var owner: Address
    /// Registers attested users and grants their keys.
    public var registrar: Address
    /// Lets nodes in and takes them out.
    public var reporter: Address
    /// Gives the faucet's grants.
    public var faucetSigner: Address

    /// Names the holders of the roles.
    public init(owner: Address, registrar: Address, reporter: Address, faucetSigner: Address) {
        self.owner = owner
        self.registrar = registrar
        self.reporter = reporter
        self.faucetSigner = faucetSigner
    }

    /// Gives every role to one address.
    public init(all address: Address) {
        self.init(owner: address, registrar: address, reporter: address, faucetSigner: address)
    }
}

/// What a local ledger begins with.
///
/// It is block zero and never changes.
public struct Genesis: Hashable, Sendable {
    /// Holds the supply at the beginning.
    public var administrator: Address
    /// All tokens there will be, at most ``TokenAmount/cap``.
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
        supply: TokenAmount = .cap,
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
        "genesis(address,uint256,uint256,address,address,address,address,uint64[])"
    )

    /// The name of the one command of block zero, which no other command may bear: it would get the genesis for an answer.
    static let submission = SubmissionID(Keccak256.hash(Array("Lattice genesis".utf8)))

    /// The one command of block zero.
    func encoded() -> [UInt8] {
        let figures = Parameters.Name.allCases.map { ABIValue.uint(parameters[$0]) }
        return Self.selector
            + ABI.encode([
                .address(administrator), .uint256(Self.word(supply)), .uint256(Self.word(faucetSupply)),
                .address(roles.owner), .address(roles.registrar), .address(roles.reporter),
                .address(roles.faucetSigner), .array(figures),
            ])
    }

    init?(call: [UInt8]) {
        guard call.starts(with: Self.selector) else { return nil }
        let types: [ABIType] = [
            .address, .uint(bits: 256), .uint(bits: 256), .address, .address, .address, .address,
            .array(.uint(bits: 64)),
        ]
        guard let values = try? ABI.decode(types, from: Array(call.dropFirst(4))), values.count == 8,
            case .address(let administrator) = values[0], case .uint256(let supply) = values[1],
            case .uint256(let faucetSupply) = values[2], case .address(let owner) = values[3],
            case .address(let registrar) = values[4], case .address(let reporter) = values[5],
            case .address(let faucetSigner) = values[6], case .array(let figures) = values[7],
            let supply = Self.amount(supply), let faucetSupply = Self.amount(faucetSupply),
            figures.count == Parameters.Name.allCases.count
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
            roles: Roles(owner: owner, registrar: registrar, reporter: reporter, faucetSigner: faucetSigner),
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

extension ContractAddresses {
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
