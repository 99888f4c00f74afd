import Ledger

// LAIToken, the faucet and the parameters (ledger specification, §5.1, §5.8, §8).
extension LedgerCore {
    /// Moves tokens between accounts; every movement of tokens goes through here.
    mutating func move(_ amount: TokenAmount, from source: Address, to target: Address) throws(Reason) {
        var sender = state.accounts[source] ?? AccountRecord()
        guard let left = sender.balance.subtracting(amount) else { throw .insufficient }
        sender.balance = left
        state.accounts[source] = sender
        var receiver = state.accounts[target] ?? AccountRecord()
        guard let sum = receiver.balance.adding(amount) else { throw .overflow }
        receiver.balance = sum
        state.accounts[target] = receiver
        emit(.transfer(from: source, to: target, value: amount))
    }

    mutating func transfer(to target: Address, _ amount: TokenAmount) throws(Reason) {
        guard target != .zero else { throw .badAddress }
        try move(amount, from: caller, to: target)
    }

    /// What is burned lies at the zero address, so that all accounts still add up to what the genesis made.
    mutating func burn(_ amount: TokenAmount) throws(Reason) {
        try move(amount, from: caller, to: .zero)
    }

    mutating func grant(_ user: UserID) throws(Reason) {
        guard caller == genesis.roles.faucetSigner else { throw .notAllowed }
        guard state.users[user] != nil else { throw .unknownUser }
        guard state.grants[user] == nil else { throw .alreadyGranted }
        let amount = Nano(parameter(.grantAmount))
        let day = now / 86_400
        let spent = state.counters[.faucetDay] == day ? Nano(state.counters[.faucetSpent] ?? 0) : .zero
        guard let total = spent.adding(amount), total <= Nano(parameter(.dailyBudget)) else { throw .budgetSpent }
        state.counters[.faucetDay] = day
        state.counters[.faucetSpent] = total.count
        state.grants[user] = now
        emit(.granted(user: user, amount: amount))
        try creditBonus(user, amount)
    }

    mutating func setParameter(_ name: Parameters.Name, _ value: UInt64) throws(Reason) {
        guard caller == genesis.roles.owner else { throw .notAllowed }
        _ = try state.parameters.setting(name, to: value)
        state.params[name] = value
        emit(.parameterSet(name: name.word, value: value))
    }
}
