import Ledger

/// What the signatures of a command prove, worked out before the rules look at it.
///
/// It depends on the command and the ledger's domain alone, so it is made outside the writer, by many tasks at once: curves
/// cost some thirty times what the rules do.
struct Witness: Sendable, Hashable {
    /// Who signed the message of a command, and in which form.
    struct Signer: Sendable, Hashable {
        enum Form: Sendable, Hashable {
            /// A plain signature of a wallet or a session key.
            case plain(KeyKind)
            /// A passkey's assertion for a relying party.
            case assertion(rpIDHash: Bytes32)
        }

        let id: KeyID
        let form: Form
    }

    /// The signer of the command's message; `nil` where there is none or the signature is bad.
    var signer: Signer?
    /// For `settle` the key behind each entry, for evidence against a node the key behind each message; `nil` where the
    /// signature is bad.
    var entries: [KeyID?] = []

    /// Checks the signatures of a command.
    init(_ command: Command, domain: TypedDomain) {
        switch command {
        case .registerWallet(let owner, let signature):
            guard let signature else { return }
            signer = Self.plain(
                LedgerSignature(r: signature.r, vs: signature.s),
                over: RegisterWallet(owner: owner),
                domain
            )
        case .registerPasskey(let message, let auth): signer = Self.signer(auth, over: message, domain)
        case .grantKey(let message, let auth): signer = Self.signer(auth, over: message, domain)
        case .revokeKey(let message, let auth): signer = Self.signer(auth, over: message, domain)
        case .changeRoot(let message, let auth): signer = Self.signer(auth, over: message, domain)
        case .bumpGeneration(let message, let auth): signer = Self.signer(auth, over: message, domain)
        case .requestWithdraw(let message, let auth): signer = Self.signer(auth, over: message, domain)
        case .cancelWithdraw(let message, let auth): signer = Self.signer(auth, over: message, domain)
        case .veto(let message, let signature): signer = Self.plain(signature, over: message, domain)
        case .settle(let list):
            entries = list.map { recoverKeyID(voucher: $0.voucher, signature: $0.signature, domain: domain) }
        case .proveReceipts(let first, let second): entries = [first.signer(domain), second.signer(domain)]
        case .proveOvercharge(let quote, let receipt): entries = [quote.signer(domain), receipt.signer(domain)]
        case .proveProbes(let first, let second): entries = [first.signer(domain), second.signer(domain)]
        default: return
        }
    }

    /// Checks the signatures of a command, those of a batch of vouchers by several tasks.
    static func make(_ command: Command, domain: TypedDomain) async -> Witness {
        guard case .settle(let list) = command, list.count > 2 * Self.stride else {
            return Witness(command, domain: domain)
        }
        var witness = Witness(.settle([]), domain: domain)
        witness.entries = await withTaskGroup(of: (Int, [KeyID?]).self) { group in
            for start in Swift.stride(from: 0, to: list.count, by: Self.stride) {
                let part = list[start..<min(start + Self.stride, list.count)]
                group.addTask {
                    (start, part.map { recoverKeyID(voucher: $0.voucher, signature: $0.signature, domain: domain) })
                }
            }
            var keys = [KeyID?](repeating: nil, count: list.count)
            for await (start, part) in group { keys.replaceSubrange(start..<start + part.count, with: part) }
            return keys
        }
        return witness
    }

    /// Vouchers to a task: about a millisecond of work.
    private static let stride = 16

    private static func plain(
        _ signature: LedgerSignature,
        over message: some TypedMessage,
        _ domain: TypedDomain
    ) -> Signer? {
        signature.recoverKeyID(of: message, in: domain).map { Signer(id: $0, form: .plain(signature.kind)) }
    }

    private static func signer(_ auth: Auth?, over message: some TypedMessage, _ domain: TypedDomain) -> Signer? {
        guard let auth, !auth.isEmpty else { return nil }
        guard auth.kind == .p256, !auth.authenticatorData.isEmpty else {
            return plain(LedgerSignature(r: auth.r, s: auth.s, x: auth.x, y: auth.y), over: message, domain)
        }
        guard let rpIDHash = Bytes32(Array(auth.authenticatorData.prefix(32))) else { return nil }
        return auth.recoverRoot(of: message, in: domain, rpIDHash: rpIDHash).map {
            Signer(id: $0, form: .assertion(rpIDHash: rpIDHash))
        }
    }
}

extension SignedMessage {
    fileprivate func signer(_ domain: TypedDomain) -> KeyID? {
        signature.recoverKeyID(of: message, in: domain)
    }
}
