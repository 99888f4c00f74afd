import Ledger
import Testing

/// Balance (ledger specification, §11, scenarios 14 to 22, and 77).
@Suite struct `Balance` {
    @Test func `14 anyone deposits whole nano for a user that exists`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person()
            try await stage.run(.transfer(to: Stage.stranger, amount: TokenAmount(Nano(10))))
            let deposit = Command.deposit(user: person.id, amount: TokenAmount(Nano(7)))
            let events = try await stage.run(deposit, by: Stage.stranger).events
            #expect(events.last == .deposited(user: person.id, from: Stage.stranger, amount: Nano(7)))
            #expect(try await stage.funds(person).available == Nano(7))
            try await stage.refuse(.deposit(user: person.id, amount: .zero), .badAmount)
            try await stage.refuse(.deposit(user: person.id, amount: TokenAmount(units: 1_500_000_000)), .badAmount)
            try await stage.refuse(.deposit(user: UserID(99), amount: TokenAmount(Nano(1))), .unknownUser)
            try await stage.refuse(deposit, by: Stage.stranger, .insufficient)
        }
    }

    @Test func `15 a permit deposits once and before its deadline`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person()
            let owner = Secp256k1Key()
            let amount = TokenAmount(Nano(5))
            try await stage.run(.transfer(to: owner.address, amount: TokenAmount(Nano(20))))
            let tokenDomain = TypedDomain(
                chainID: stage.ledger.domain.chainID,
                verifyingContract: stage.ledger.contracts[.laiToken]
            )
            func command(deadline: UInt64) throws -> Command {
                let permit = Permit(
                    owner: owner.address,
                    spender: stage.ledger.contracts[.userRegistry],
                    value: amount,
                    nonce: 0,
                    deadline: deadline
                )
                return .depositWithPermit(
                    user: person.id,
                    owner: owner.address,
                    amount: amount,
                    deadline: deadline,
                    signature: try owner.sign(permit, in: tokenDomain)
                )
            }
            try await stage.refuse(try command(deadline: stage.time.now - 1), by: Stage.stranger, .expired)
            let permitted = try command(deadline: stage.time.now)
            try await stage.run(permitted, by: Stage.stranger)
            #expect(try await stage.funds(person).available == Nano(5))
            try await stage.refuse(permitted, by: Stage.stranger, .badSignature)
            #expect(try await stage.ledger.permitNonce(owner.address) == 1)
        }
    }

    @Test func `16 and 20 a withdrawal waits, is paid once, and to its recipient whoever completes it`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person(deposit: Nano(100))
            let recipient = Secp256k1Key().address
            try await stage.run(try await stage.withdraw(Nano(60), by: person, to: recipient))
            stage.time.advance(24 * .hour - 1)
            try await stage.refuse(.completeWithdraw(user: person.id), by: Stage.stranger, .tooEarly)
            stage.time.advance(1)
            try await stage.run(.completeWithdraw(user: person.id), by: Stage.stranger)
            #expect(try await stage.ledger.account(recipient) == TokenAmount(Nano(60)))
            #expect(try await stage.funds(person).available == Nano(40))
            try await stage.refuse(.completeWithdraw(user: person.id), .nothingPending)
        }
    }

    @Test func `17 no more than available is withdrawn, and no bonus`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person(deposit: Nano(100))
            try await stage.run(.grant(user: person.id), by: stage.faucetSigner)
            try await stage.refuse(try await stage.withdraw(Nano(101), by: person), .insufficient)
            try await stage.run(try await stage.withdraw(Nano(100), by: person))
            stage.time.advance(24 * .hour)
            try await stage.run(.completeWithdraw(user: person.id))
            #expect(try await stage.funds(person).bonus == Nano(lai: 5))
        }
    }

    @Test func `18 raising restarts the clock, lowering keeps it, cancelling returns the amount`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person(deposit: Nano(100))
            try await stage.run(try await stage.withdraw(Nano(50), by: person))
            let end = try await stage.funds(person).thawEnd
            stage.time.advance(.hour)
            try await stage.run(try await stage.withdraw(Nano(40), by: person))
            #expect(try await stage.funds(person).thawEnd == end)
            #expect(try await stage.funds(person).available == Nano(60))
            try await stage.run(try await stage.withdraw(Nano(41), by: person))
            #expect(try await stage.funds(person).thawEnd == end + .hour)
            try await stage.run(try await stage.cancel(person))
            let funds = try await stage.funds(person)
            #expect(funds.available == Nano(100) && funds.thawing == .zero && funds.thawEnd == 0)
            try await stage.refuse(try await stage.cancel(person), .nothingPending)
        }
    }

    @Test func `18 another recipient restarts the clock, whatever the amount`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person(deposit: Nano(100))
            try await stage.run(try await stage.withdraw(Nano(50), by: person))
            let end = try await stage.funds(person).thawEnd
            // Whoever stole the root sends the money elsewhere just before it is paid.
            stage.time.advance(24 * .hour - 1)
            try await stage.run(try await stage.withdraw(Nano(50), by: person, to: Stage.stranger))
            #expect(try await stage.funds(person).thawEnd == end + 24 * .hour - 1)
            stage.time.advance(1)
            try await stage.refuse(.completeWithdraw(user: person.id), .tooEarly)
            // The owner takes it back, for less.
            try await stage.run(try await stage.withdraw(Nano(49), by: person))
            #expect(try await stage.funds(person).thawEnd == end + 24 * .hour)
            try await stage.run(try await stage.withdraw(Nano(48), by: person))
            #expect(try await stage.funds(person).thawEnd == end + 24 * .hour)
            #expect(try await stage.funds(person).available == Nano(52))
        }
    }

    @Test func `19 settlement takes available, then thawing money; a withdrawal with nothing left ends`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person(deposit: Nano(100))
            let node = try await stage.node()
            try await stage.run(try await stage.withdraw(Nano(60), by: person))
            try await stage.settle([try stage.voucher(person.key, node, Nano(70))])
            #expect(try await stage.funds(person).thawing == Nano(30))
            try await stage.settle([try stage.voucher(person.key, node, Nano(100))])
            stage.time.advance(24 * .hour)
            let events = try await stage.run(.completeWithdraw(user: person.id)).events
            #expect(events == [.withdrawn(user: person.id, to: person.wallet.address, amount: .zero)])
            try await stage.refuse(.completeWithdraw(user: person.id), .nothingPending)
        }
    }

    @Test func `21 bonus is spent first, and returns to the faucet after 180 days`() async throws {
        try await Stage.play { stage in
            let person = try await stage.person(deposit: Nano(lai: 10))
            let node = try await stage.node()
            try await stage.run(.grant(user: person.id), by: stage.faucetSigner)
            try await stage.settle([try stage.voucher(person.key, node, Nano(lai: 2))])
            #expect(try await stage.funds(person).bonus == Nano(lai: 3))
            #expect(try await stage.funds(person).available == Nano(lai: 10))
            try await stage.refuse(.expireBonus(user: person.id), .tooEarly)
            stage.time.advance(180 * .day)
            let faucet = stage.ledger.contracts[.faucet]
            let before = try await stage.ledger.account(faucet)
            try await stage.run(.expireBonus(user: person.id), by: Stage.stranger)
            #expect(try await stage.ledger.account(faucet) == before.adding(TokenAmount(Nano(lai: 3))))
            try await stage.refuse(.expireBonus(user: person.id), .nothingPending)
        }
    }

    @Test func `22 of two requests by two roots with one nonce, one is done`() async throws {
        try await Stage.play { stage in
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
            try await stage.run(.changeRoot(change, auth: nil), by: person.wallet.address)
            let nonce = try await stage.nonce(person.id)
            let requests = try [(Nano(10), person.wallet), (Nano(20), second)].map { amount, wallet in
                let message = Withdraw(user: person.id, amount: amount, to: wallet.address, nonce: nonce)
                return Command.requestWithdraw(message, auth: try stage.sign(message, wallet))
            }
            async let first = stage.ledger.submit(
                requests[0],
                caller: Stage.stranger,
                id: SubmissionID(Keccak256.hash([1]))
            )
            async let other = stage.ledger.submit(
                requests[1],
                caller: Stage.stranger,
                id: SubmissionID(Keccak256.hash([2]))
            )
            let outcomes = try await [first.outcome, other.outcome]
            #expect(outcomes.count { $0 == .rejected(.badNonce) } == 1)
            #expect(outcomes.count { $0.inclusion != nil } == 1)
        }
    }

    @Test func `77 the faucet gives once a user, within a day's budget, by its signer`() async throws {
        var parameters = Parameters()
        parameters[.dailyBudget] = Nano(lai: 9).count
        try await Stage.play(parameters) { stage in
            let (first, second) = (try await stage.person(), try await stage.person())
            try await stage.refuse(.grant(user: first.id), .notAllowed)
            try await stage.run(.grant(user: first.id), by: stage.faucetSigner)
            try await stage.refuse(.grant(user: first.id), by: stage.faucetSigner, .alreadyGranted)
            try await stage.refuse(.grant(user: second.id), by: stage.faucetSigner, .budgetSpent)
            stage.time.advance(.day)
            try await stage.run(.grant(user: second.id), by: stage.faucetSigner)
            try await stage.refuse(.creditBonus(user: first.id, amount: Nano(1)), .notAllowed)
        }
    }
}
