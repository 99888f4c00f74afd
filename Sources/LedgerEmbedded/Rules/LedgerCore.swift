import Ledger

/// A command with its caller and what its signatures prove.
struct Call: Sendable {
    let command: Command
    let caller: Address
    let witness: Witness

    init(_ command: Command, caller: Address, witness: Witness) {
        self.command = command
        self.caller = caller
        self.witness = witness
    }

    /// Checks the signatures at once.
    init(_ command: Command, caller: Address, domain: TypedDomain) {
        self.init(command, caller: caller, witness: Witness(command, domain: domain))
    }
}

/// The rules (ledger specification, §2 to §5): state, caller and time in, state and events out.
///
/// No clock, no input or output, and no number from outside that can trap. A command either does all that its events say or
/// changes nothing.
struct LedgerCore: Sendable {
    let genesis: Genesis
    let domain: TypedDomain
    let contracts: ContractAddresses
    var state = LedgerState()

    /// The caller of the command in progress.
    private(set) var caller = Address.zero
    /// The second, since 1970, of the command in progress.
    private(set) var now: UInt64 = 0
    /// What the signatures of the command in progress prove.
    private(set) var witness = Witness(.sweep, domain: TypedDomain(chainID: 0, verifyingContract: .zero))
    private var events: [Event] = []

    /// The bonus returns to the faucet after 180 days (§5.2 "expire_bonus").
    static let bonusLife: UInt64 = 180 * 86_400

    init(genesis: Genesis, domain: TypedDomain) {
        self.genesis = genesis
        self.domain = domain
        contracts = .local(domain)
    }

    /// Makes the supply and names who may do what; the one command of block zero.
    mutating func begin(at time: UInt64) -> [Event] {
        now = time
        events = []
        state.counters[.begun] = time
        for contract in Contract.allCases where contract != .laiToken {
            let owner = contract == .timelock ? contracts[.timelock] : genesis.roles.owner
            state.seats[Seat(contract: contract, kind: .owner)] = owner
            emit(.ownerChanged(contract, owner: owner))
            for role in Role.allCases where role.contracts.contains(contract) {
                let holder = genesis.roles[role]
                state.seats[Seat(contract: contract, kind: .role(role))] = holder
                emit(.roleSet(contract, role: role.word, holder: holder))
            }
        }
        for name in Parameters.Name.allCases {
            state.params[name] = genesis.parameters[name]
            emit(.parameterSet(name: name.word, value: genesis.parameters[name]))
        }
        let faucet = genesis.faucetSupply
        let rest = genesis.supply.subtracting(faucet) ?? .zero
        state.accounts[genesis.administrator] = AccountRecord(balance: rest)
        emit(.transfer(from: .zero, to: genesis.administrator, value: rest))
        if faucet != .zero {
            state.accounts[contracts[.faucet]] = AccountRecord(balance: faucet)
            emit(.transfer(from: .zero, to: contracts[.faucet], value: faucet))
        }
        state.keep()
        return events
    }

    /// Does a command at a time that is not before that of the command before it.
    mutating func apply(_ call: Call, at time: UInt64) -> Result<[Event], Reason> {
        caller = call.caller
        now = time
        witness = call.witness
        events = []
        do throws(Reason) {
            try checkCaller()
            try perform(call.command)
            state.keep()
            return .success(events)
        } catch {
            state.rollBack()
            return .failure(error)
        }
    }

    /// What `settle` would answer.
    ///
    /// Leaves the state as it was.
    mutating func preview(_ entries: [SettleEntry], keys: [KeyID?], at time: UInt64) -> [SettleStatus] {
        now = time
        events = []
        var charges = Charges()
        var statuses: [SettleStatus] = []
        for (index, (entry, key)) in zip(entries, keys).enumerated() {
            statuses.append((try? settle(entry, signedBy: key, index: index, &charges)) ?? .noFunds)
        }
        state.rollBack()
        _ = state.takeChanges()
        events = []
        return statuses
    }

    /// Refuses calls in the name of a contract, whose key nobody has.
    ///
    /// What contracts do to one another is part of the command that a person gave.
    private func checkCaller() throws(Reason) {
        guard caller != .zero else { throw .badAddress }
        guard contracts.contract(at: caller) == nil else { throw .notAllowed }
    }

    /// Does a command in the name of a contract, as part of the command in progress.
    mutating func perform(_ command: Command, as contract: Contract) throws(Reason) {
        let outer = (caller, witness)
        caller = contracts[contract]
        witness = Witness(command, domain: domain)
        try perform(command)
        (caller, witness) = outer
    }

    mutating func emit(_ event: Event) {
        events.append(event)
    }

    /// A figure that governs the rules.
    func parameter(_ name: Parameters.Name) -> UInt64 {
        state.figure(name)
    }

