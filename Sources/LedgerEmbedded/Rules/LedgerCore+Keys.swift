import Ledger

// Session keys (ledger specification, §2 "Granting a key").
extension LedgerCore {
    mutating func grantKey(_ message: KeyGrant, _ auth: Auth?) throws(Reason) {
        try checkNotPaused(.userRegistry)
        try authorize(message.user, nonce: message.nonce, auth)
        try storeKey(
            message.key,
            of: message.user,
            kind: message.kind,
            validUntil: message.validUntil,
            cap: message.cap
        )
    }

    mutating func revokeKey(_ message: KeyRevoke, _ auth: Auth?) throws(Reason) {
        try authorize(message.user, nonce: message.nonce, auth)
        guard var key = state.keys[message.key], key.user == message.user else { throw .unknownKey }
        key.validUntil = min(key.validUntil, try later(by: .revokeDelay))
        state.keys[message.key] = key
        emit(.keyRevoked(user: message.user, key: message.key, validUntil: key.validUntil))
    }

    /// A second bump within the delay of the first would end keys before their delay, under the hands of nodes that hold
    /// their vouchers; it waits.
    mutating func bumpGeneration(_ message: BumpGeneration, _ auth: Auth?) throws(Reason) {
        try authorize(message.user, nonce: message.nonce, auth)
        var funds = state.funds[message.user] ?? Funds()
        guard funds.generationEnd == 0 || now > funds.generationEnd else { throw .bumpPending }
        let (generation, overflow) = funds.generation.addingReportingOverflow(1)
        guard !overflow else { throw .overflow }
        funds.generation = generation
        funds.generationEnd = try later(by: .revokeDelay)
        state.funds[message.user] = funds
        emit(
            .generationBumped(user: message.user, generation: generation, endsAt: funds.generationEnd)
        )
    }

    mutating func grantKeyAttested(
        _ user: UserID,
        key: KeyID,
        kind: KeyKind,
        validUntil: UInt64,
        cap: Nano
    ) throws(Reason) {
        try checkNotPaused(.userRegistry)
        try require(.registrar, on: .userRegistry)
        guard let record = state.users[user] else { throw .unknownUser }
        guard record.kind == .attested else { throw .wrongKind }
        guard record.roots == 0 else { throw .hasRoots }
        let funds = state.funds[user] ?? Funds()
        if funds.available == .zero, funds.thawing == .zero {
            state.proposals[user] = nil
            return try storeKey(key, of: user, kind: kind, validUntil: validUntil, cap: cap)
        }
        if let proposal = state.proposals[user], proposal.key == key, proposal.kind == kind, proposal.cap == cap {
            guard now >= proposal.readyAt else { throw .tooEarly }
            state.proposals[user] = nil
            return try storeKey(key, of: user, kind: kind, validUntil: proposal.validUntil, cap: cap)
        }
        try checkKey(key, of: user, kind: kind, validUntil: validUntil)
        let readyAt = try later(by: .recoveryDelay)
        state.proposals[user] = Proposal(key: key, kind: kind, validUntil: validUntil, cap: cap, readyAt: readyAt)
        emit(
            .keyProposed(user: user, key: key, kind: kind, validUntil: validUntil, cap: cap, readyAt: readyAt)
        )
    }

    mutating func veto(_ message: KeyRevoke) throws(Reason) {
        try authorizeByKey(message.user, nonce: message.nonce)
        guard state.proposals[message.user]?.key == message.key else { throw .nothingPending }
        state.proposals[message.user] = nil
        emit(.keyVetoed(user: message.user, key: message.key))
    }

    private func checkKey(_ key: KeyID, of user: UserID, kind: KeyKind, validUntil: UInt64) throws(Reason) {
        guard key != .zero else { throw .badAddress }
        guard validUntil > now, validUntil <= (try later(by: .keyValidity)) else { throw .badValidity }
        guard let old = state.keys[key] else { return }
        guard old.user == user else { throw .keyTaken }
        guard old.kind == kind else { throw .wrongKind }
    }

    /// Moves cap and validity as asked, but the cap not below what is spent, and the end of a key that is live not before the
    /// delay of a revocation: nodes must be able to settle what they hold.
    private mutating func storeKey(
        _ key: KeyID,
        of user: UserID,
        kind: KeyKind,
        validUntil: UInt64,
        cap: Nano
    ) throws(Reason) {
        try checkKey(key, of: user, kind: kind, validUntil: validUntil)
        let old = state.keys[key]
        let spent = old?.spent ?? .zero
        let soonest = min(old?.validUntil ?? 0, try later(by: .revokeDelay))
        let record = KeyRecord(
            user: user,
            validUntil: max(validUntil, soonest),
            kind: kind,
            generation: state.funds[user]?.generation ?? 0,
            cap: max(cap, spent),
            spent: spent
        )
        state.keys[key] = record
        emit(.keyGranted(user: user, key: key, kind: kind, validUntil: record.validUntil, cap: record.cap))
    }

    /// The second that lies a delay ahead.
    func later(by name: Parameters.Name) throws(Reason) -> UInt64 {
        let (time, overflow) = now.addingReportingOverflow(parameter(name))
        guard !overflow else { throw .overflow }
        return time
    }
}
