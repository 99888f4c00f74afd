import Ledger

// Users and their roots (ledger specification, §2).
extension LedgerCore {
    mutating func registerWallet(_ owner: Address, isSigned: Bool) throws(Reason) {
        let root = KeyID(secp256k1: owner)
        if isSigned {
            guard witness.signer == Witness.Signer(id: root, form: .plain(.secp256k1)) else { throw .badSignature }
        } else {
            guard caller == owner else { throw .notAllowed }
        }
        guard root != .zero else { throw .badAddress }
        try registerRoot(root, kind: .secp256k1, rpIDHash: .zero, as: .wallet)
    }

    mutating func registerPasskey(_ message: RegisterPasskey) throws(Reason) {
        let root = KeyID(p256x: message.x, y: message.y)
        let expected = Witness.Signer(id: root, form: .assertion(rpIDHash: message.rpIDHash))
        guard witness.signer == expected else { throw .badSignature }
        try registerRoot(root, kind: .p256, rpIDHash: message.rpIDHash, as: .passkey)
    }

    mutating func registerAttested(_ commitment: Bytes32) throws(Reason) {
        try require(.registrar, on: .userRegistry)
        guard state.commitments[commitment] == nil else { throw .alreadyRegistered }
        let user = try addUser(.attested, roots: 0)
        state.commitments[commitment] = user
        emit(.userRegistered(user: user, kind: .attested, credential: commitment))
    }

    private mutating func registerRoot(
        _ root: KeyID,
        kind: KeyKind,
        rpIDHash: Bytes32,
        as userKind: UserKind
    ) throws(Reason) {
        guard state.roots[root] == nil else { throw .alreadyRegistered }
        let user = try addUser(userKind, roots: 1)
        state.roots[root] = RootRecord(user: user, kind: kind, since: now, rpIDHash: rpIDHash)
        emit(.userRegistered(user: user, kind: userKind, credential: root.word))
        emit(.rootChanged(user: user, root: root, kind: kind, rpIDHash: rpIDHash, isAdded: true))
    }

    private mutating func addUser(_ kind: UserKind, roots: UInt8) throws(Reason) -> UserID {
        let (number, overflow) = (state.counters[.users] ?? 0).addingReportingOverflow(1)
        guard !overflow else { throw .overflow }
        state.counters[.users] = number
        let user = UserID(number)
        state.users[user] = UserRecord(kind: kind, roots: roots, nonce: 0, created: now)
        return user
    }

    /// Checks that a root of the user signed the message in progress, or calls itself, and uses the nonce up.
    mutating func authorize(_ user: UserID, nonce: UInt64, _ auth: Auth?) throws(Reason) {
        let record = try useNonce(user, nonce)
        let signer: Witness.Signer
        if let auth, !auth.isEmpty {
            guard let proven = witness.signer else { throw .badSignature }
            signer = proven
        } else {
            signer = Witness.Signer(id: KeyID(secp256k1: caller), form: .plain(.secp256k1))
        }
        guard let root = state.roots[signer.id], root.user == user else { throw .unknownRoot }
        let expected: Witness.Signer.Form =
            switch root.kind {
            case .secp256k1: .plain(.secp256k1)
            case .p256: .assertion(rpIDHash: root.rpIDHash)
            }
        guard signer.form == expected else { throw .badSignature }
        state.users[user] = record
    }

    /// Checks that a live session key of the user signed the message in progress, and uses the nonce up.
    mutating func authorizeByKey(_ user: UserID, nonce: UInt64) throws(Reason) {
        let record = try useNonce(user, nonce)
        guard let signer = witness.signer else { throw .badSignature }
        guard let key = state.keys[signer.id], key.user == user, signer.form == .plain(key.kind),
            key.isLive(at: now, funds: state.funds[user] ?? Funds())
        else { throw .unknownKey }
        state.users[user] = record
    }

    /// The user's record after a message with this nonce.
    private func useNonce(_ user: UserID, _ nonce: UInt64) throws(Reason) -> UserRecord {
        guard var record = state.users[user] else { throw .unknownUser }
        guard record.nonce == nonce else { throw .badNonce }
        let (next, overflow) = nonce.addingReportingOverflow(1)
        guard !overflow else { throw .overflow }
        record.nonce = next
        return record
    }

    mutating func changeRoot(_ message: RootChange, _ auth: Auth?) throws(Reason) {
        guard let before = state.users[message.user] else { throw .unknownUser }
        if before.roots == 0 {
            try authorizeByKey(message.user, nonce: message.nonce)
        } else {
            try authorize(message.user, nonce: message.nonce, auth)
        }
        guard var user = state.users[message.user] else { throw .unknownUser }
        if message.add {
            guard message.root != .zero else { throw .badAddress }
            guard (message.kind == .secp256k1) == (message.rpIDHash == .zero) else { throw .wrongKind }
            guard user.roots < UserRecord.mostRoots else { throw .tooManyRoots }
            guard state.roots[message.root] == nil else { throw .alreadyRegistered }
            state.roots[message.root] = RootRecord(
                user: message.user,
                kind: message.kind,
                since: now,
                rpIDHash: message.rpIDHash
            )
            user.roots += 1
            // The registrar's power over the user ends here for good: a user with roots keeps at least one.
            state.proposals[message.user] = nil
        } else {
            guard let root = state.roots[message.root], root.user == message.user else { throw .unknownRoot }
            guard root.kind == message.kind, root.rpIDHash == message.rpIDHash else { throw .wrongKind }
            guard user.roots > 1 else { throw .lastRoot }
            state.roots[message.root] = nil
            user.roots -= 1
        }
        state.users[message.user] = user
        emit(
            .rootChanged(
                user: message.user,
                root: message.root,
                kind: message.kind,
                rpIDHash: message.rpIDHash,
                isAdded: message.add
            )
        )
    }
}
