extension Command {
    /// A function's signature in the contracts, with the types of its arguments.
    ///
    /// `…,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))` at the end is an ``Auth``.
    enum Kind: String, CaseIterable {
        case transfer = "transfer(address,uint256)"
        case burn = "burn(uint256)"
        case registerWallet = "register_wallet(address,bytes32,bytes32)"
        case registerPasskey =
            "register_passkey(bytes32,bytes32,bytes32,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))"
        case registerAttested = "register_attested(bytes32)"
        case grantKey =
            "grant_key(uint64,address,uint8,uint64,uint64,uint64,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))"
        case revokeKey = "revoke_key(uint64,address,uint64,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))"
        case changeRoot =
            "change_root(uint64,address,uint8,bytes32,bool,uint64,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))"
        case bumpGeneration = "bump_generation(uint64,uint64,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))"
        case grantKeyAttested = "grant_key_attested(uint64,address,uint8,uint64,uint64)"
        case veto = "veto(uint64,address,uint64,(bytes32,bytes32,bytes32,bytes32))"
        case deposit = "deposit(uint64,uint256)"
        case depositWithPermit = "deposit_with_permit(uint64,address,uint256,uint256,bytes32,bytes32)"
        case creditBonus = "credit_bonus(uint64,uint64)"
        case expireBonus = "expire_bonus(uint64)"
        case requestWithdraw =
            "request_withdraw(uint64,uint64,address,uint64,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))"
        case cancelWithdraw = "cancel_withdraw(uint64,uint64,(bytes32,bytes32,bytes32,bytes32,bytes,bytes))"
        case completeWithdraw = "complete_withdraw(uint64)"
        case settle = "settle((uint64,uint64,uint64,bytes32,bytes32,bytes32,bytes32,bytes32)[])"
        case registerNode = "register(uint8,bytes32,bytes32,address,address,uint16,uint64)"
        case setMeta = "set_meta(uint64,bytes32)"
        case setModel = "set_model(uint64,bytes32)"
        case suspend = "suspend(uint64,bytes32)"
        case resume = "resume(uint64)"
        case exit = "exit(uint64)"
        case ban = "ban(uint64,bytes32)"
        case withdrawStake = "withdraw(uint64)"
        case harvest = "harvest(uint64)"
        case claim = "claim(uint64)"
        case sweep = "sweep()"
        case grant = "grant(uint64)"
        case setParameter = "set_parameter(bytes32,uint64)"
    }
}

extension Command.Kind {
    /// How the arguments are laid out.
    enum Layout {
        /// One word each.
        case words(Int)
        /// One word each, and an ``Auth`` at the end.
        case wordsAndAuth(Int)
        /// One list of tuples of eight words.
        case entries
    }

    private static let layouts = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.parseLayout()) })
    private static let selectors = Dictionary(uniqueKeysWithValues: allCases.map { ($0, ABI.selector($0.rawValue)) })
    private static let kinds = Dictionary(uniqueKeysWithValues: allCases.map { ($0.selector, $0) })

    /// The layout of the arguments.
    ///
    /// Every case has one: the table is made from all of them.
    var layout: Layout { Self.layouts[self] ?? parseLayout() }

    /// The first four bytes of a call.
    var selector: [UInt8] { Self.selectors[self] ?? ABI.selector(rawValue) }

    /// The function with this selector.
    init?(selector: [UInt8]) {
        guard let kind = Self.kinds[selector] else { return nil }
        self = kind
    }

    private func parseLayout() -> Layout {
        if self == .settle { return .entries }
        let types = rawValue.drop { $0 != "(" }.split { "(),".contains($0) }
        return types.last == "bytes" ? .wordsAndAuth(types.count - 6) : .words(types.count)
    }
}

extension Command {
    /// The name of the function in the contracts, such as `settle`.
    public var name: String { String(kind.rawValue.prefix { $0 != "(" }) }

    /// The contract whose function it is.
    public var contract: Contract {
        switch self {
        case .transfer, .burn: .laiToken
        case .registerWallet, .registerPasskey, .registerAttested, .grantKey, .revokeKey, .changeRoot, .bumpGeneration,
            .grantKeyAttested, .veto, .deposit, .depositWithPermit, .creditBonus, .expireBonus, .requestWithdraw,
            .cancelWithdraw, .completeWithdraw, .settle:
            .userRegistry
        case .registerNode, .setMeta, .setModel, .exit, .ban: .nodeRegistry
        case .suspend, .resume: .networkStatus
        case .withdrawStake: .staking
        case .harvest, .claim, .sweep: .tokenomics
        case .grant: .faucet
        case .setParameter(let name, _): name.contract
        }
    }

    var kind: Kind {
        switch self {
        case .transfer: .transfer
        case .burn: .burn
        case .registerWallet: .registerWallet
        case .registerPasskey: .registerPasskey
        case .registerAttested: .registerAttested
        case .grantKey: .grantKey
        case .revokeKey: .revokeKey
        case .changeRoot: .changeRoot
        case .bumpGeneration: .bumpGeneration
        case .grantKeyAttested: .grantKeyAttested
        case .veto: .veto
        case .deposit: .deposit
        case .depositWithPermit: .depositWithPermit
        case .creditBonus: .creditBonus
        case .expireBonus: .expireBonus
        case .requestWithdraw: .requestWithdraw
        case .cancelWithdraw: .cancelWithdraw
        case .completeWithdraw: .completeWithdraw
        case .settle: .settle
        case .registerNode: .registerNode
        case .setMeta: .setMeta
        case .setModel: .setModel
        case .suspend: .suspend
        case .resume: .resume
        case .exit: .exit
        case .ban: .ban
        case .withdrawStake: .withdrawStake
        case .harvest: .harvest
        case .claim: .claim
        case .sweep: .sweep
        case .grant: .grant
        case .setParameter: .setParameter
        }
    }
}
