public import Ledger

/// A user with the wallet that is its root and one session key.
public struct Person: Sendable {
    /// The user.
    public let id: UserID
    /// The root.
    public let wallet: Secp256k1Key
    /// The session key.
    public let key: Secp256k1Key
}

extension Stage {
    /// A wallet of its own, which may call.
    public func wallet(holding amount: Nano = .zero) async throws -> Secp256k1Key {
        let key = Secp256k1Key()
        try await backstage.admit(key)
        if amount != .zero { try await run(.transfer(to: key.address, amount: TokenAmount(amount))) }
        return key
    }

    /// A user with a wallet, a key and a balance.
    public func person(deposit: Nano = .zero, cap: Nano = Nano(.max)) async throws -> Person {
        let wallet = try await wallet()
        let registered = try await run(.registerWallet(owner: wallet.address, signature: nil), by: wallet)
        let person = Person(id: try require(registered.registeredUser), wallet: wallet, key: Secp256k1Key())
        if deposit != .zero { try await run(.deposit(user: person.id, amount: TokenAmount(deposit))) }
        try await grant(person.key.keyID, to: person, cap: cap)
        return person
    }

    /// The nonce of a user's next message.
    public func nonce(_ user: UserID) async throws -> UInt64 {
        try require(try await ledger.user(user)).nonce
    }

    /// Grants a key by its user's wallet.
    @discardableResult
    public func grant(
        _ key: KeyID,
        _ kind: KeyKind = .secp256k1,
        to person: Person,
        validFor: UInt64 = 20 * .day,
        cap: Nano = Nano(.max)
    ) async throws -> Inclusion {
        let message = KeyGrant(
            user: person.id,
            key: key,
            kind: kind,
            validUntil: try await now() + validFor,
            cap: cap,
            nonce: try await nonce(person.id)
        )
        return try await run(.grantKey(message, auth: nil), by: person.wallet)
    }

    /// A signed request to withdraw.
    public func withdraw(_ amount: Nano, by person: Person, to: Address? = nil) async throws -> Command {
        let message = Withdraw(
            user: person.id,
            amount: amount,
            to: to ?? person.wallet.address,
            nonce: try await nonce(person.id)
        )
        return .requestWithdraw(message, auth: try sign(message, person.wallet))
    }

    /// A signed request to take a withdrawal back.
    public func cancel(_ person: Person) async throws -> Command {
        let message = CancelWithdraw(user: person.id, nonce: try await nonce(person.id))
        return .cancelWithdraw(message, auth: try sign(message, person.wallet))
    }

    /// A wallet's signature.
    public func sign(_ message: some TypedMessage, _ wallet: Secp256k1Key) throws -> Auth {
        let signature = try wallet.sign(message, in: ledger.domain)
        return Auth(r: signature.r, vs: signature.s)
    }

    /// A person's money.
    public func funds(_ person: Person) async throws -> Funds { try await ledger.funds(person.id) }
}
