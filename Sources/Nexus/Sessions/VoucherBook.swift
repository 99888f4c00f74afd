import Ledger
import Logging
import NodeAPI

/// The newest voucher of every channel, and the only place that signs new ones.
///
/// A voucher is checked, signed and stored in that order, and only then handed out: what a node holds is on our disk.
actor VoucherBook {
    private let store: NexusStore
    private let keys: KeyRing
    private let credit: Credit
    private let ledger: any Ledger
    private let domain: TypedDomain
    private let now: @Sendable () -> UInt64
    private var newest: [Credit.ChannelName: NexusStore.StoredVoucher] = [:]
    private var unpaid: Set<Credit.ChannelName> = []
    /// Channels on which a voucher is being stored.
    ///
    /// A second receipt in that moment comes from a node that breaks the rule of one open receipt for each channel.
    private var busy: Set<Credit.ChannelName> = []

    init(
        store: NexusStore,
        keys: KeyRing,
        credit: Credit,
        ledger: any Ledger,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.store = store
        self.keys = keys
        self.credit = credit
        self.ledger = ledger
        self.now = now
        domain = ledger.domain
    }

    /// Takes up the vouchers of an earlier run and what the ledger paid on them.
    func restore() async throws {
        for stored in try await store.vouchers() {
            let channel = Credit.ChannelName(key: stored.key, node: stored.signed.voucher.node)
            let paid = try await ledger.channel(stored.key, stored.signed.voucher.node).paid
            remember(stored, on: channel)
            settled(channel, paid: paid)
            credit.restore(user: stored.user, channel: channel, signed: stored.signed.voucher.amount, paid: paid)
        }
    }

    func newest(_ channel: Credit.ChannelName) -> SignedVoucher? {
        newest[channel]?.signed
    }

    /// The newest vouchers of channels on which something is not known to be paid.
    var unsettled: [NexusStore.StoredVoucher] { unpaid.compactMap { newest[$0] } }

    /// Takes over what the ledger has paid on a channel.
    func settled(_ channel: Credit.ChannelName, paid: Nano) {
        if let voucher = newest[channel]?.signed.voucher, voucher.amount <= paid { unpaid.remove(channel) }
    }

    /// Takes over a voucher that a node still held, proven by our own signature: this Nexus lost its copy.
    func adopt(_ signed: SignedVoucher, key: KeyID, user: UserID) async throws {
        let channel = Credit.ChannelName(key: key, node: signed.voucher.node)
        guard signed.voucher.amount > newest[channel]?.signed.voucher.amount ?? .zero else { return }
        guard signed.key(in: domain) == key else { throw ReceiptFault.foreignSignature }
        let stored = NexusStore.StoredVoucher(key: key, user: user, signed: signed, since: since(channel))
        try await store.save(stored)
        if signed.voucher.amount > newest[channel]?.signed.voucher.amount ?? .zero { remember(stored, on: channel) }
        let paid = try await ledger.channel(key, signed.voucher.node).paid
        credit.restore(user: user, channel: channel, signed: signed.voucher.amount, paid: paid)
    }

    /// Pays a receipt: turns the hold into a voucher over the channel's new sum.
    ///
    /// - Throws: ``ReceiptFault`` when the receipt is not due; the hold is then still open.
    func pay(
        _ receipt: SignedReceipt,
        session: NodeSession,
        delivered: DeliveredAnswer,
        hold: Credit.Hold
    ) async throws -> SignedVoucher {
        let channel = session.channel
        let before = try occupy(channel, claimed: receipt.receipt.amount)
        defer { busy.remove(channel) }
        let base = before?.amount ?? .zero
        try receipt.check(session: session, delivered: delivered, base: base, domain: domain)
        let head = before?.receipts ?? ReceiptChain.start(key: session.key, node: session.node)
        let tokens = receipt.receipt.inputTokens + receipt.receipt.outputTokens
        let voucher = Voucher(
            node: session.node,
            amount: receipt.receipt.amount,
            units: (before?.units ?? 0) + tokens,
            receipts: ReceiptChain.advance(head, receipt.receipt)
        )
        let signed = try await sign(voucher, session)
        credit.charge(hold, channel: channel, signed: voucher.amount)
        return signed
    }

    /// Pays a part of an answer that goes on: turns a part of the hold into a voucher over the channel's new sum.
    ///
    /// - Parameter cost: of the answer so far.
    /// - Throws: ``ReceiptFault`` when it is not due; the hold is then as it was.
    func advance(
        to cost: Nano,
        claimed amount: Nano,
        session: NodeSession,
        delivered: DeliveredAnswer,
        hold: Credit.Hold
    ) async throws -> SignedVoucher {
        let channel = session.channel
        let before = try occupy(channel, claimed: amount)
        defer { busy.remove(channel) }
        let part = try delivered.part(of: cost, at: session.quote.price)
        guard let sum = (before?.amount ?? .zero).adding(part), sum == amount else {
            throw ReceiptFault.brokenChain(
                expected: (before?.amount ?? .zero).clampedAdding(part),
                claimed: amount
            )
        }
        let voucher = Voucher(
            node: session.node,
            amount: sum,
            units: before?.units ?? 0,
            receipts: before?.receipts ?? ReceiptChain.start(key: session.key, node: session.node)
        )
        let signed = try await sign(voucher, session)
        credit.advance(hold, by: part, channel: channel, signed: sum)
        return signed
    }

    /// Makes the channel this payment's own, and answers with the newest voucher on it.
    private func occupy(_ channel: Credit.ChannelName, claimed amount: Nano) throws(ReceiptFault) -> Voucher? {
        guard busy.insert(channel).inserted else { throw .brokenChain(expected: .zero, claimed: amount) }
        return newest[channel]?.signed.voucher
    }

    /// Signs a voucher and puts it on disk.
    private func sign(_ voucher: Voucher, _ session: NodeSession) async throws -> SignedVoucher {
        let signed = SignedVoucher(
            voucher: voucher,
            signature: try await keys.sign(voucher, for: session.user, domain: domain)
        )
        let stored = NexusStore.StoredVoucher(
            key: session.key,
            user: session.user,
            signed: signed,
            since: since(session.channel)
        )
        try await store.save(stored)
        remember(stored, on: session.channel)
        return signed
    }

    /// When the oldest amount that is not paid was signed, with a voucher that is signed at this moment.
    private func since(_ channel: Credit.ChannelName) -> UInt64 {
        unpaid.contains(channel) ? newest[channel]?.since ?? now() : now()
    }

    private func remember(_ stored: NexusStore.StoredVoucher, on channel: Credit.ChannelName) {
        newest[channel] = stored
        unpaid.insert(channel)
    }
}
