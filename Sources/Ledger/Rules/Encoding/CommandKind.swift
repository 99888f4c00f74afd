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
        case setSigner = "set_signer(uint64,address)"
        case proposePayout = "propose_payout(uint64,address)"
        case acceptPayout = "accept_payout(uint64)"
        case setCommission = "set_commission(uint64,uint16)"
        case transferNode = "transfer(uint64,address)"
        case acceptNode = "accept(uint64)"
        case completeExit = "complete_exit(uint64)"
        case setCompute = "set_compute(uint64,uint64)"
        case report = "report(uint64,bytes32,uint256[])"
        case seal = "seal(uint64)"
        case reject = "reject(uint64)"
        case stake = "stake(uint64,uint64)"
        case requestExit = "request_exit(uint64,uint128)"
        case withdrawStake = "withdraw(uint64)"
        case harvest = "harvest(uint64)"
        case claim = "claim(uint64)"
        case sweep = "sweep()"
        case claimReward = "claim_reward(uint64,uint64)"
        case payInsurance = "pay_insurance(address,uint64)"
        case proveReceipts =
            "prove_receipts((bytes32,uint64,uint64,address,bytes32,bytes32,bytes32,uint64,uint64,uint64,uint64,uint64),bytes32,bytes32,(bytes32,uint64,uint64,address,bytes32,bytes32,bytes32,uint64,uint64,uint64,uint64,uint64),bytes32,bytes32)"
        case proveOvercharge =
            "prove_overcharge((uint64,bytes32,uint64,uint64,uint64),bytes32,bytes32,(bytes32,uint64,uint64,address,bytes32,bytes32,bytes32,uint64,uint64,uint64,uint64,uint64),bytes32,bytes32)"
        case proveProbes =
            "prove_probes((uint64,bytes32,bytes32,uint64),bytes32,bytes32,(uint64,bytes32,bytes32,uint64),bytes32,bytes32)"
        case releaseSlash = "release(uint64)"
        case giveBackSlash = "give_back(uint64)"
        case proposeQuality = "propose_quality(uint64,uint16,bytes32)"
        case vetoQuality = "veto_quality(uint64)"
        case executeQuality = "execute_quality(uint64)"
        case grant = "grant(uint64)"
        case payFromTreasury = "pay(address,uint64)"
        case setParameter = "set_parameter(bytes32,uint64)"
        case proposeOwner = "propose_owner(address)"
        case acceptOwner = "accept_owner()"
        case setRole = "set_role(bytes32,address)"
        case pause = "pause()"
        case unpause = "unpause()"
        case queue = "queue(address,bytes)"
        case executeQueued = "execute(uint64,address,bytes)"
        case cancelQueued = "cancel(uint64)"
        case allowFunction = "allow(address,bytes4,bool)"
        case propose = "propose(address,bytes,bytes32,uint64[])"
        case vote = "vote(uint64,bool,uint64[])"
        case enact = "enact(uint64,address,bytes)"
        case publish = "publish(bytes32,address)"
    }
}

extension Command.Kind {
    private static let types = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.parseTypes()) })
    private static let selectors = Dictionary(uniqueKeysWithValues: allCases.map { ($0, ABI.selector($0.rawValue)) })
    private static let kinds = Dictionary(uniqueKeysWithValues: allCases.map { ($0.selector, $0) })

    /// What stands behind the selector: a word for everything that takes one.
    ///
    /// Every case has its types: the table is made from all of them.
    var types: [ABIType] { Self.types[self] ?? parseTypes() }

    /// The first four bytes of a call.
    var selector: [UInt8] { Self.selectors[self] ?? ABI.selector(rawValue) }

    /// The function with this selector.
    init?(selector: [UInt8]) {
        guard let kind = Self.kinds[selector] else { return nil }
        self = kind
    }

    /// Takes the signature apart; the words of a tuple without bytes or lists stand where the tuple does.
    private func parseTypes() -> [ABIType] {
        var text = rawValue.drop { $0 != "(" }.dropFirst()
        return Self.parseList(&text)
    }

    private static func parseList(_ text: inout Substring) -> [ABIType] {
        var types: [ABIType] = []
        while let first = text.first, first != ")" {
            var found: [ABIType]
            if first == "(" {
                text.removeFirst()
                let inner = parseList(&text)
                found = inner.contains(where: \.isDynamic) || text.hasPrefix("[]") ? [.tuple(inner)] : inner
            } else {
                let name = text.prefix { !",)[".contains($0) }
                text.removeFirst(name.count)
                found = [name == "bytes" ? .bytes : .fixedBytes(count: 32)]
            }
            if text.hasPrefix("[]") {
                text.removeFirst(2)
                found = found.map { .array($0) }
            }
            types += found
            if text.first == "," { text.removeFirst() }
        }
        text = text.dropFirst()
        return types
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
        case .registerNode, .setMeta, .setModel, .setSigner, .proposePayout, .acceptPayout, .setCommission,
            .transferNode, .acceptNode, .exit, .completeExit, .setCompute, .ban:
            .nodeRegistry
        case .report, .seal, .reject, .suspend, .resume: .networkStatus
        case .stake, .requestExit, .withdrawStake: .staking
        case .harvest, .claim, .sweep, .claimReward, .payInsurance: .tokenomics
        case .proveReceipts, .proveOvercharge, .proveProbes, .releaseSlash, .giveBackSlash, .proposeQuality,
            .vetoQuality, .executeQuality:
            .slashing
        case .grant: .faucet
        case .payFromTreasury: .treasury
        case .setParameter(let name, _): name.contract
        case .proposeOwner(let contract, _), .acceptOwner(let contract), .setRole(let contract, _, _),
            .pause(let contract), .unpause(let contract):
            contract
        case .queue, .executeQueued, .cancelQueued: .timelock
        case .allowFunction, .propose, .vote, .enact: .governor
        case .publish: .directory
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
        case .setSigner: .setSigner
        case .proposePayout: .proposePayout
        case .acceptPayout: .acceptPayout
        case .setCommission: .setCommission
        case .transferNode: .transferNode
        case .acceptNode: .acceptNode
        case .completeExit: .completeExit
        case .setCompute: .setCompute
        case .report: .report
        case .seal: .seal
        case .reject: .reject
        case .stake: .stake
        case .requestExit: .requestExit
        case .withdrawStake: .withdrawStake
        case .harvest: .harvest
        case .claim: .claim
        case .sweep: .sweep
        case .claimReward: .claimReward
        case .payInsurance: .payInsurance
        case .proveReceipts: .proveReceipts
        case .proveOvercharge: .proveOvercharge
        case .proveProbes: .proveProbes
        case .releaseSlash: .releaseSlash
        case .giveBackSlash: .giveBackSlash
        case .proposeQuality: .proposeQuality
        case .vetoQuality: .vetoQuality
        case .executeQuality: .executeQuality
        case .grant: .grant
        case .payFromTreasury: .payFromTreasury
        case .setParameter: .setParameter
        case .proposeOwner: .proposeOwner
        case .acceptOwner: .acceptOwner
        case .setRole: .setRole
        case .pause: .pause
        case .unpause: .unpause
        case .queue: .queue
        case .executeQueued: .executeQueued
        case .cancelQueued: .cancelQueued
        case .allowFunction: .allowFunction
        case .propose: .propose
        case .vote: .vote
        case .enact: .enact
        case .publish: .publish
        }
    }
}
