import Ledger

extension Scenario {
    /// Balance.
    static let balance: [Scenario] = [
        Scenario([14], "anyone deposits whole nano for a user that exists") { stage in
            let person = try await stage.person()
            try await stage.run(.transfer(to: stage.stranger.address, amount: TokenAmount(Nano(10))))
            let deposit = Command.deposit(user: person.id, amount: TokenAmount(Nano(7)))
            let events = try await stage.run(deposit, by: stage.stranger).events
            try expect(events.last == .deposited(user: person.id, from: stage.stranger.address, amount: Nano(7)))
            try expect(try await stage.funds(person).available == Nano(7))
            try await stage.refuse(.deposit(user: person.id, amount: .zero), .badAmount)
            try await stage.refuse(.deposit(user: person.id, amount: TokenAmount(units: 1_500_000_000)), .badAmount)
            try await stage.refuse(.deposit(user: UserID(99), amount: TokenAmount(Nano(1))), .unknownUser)
            try await stage.refuse(deposit, by: stage.stranger, .insufficient)
        },

        Scenario([15], "a permit deposits once and before its deadline") { stage in
            let person = try await stage.person()
            let other = try await stage.person()
            let owner = person.wallet
            let amount = TokenAmount(Nano(5))
            try await stage.run(.transfer(to: owner.address, amount: TokenAmount(Nano(20))))
            let tokenDomain = TypedDomain(
                chainID: stage.ledger.domain.chainID,
                verifyingContract: stage.ledger.contracts[.laiToken]
            )
            @Sendable func command(deadline: UInt64, for user: UserID, nonce: UInt64 = 0) throws -> Command {
                let permit = Permit(
                    owner: owner.address,
                    spender: stage.ledger.contracts[.userRegistry],
                    value: amount,
                    nonce: nonce,
                    deadline: deadline
                )
                return .depositWithPermit(
                    user: user,
                    owner: owner.address,
                    amount: amount,
                    deadline: deadline,
                    signature: try owner.sign(permit, in: tokenDomain)
                )
            }
            let deadline = try await stage.now() + .hour
            let permitted = try command(deadline: deadline, for: person.id)
            let late = try command(deadline: deadline - .hour, for: person.id)
            try await stage.refuse(late, by: stage.stranger, .expired)
            // Whoever sees a permit cannot turn it to a user of their own.
            let stolen = try command(deadline: deadline, for: other.id)
            try await stage.refuse(stolen, by: other.wallet, .notAllowed)
            try await stage.setTime(deadline - 1)
            try await stage.run(permitted, by: stage.stranger)
            try expect(try await stage.funds(person).available == Nano(5))
            try await stage.setTime(deadline)
            try await stage.refuse(permitted, by: stage.stranger, .badSignature)
            try expect(try await stage.ledger.permitNonce(owner.address) == 1)
            let given = try command(deadline: deadline + .hour, for: other.id, nonce: 1)
            try await stage.run(given, by: owner)
            try expect(try await stage.funds(other).available == Nano(5))
        },

        Scenario([16, 20], "a withdrawal waits, is paid once, and to its recipient whoever completes it") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let recipient = Secp256k1Key().address
            let start = try await stage.run(try await stage.withdraw(Nano(60), by: person, to: recipient)).time
            try await stage.setTime(start + 24 * .hour - 1)
            try await stage.refuse(.completeWithdraw(user: person.id), by: stage.stranger, .tooEarly)
            try await stage.setTime(start + 24 * .hour)
            try await stage.run(.completeWithdraw(user: person.id), by: stage.stranger)
            try expect(try await stage.ledger.account(recipient), is: TokenAmount(Nano(60)))
            try expect(try await stage.funds(person).available == Nano(40))
            try await stage.refuse(.completeWithdraw(user: person.id), .nothingPending)
        },

        Scenario([17], "no more than available is withdrawn, and no bonus") { stage in
            let person = try await stage.person(deposit: Nano(100))
            try await stage.run(.grant(user: person.id), by: stage.cast.faucetSigner)
            try await stage.refuse(try await stage.withdraw(Nano(101), by: person), .insufficient)
            try await stage.run(try await stage.withdraw(Nano(100), by: person))
            try await stage.advance(24 * .hour)
            try await stage.run(.completeWithdraw(user: person.id))
            try expect(try await stage.funds(person).bonus == Nano(lai: 5))
        },

        Scenario([18], "raising restarts the clock, lowering keeps it, cancelling returns the amount") { stage in
            let person = try await stage.person(deposit: Nano(100))
            try await stage.run(try await stage.withdraw(Nano(50), by: person))
            let end = try await stage.funds(person).thawEnd
            try await stage.advance(.hour)
            try await stage.run(try await stage.withdraw(Nano(40), by: person))
            try expect(try await stage.funds(person).thawEnd == end)
            try expect(try await stage.funds(person).available == Nano(60))
            let raised = try await stage.run(try await stage.withdraw(Nano(41), by: person))
            try expect(try await stage.funds(person).thawEnd == raised.time + 24 * .hour)
            try await stage.run(try await stage.cancel(person))
            let funds = try await stage.funds(person)
            try expect(funds.available == Nano(100) && funds.thawing == .zero && funds.thawEnd == 0)
            try await stage.refuse(try await stage.cancel(person), .nothingPending)
        },

