import Ledger

// Deposits, bonus and withdrawals (ledger specification, §2 "Balance").
extension LedgerCore {
    mutating func deposit(_ user: UserID, _ amount: TokenAmount, from payer: Address) throws(Reason) {
        try checkNotPaused(.userRegistry)
        guard state.users[user] != nil else { throw .unknownUser }
        guard let nano = amount.nano, nano != .zero else { throw .badAmount }
        try move(amount, from: payer, to: contracts[.userRegistry])
        var funds = state.funds[user] ?? Funds()
        guard let sum = funds.available.adding(nano) else { throw .overflow }
        funds.available = sum
        state.funds[user] = funds
        emit(.deposited(user: user, from: payer, amount: nano))
    }

    mutating func depositWithPermit(
        _ user: UserID,
        owner: Address,
        _ amount: TokenAmount,
        deadline: UInt64,
        _ signature: LedgerSignature
    ) throws(Reason) {
        try checkNotPaused(.userRegistry)
        guard now <= deadline else { throw .expired }
        var account = state.accounts[owner] ?? AccountRecord()
        let permit = Permit(
            owner: owner,
            spender: contracts[.userRegistry],
            value: amount,
            nonce: account.permitNonce,
            deadline: deadline
        )
        let tokenDomain = TypedDomain(chainID: domain.chainID, verifyingContract: contracts[.laiToken])
        let plain = LedgerSignature(r: signature.r, vs: signature.s)
        guard owner != .zero, plain.recoverKeyID(of: permit, in: tokenDomain) == KeyID(secp256k1: owner) else {
            throw .badSignature
        }
        account.permitNonce += 1
        state.accounts[owner] = account
        guard state.users[user] != nil else { throw .unknownUser }
        // The permit names no user: whoever sees it must not turn it to a user of their own.
        guard caller == owner || state.roots[KeyID(secp256k1: owner)]?.user == user else { throw .notAllowed }
        try deposit(user, amount, from: owner)
    }

    mutating func creditBonus(_ user: UserID, _ amount: Nano) throws(Reason) {
        guard state.users[user] != nil else { throw .unknownUser }
        guard amount != .zero else { throw .badAmount }
        try move(TokenAmount(amount), from: contracts[.faucet], to: contracts[.userRegistry])
        var funds = state.funds[user] ?? Funds()
        let (end, overflow) = now.addingReportingOverflow(Self.bonusLife)
        guard let sum = funds.bonus.adding(amount), !overflow else { throw .overflow }
        funds.bonus = sum
        funds.bonusEnd = end
        state.funds[user] = funds
        emit(.bonusCredited(user: user, amount: amount, expires: end))
    }

    mutating func expireBonus(_ user: UserID) throws(Reason) {
        guard state.users[user] != nil else { throw .unknownUser }
        var funds = state.funds[user] ?? Funds()
        let bonus = funds.bonus
        guard bonus != .zero else { throw .nothingPending }
        guard now >= funds.bonusEnd else { throw .tooEarly }
        funds.bonus = .zero
        funds.bonusEnd = 0
        state.funds[user] = funds
        try move(TokenAmount(bonus), from: contracts[.userRegistry], to: contracts[.faucet])
        emit(.bonusExpired(user: user, amount: bonus))
    }

    mutating func requestWithdraw(_ message: Withdraw, _ auth: Auth?) throws(Reason) {
        try authorize(message.user, nonce: message.nonce, auth)
        guard message.amount != .zero else { throw .badAmount }
        guard message.to != .zero else { throw .badAddress }
        var funds = state.funds[message.user] ?? Funds()
        guard let all = funds.available.adding(funds.thawing) else { throw .overflow }
        guard let left = all.subtracting(message.amount) else { throw .insufficient }
        // Another recipient waits as long as a new request: the user has the whole delay to see where the money goes.
        if funds.thawEnd == 0 || message.amount > funds.thawing || message.to != funds.withdrawTo {
            funds.thawEnd = try later(by: .withdrawDelay)
        }
        funds.available = left
        funds.thawing = message.amount
        funds.withdrawTo = message.to
        state.funds[message.user] = funds
        emit(
            .withdrawRequested(
                user: message.user,
                to: message.to,
                amount: message.amount,
                thawEnd: funds.thawEnd
            )
        )
    }

    mutating func cancelWithdraw(_ message: CancelWithdraw, _ auth: Auth?) throws(Reason) {
        try authorize(message.user, nonce: message.nonce, auth)
        var funds = state.funds[message.user] ?? Funds()
        guard funds.thawEnd != 0 else { throw .nothingPending }
        let amount = funds.thawing
        guard let sum = funds.available.adding(amount) else { throw .overflow }
        funds.available = sum
        endWithdrawal(&funds)
        state.funds[message.user] = funds
        emit(.withdrawCancelled(user: message.user, amount: amount))
    }

    mutating func completeWithdraw(_ user: UserID) throws(Reason) {
        try checkNotPaused(.userRegistry, lead: Pause.settlementLead)
        guard state.users[user] != nil else { throw .unknownUser }
        var funds = state.funds[user] ?? Funds()
        guard funds.thawEnd != 0 else { throw .nothingPending }
        guard now >= funds.thawEnd else { throw .tooEarly }
        let (amount, target) = (funds.thawing, funds.withdrawTo)
        endWithdrawal(&funds)
        state.funds[user] = funds
        if amount != .zero {
            try move(TokenAmount(amount), from: contracts[.userRegistry], to: target)
        }
        emit(.withdrawn(user: user, to: target, amount: amount))
    }

    private func endWithdrawal(_ funds: inout Funds) {
        funds.thawing = .zero
        funds.thawEnd = 0
        funds.withdrawTo = .zero
    }
}
