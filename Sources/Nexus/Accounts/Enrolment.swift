import Ledger
import NIOConcurrencyHelpers

/// Gives a person an account: a user on the ledger, credits from the faucet, a session key and an API key.
struct Enrolment: Sendable {
    let commands: LedgerCommands
    let store: NexusStore
    let keys: KeyRing
    let vault: Vault
    let roles: NexusRoles
    let now: @Sendable () -> UInt64
    /// When each user's key was last asked to be renewed.
    private let attempts = NIOLockedValueBox<[UserID: UInt64]>([:])

    init(
        commands: LedgerCommands,
        store: NexusStore,
        keys: KeyRing,
        vault: Vault,
        roles: NexusRoles,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.commands = commands
        self.store = store
        self.keys = keys
        self.vault = vault
        self.roles = roles
        self.now = now
    }

    /// What a key must still last for a request: the longest answer and the settlement after it.
    static let keyMargin: UInt64 = 2 * 3600
    /// Between two tries to renew a key.
    ///
    /// For a user with deposits the ledger only proposes, and refuses to hear of it again for three days (ledger
    /// specification, §2).
    static let renewalPause: UInt64 = 3600
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
        guard
            let user = try await commands.perform(
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
    ///
    /// A key that cannot be extended yet is used until it ends.
    ///
    /// - Throws: when the key's vouchers would not settle any more.
    func renew(_ key: KeyID, of user: UserID, cap: Nano) async throws {
        guard let record = try await commands.ledger.key(key) else {
            throw NexusError.internalFault("the ledger does not know the session key of user \(user)")
        }
        guard record.validUntil < now() + Self.keyLife / 3 else { return }
        var validUntil = record.validUntil
        if mayTry(user) {
            do { try await grant(key, to: user, cap: cap) } catch CommandFault.refused {}
            validUntil = try await commands.ledger.key(key)?.validUntil ?? 0
        }
        guard validUntil > now() + Self.keyMargin else {
            throw NexusError.internalFault("the session key of user \(user) has ended and is not renewed yet")
        }
    }

    private func mayTry(_ user: UserID) -> Bool {
        let now = now()
        return attempts.withLockedValue { attempts in
            if let last = attempts[user], now < last + Self.renewalPause { return false }
            attempts[user] = now
            return true
        }
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