    private mutating func perform(_ command: Command) throws(Reason) {
        switch command {
        case .transfer(let to, let amount): try transfer(to: to, amount)
        case .burn(let amount): try burn(amount)
        case .registerWallet(let owner, let signature): try registerWallet(owner, isSigned: signature != nil)
        case .registerPasskey(let message, _): try registerPasskey(message)
        case .registerAttested(let commitment): try registerAttested(commitment)
        case .grantKey(let message, let auth): try grantKey(message, auth)
        case .revokeKey(let message, let auth): try revokeKey(message, auth)
        case .changeRoot(let message, let auth): try changeRoot(message, auth)
        case .bumpGeneration(let message, let auth): try bumpGeneration(message, auth)
        case .grantKeyAttested(let user, let key, let kind, let validUntil, let cap):
            try grantKeyAttested(user, key: key, kind: kind, validUntil: validUntil, cap: cap)
        case .veto(let message, _): try veto(message)
        case .deposit(let user, let amount): try deposit(user, amount, from: caller)
        case .depositWithPermit(let user, let owner, let amount, let deadline, let signature):
            try depositWithPermit(user, owner: owner, amount, deadline: deadline, signature)
        // Only the faucet credits bonus, and only when it grants.
        case .creditBonus: throw .notAllowed
        case .expireBonus(let user): try expireBonus(user)
        case .requestWithdraw(let message, let auth): try requestWithdraw(message, auth)
        case .cancelWithdraw(let message, let auth): try cancelWithdraw(message, auth)
        case .completeWithdraw(let user): try completeWithdraw(user)
        case .settle(let entries): try settle(entries)
        case .registerNode(let application): try registerNode(application)
        case .setMeta(let node, let meta): try setMeta(node, meta)
        case .setModel(let node, let model): try setModel(node, model)
        case .setSigner(let node, let signer): try setSigner(node, signer)
        case .proposePayout(let node, let payout): try proposePayout(node, payout)
        case .acceptPayout(let node): try acceptPayout(node)
        case .setCommission(let node, let commission): try setCommission(node, commission)
        case .transferNode(let node, let owner): try transferNode(node, to: owner)
        case .acceptNode(let node): try acceptNode(node)
        case .exit(let node): try exit(node)
        case .completeExit(let node): try completeExit(node)
        case .setCompute(let node, let units): try setCompute(node, units)
        case .ban(let node, let reason): try ban(node, reason)
        case .report(let epoch, let evidence, let rows): try report(epoch, evidence, rows)
        case .seal(let epoch): try seal(epoch)
        case .reject(let epoch): try reject(epoch)
        case .suspend(let node, let reason): try suspend(node, reason)
        case .resume(let node): try resume(node)
        case .stake(let node, let amount): try stake(node, amount)
        case .requestExit(let node, let shares): try requestExit(node, shares)
        case .withdrawStake(let node): try withdrawStake(node)
        case .harvest(let node): try harvest(node)
        case .claim(let node): try claim(node)
        case .sweep: try sweep()
        case .claimReward(let epoch, let node): try claimReward(NodeEpoch(epoch: epoch, node: node))
        case .payInsurance(let to, let amount): try payInsurance(to: to, amount)
        case .proveReceipts(let first, let second): try proveReceipts(first.message, second.message)
        case .proveOvercharge(let quote, let receipt): try proveOvercharge(quote.message, receipt.message)
        case .proveProbes(let first, let second): try proveProbes(first.message, second.message)
        case .releaseSlash(let id): try releaseSlash(id)
        case .giveBackSlash(let id): try giveBackSlash(id)
        case .proposeQuality(let node, let bps, let evidence): try proposeQuality(node, bps, evidence)
        case .vetoQuality(let id): try vetoQuality(id)
        case .executeQuality(let id): try executeQuality(id)
        case .grant(let user): try grant(user)
        case .payFromTreasury(let to, let amount): try payFromTreasury(to: to, amount)
        case .setParameter(let name, let value): try setParameter(name, value)
        case .proposeOwner(let contract, let owner): try proposeOwner(contract, owner)
        case .acceptOwner(let contract): try acceptOwner(contract)
        case .setRole(let contract, let role, let holder): try setRole(contract, role, holder)
        case .pause(let contract): try pause(contract)
        case .unpause(let contract): try unpause(contract)
        case .queue(let target, let call): _ = try queue(target, call, by: caller)
        case .executeQueued(let id, let target, let call): try execute(id, target, call)
        case .cancelQueued(let id): try cancel(id)
        case .allowFunction(let target, let function, let isAllowed):
            try allow(FunctionName(target: target, function: function), isAllowed)
        case .propose(let target, let call, let description, let nodes):
            try propose(target, call, description, nodes)
        case .vote(let id, let support, let nodes): try vote(id, support, nodes)
        case .enact(let id, let target, let call): try enact(id, target, call)
        case .publish(let name, let address): try publish(name, address)
        }
    }
}
