import Ledger
import Logging

/// Gives a person an account: a user on the ledger, credits from the faucet, a session key and an API key.
struct Enrolment: Sendable {
    let commands: LedgerCommands
    let store: NexusStore
    let keys: KeyRing
    let vault: Vault
    let roles: NexusRoles
    let now: @Sendable () -> UInt64

    /// How long a session key is granted for; renewed when less than a third of it is left.
    static let keyLife: UInt64 = 30 * 24 * 3600

    /// Enrols somebody whom this Nexus vouches for.
    ///
    /// The ledger learns a salted hash of the name; the name and the salt stay here, sealed (ledger specification, §2).
    ///
    /// - Parameter cap: the most that the gateway's key may ever spend for this user.
    /// - Returns: the API key, which is shown this once.
    func enrol(
        issuer: String,
        subject: String,
        label: String,
        cap: Nano,
        using generator: inout some RandomNumberGenerator
    ) async throws -> (user: UserID, apiKey: String) {
        let salt = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let commitment = Keccak256.hash(ABI.encode([.string(issuer), .string(subject), .bytes(salt)]))
        let key = APIKey(using: &generator)
        guard let user = try await commands.perform(
            .registerAttested(commitment: commitment),
            caller: roles.registrar
        ).registeredUser,
            let hash = APIKey.hash(key.text)
        else { throw NexusError.internalFault("the ledger gave no user number") }
        try await store.addCommitment(user: user, sealed: try vault.seal(Array("\(issuer)\n\(subject)\n".utf8) + salt))
        _ = try await commands.perform(.grant(user: user), caller: roles.faucetSigner)
        let keyID = try await keys.create(for: user)
        try await grant(keyID, to: user, cap: cap)
        try await store.addAPIKey(hash: hash, user: user, label: label)
        return (user, key.text)
    }

    /// Extends a key that ends soon.
    func renew(_ key: KeyID, of user: UserID, cap: Nano) async throws {
        guard let record = try await commands.ledger.key(key), record.validUntil < now() + Self.keyLife / 3 else { return }
        try await grant(key, to: user, cap: cap)
    }

    private func grant(_ key: KeyID, to user: UserID, cap: Nano) async throws {
        let command = Command.grantKeyAttested(
            user: user,
            key: key,
            kind: .p256,
            validUntil: now() + Self.keyLife,
            cap: cap
        )
        _ = try await commands.perform(command, caller: roles.registrar)
    }
}
