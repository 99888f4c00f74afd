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
        guard busy.insert(channel).inserted else {
            throw ReceiptFault.brokenChain(expected: .zero, claimed: receipt.receipt.amount)
        }
        defer { busy.remove(channel) }
        let before = newest[channel]?.signed.voucher
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
        let signed = SignedVoucher(
            voucher: voucher,
            signature: try await keys.sign(voucher, for: session.user, domain: domain)
        )
        let stored = NexusStore.StoredVoucher(
            key: session.key,
            user: session.user,
            signed: signed,
            since: since(channel)
        )
        try await store.save(stored)
        remember(stored, on: channel)
        credit.charge(hold, channel: channel, signed: voucher.amount)
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
