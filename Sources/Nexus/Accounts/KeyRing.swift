import Ledger

/// The session keys that Nexus holds for users whose programs cannot sign (ledger specification, §2 "Programs that
/// cannot sign"). The cap that the user granted is enforced by the ledger.
actor KeyRing {
    private let store: NexusStore
    private let vault: Vault
    private var keys: [UserID: P256SessionKey] = [:]

    init(store: NexusStore, vault: Vault) {
        self.store = store
        self.vault = vault
    }

    /// Draws a key for a user and stores it sealed; the caller has it granted on the ledger.
    func create(for user: UserID) async throws -> KeyID {
        let key = P256SessionKey()
        try await store.addSessionKey(key.keyID, user: user, sealed: try vault.seal(key.rawRepresentation))
        keys[user] = key
        return key.keyID
    }

    /// The id of a user's key, or `nil` if Nexus holds none.
    func keyID(of user: UserID) async throws -> KeyID? {
        try await key(of: user)?.keyID
    }

    /// Signs a voucher with the user's key.
    func sign(_ voucher: Voucher, for user: UserID, domain: TypedDomain) async throws -> LedgerSignature {
        guard let key = try await key(of: user) else {
            throw NexusError.internalFault("no session key is stored for user \(user)")
        }
        return try key.sign(voucher, in: domain)
    }

    private func key(of user: UserID) async throws -> P256SessionKey? {
        if let key = keys[user] { return key }
        guard let sealed = try await store.sealedSessionKey(of: user) else { return nil }
        let key = try P256SessionKey(rawRepresentation: try vault.open(sealed))
        keys[user] = key
        return key
    }
}
