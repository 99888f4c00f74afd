import Ledger

// LAIToken, the faucet and the treasury (ledger specification, §5.1 and §5.8).
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

    /// Moves what a contract owes; nothing where that is nothing.
    mutating func pay(_ amount: Nano, from contract: Contract, to target: Address) throws(Reason) {
        guard amount != .zero else { return }
        guard target != .zero else { throw .badAddress }
        try move(TokenAmount(amount), from: contracts[contract], to: target)
    }

    /// Destroys what a contract holds; nothing where that is nothing.
    mutating func burn(_ amount: Nano, from contract: Contract) throws(Reason) {
        guard amount != .zero else { return }
        try move(TokenAmount(amount), from: contracts[contract], to: .zero)
    }

    /// Makes tokens, as far as the day's part of the schedule and the cap allow.
    ///
    /// What was burned makes no room.
    mutating func mint(_ amount: Nano, to contract: Contract) throws(Reason) {
        guard amount != .zero else { return }
        let day = (now - min(now, state.counters[.begun] ?? 0)) / StatusRecord.epochLength
        let spent = state.counters[.mintDay] == day ? Nano(state.counters[.mintedToday] ?? 0) : .zero
        guard let today = spent.adding(amount), let minted = Nano(state.counters[.minted] ?? 0).adding(amount),
            TokenAmount(today) <= .mintable(day: day),
            let all = genesis.supply.adding(TokenAmount(minted)), all <= .cap
        else { throw .beyondSchedule }
        state.counters[.mintDay] = day
        state.counters[.mintedToday] = today.count
        state.counters[.minted] = minted.count
        let target = contracts[contract]
        var account = state.accounts[target] ?? AccountRecord()
        guard let sum = account.balance.adding(TokenAmount(amount)) else { throw .overflow }
        account.balance = sum
        state.accounts[target] = account
        emit(.transfer(from: .zero, to: target, value: TokenAmount(amount)))
    }

    mutating func grant(_ user: UserID) throws(Reason) {
        try require(.signer, on: .faucet)
        guard state.users[user] != nil else { throw .unknownUser }
        guard state.grants[user] == nil else { throw .alreadyGranted }
        let amount = Nano(parameter(.grantAmount))
        let day = now / 86_400
        let spent = state.counters[.faucetDay] == day ? Nano(state.counters[.faucetSpent] ?? 0) : .zero
        guard let total = spent.adding(amount), total <= Nano(parameter(.dailyBudget)) else { throw .budgetSpent }
        state.counters[.faucetDay] = day
        state.counters[.faucetSpent] = total.count
        state.grants[user] = now
        try creditBonus(user, amount)
        emit(.granted(user: user, amount: amount))
    }

    mutating func payFromTreasury(to target: Address, _ amount: Nano) throws(Reason) {
        try requireOwner(of: .treasury)
        try pay(amount, from: .treasury, to: target)
        emit(.paid(to: target, amount: amount))
    }
}