        Scenario([18], "another recipient restarts the clock, whatever the amount") { stage in
            let person = try await stage.person(deposit: Nano(100))
            try await stage.run(try await stage.withdraw(Nano(50), by: person))
            let end = try await stage.funds(person).thawEnd
            // Whoever stole the root sends the money elsewhere just before it is paid.
            try await stage.setTime(end - 1)
            try await stage.run(try await stage.withdraw(Nano(50), by: person, to: stage.stranger.address))
            try expect(try await stage.funds(person).thawEnd == end - 1 + 24 * .hour)
            try await stage.refuse(.completeWithdraw(user: person.id), .tooEarly)
            // The owner takes it back, for less.
            let back = try await stage.run(try await stage.withdraw(Nano(49), by: person)).time + 24 * .hour
            try expect(try await stage.funds(person).thawEnd == back)
            try await stage.run(try await stage.withdraw(Nano(48), by: person))
            try expect(try await stage.funds(person).thawEnd == back)
            try expect(try await stage.funds(person).available == Nano(52))
        },

        Scenario([19], "settlement takes available, then thawing money; a withdrawal with nothing left ends") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let node = try await stage.node()
            try await stage.run(try await stage.withdraw(Nano(60), by: person))
            try await stage.settle([try stage.voucher(person.key, node, Nano(70))])
            try expect(try await stage.funds(person).thawing == Nano(30))
            try await stage.settle([try stage.voucher(person.key, node, Nano(100))])
            try await stage.advance(24 * .hour)
            let events = try await stage.run(.completeWithdraw(user: person.id)).events
            try expect(events == [.withdrawn(user: person.id, to: person.wallet.address, amount: .zero)])
            try await stage.refuse(.completeWithdraw(user: person.id), .nothingPending)
        },

        Scenario([21], "bonus is spent first, and returns to the faucet after 180 days") { stage in
            let person = try await stage.person(deposit: Nano(lai: 10))
            let node = try await stage.node()
            try await stage.run(.grant(user: person.id), by: stage.cast.faucetSigner)
            try await stage.settle([try stage.voucher(person.key, node, Nano(lai: 2))])
            try expect(try await stage.funds(person).bonus == Nano(lai: 3))
            try expect(try await stage.funds(person).available == Nano(lai: 10))
            try await stage.refuse(.expireBonus(user: person.id), .tooEarly)
            try await stage.advance(180 * .day)
            let faucet = stage.ledger.contracts[.faucet]
            let before = try await stage.ledger.account(faucet)
            try await stage.run(.expireBonus(user: person.id), by: stage.stranger)
            try expect(try await stage.ledger.account(faucet) == before.adding(TokenAmount(Nano(lai: 3))))
            try await stage.refuse(.expireBonus(user: person.id), .nothingPending)
        },

        Scenario([22], "of two requests by two roots with one nonce, one is done") { stage in
            let person = try await stage.person(deposit: Nano(100))
            let second = Secp256k1Key()
            let change = RootChange(
                user: person.id,
                root: second.keyID,
                kind: .secp256k1,
                rpIDHash: .zero,
                add: true,
                nonce: try await stage.nonce(person.id)
            )
            try await stage.run(.changeRoot(change, auth: nil), by: person.wallet)
            let nonce = try await stage.nonce(person.id)
            let requests = try [(Nano(10), person.wallet), (Nano(20), second)].map { amount, wallet in
                let message = Withdraw(user: person.id, amount: amount, to: wallet.address, nonce: nonce)
                return Command.requestWithdraw(message, auth: try stage.sign(message, wallet))
            }
            async let first = stage.submit(requests[0], by: stage.stranger)
            async let other = stage.submit(requests[1], by: person.wallet)
            let outcomes = try await [first, other]
            try expect(outcomes.count { $0 == .rejected(.badNonce) } == 1)
            try expect(outcomes.count { $0.inclusion != nil } == 1)
        },

        Scenario(
            [77],
            "the faucet gives once a user, within a day's budget, by its signer",
            beginning: { $0.parameters[.dailyBudget] = Nano(lai: 9).count }
        ) { stage in
            let (first, second) = (try await stage.person(), try await stage.person())
            try await stage.refuse(.grant(user: first.id), .notAllowed)
            try await stage.run(.grant(user: first.id), by: stage.cast.faucetSigner)
            try await stage.refuse(.grant(user: first.id), by: stage.cast.faucetSigner, .alreadyGranted)
            try await stage.refuse(.grant(user: second.id), by: stage.cast.faucetSigner, .budgetSpent)
            try await stage.advance(.day)
            try await stage.run(.grant(user: second.id), by: stage.cast.faucetSigner)
            try await stage.refuse(.creditBonus(user: first.id, amount: Nano(1)), .notAllowed)
        },
    ]
}
