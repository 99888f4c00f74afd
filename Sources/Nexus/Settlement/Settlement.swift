import Ledger
import Logging
import NIOConcurrencyHelpers
import NodeAPI

/// Brings the newest vouchers to the ledger, many in one command (ledger specification, §7).
///
/// There is no bookkeeping of batches: vouchers are cumulative, so after a crash or a lost answer it is enough to read what
/// the ledger has paid and to settle the rest. Sending one thing twice does nothing.
struct Settlement: Sendable {
    let commands: LedgerCommands
    let book: VoucherBook
    let credit: Credit
    /// Who submits; anyone may.
    let settler: Address
    let policy: SettlementPolicy
    /// Seconds since 1970.
    let now: @Sendable () -> UInt64
    let logger: Logger
    /// Why vouchers were not paid the last time, so that each reason is told once.
    private let unpayable = NIOLockedValueBox<[Credit.ChannelName: SettleStatus]>([:])

    init(
        commands: LedgerCommands,
        book: VoucherBook,
        credit: Credit,
        settler: Address,
        policy: SettlementPolicy,
        now: @escaping @Sendable () -> UInt64,
        logger: Logger
    ) {
        self.commands = commands
        self.book = book
        self.credit = credit
        self.settler = settler
        self.policy = policy
        self.now = now
        self.logger = logger
    }

    /// Settles what is signed, not paid, and due by the policy; one batch at a time.
    ///
    /// - Returns: how many channels were paid, in full or in part.
    @discardableResult
    func settleDue() async throws -> Int {
        let due = try await due()
        var paid = 0
        for start in stride(from: 0, to: due.count, by: SettleEntry.mostInOneCall) {
            let batch = Array(due[start..<min(start + SettleEntry.mostInOneCall, due.count)])
            paid += try await settle(batch)
        }
        return paid
    }

    /// Channels that the policy settles, grouped by node as the ledger credits neighbours together.
    private func due() async throws -> [NexusStore.StoredVoucher] {
        let ledger = commands.ledger
        let feeBPS = try await ledger.parameters()[.feeBPS]
        var due: [NexusStore.StoredVoucher] = []
        for stored in await book.unsettled {
            let paid = try await ledger.channel(stored.key, stored.signed.voucher.node).paid
            guard let rest = stored.signed.voucher.amount.subtracting(paid), rest != .zero else {
                await note(stored, paid: paid)
                continue
            }
            guard let key = try await ledger.key(stored.key) else { continue }
            let channel = SettlementPolicy.Channel(
                due: rest,
                since: stored.since,
                key: key,
                funds: try await ledger.funds(stored.user),
                feeBPS: feeBPS
            )
            if policy.cause(channel, at: now()) != nil { due.append(stored) }
        }
        return due.sorted { ($0.signed.voucher.node, $0.key) < ($1.signed.voucher.node, $1.key) }
    }

    private func settle(_ batch: [NexusStore.StoredVoucher]) async throws -> Int {
        let entries = batch.map { SettleEntry($0.signed.voucher, signature: $0.signed.signature) }
        let preview = try await commands.ledger.preview(entries)
        let payable = zip(batch, preview).filter { $0.1.isPaid }.map(\.0)
        for (stored, status) in zip(batch, preview) where isNews(status, of: stored) {
            logger.warning(
                "the ledger will not pay a voucher",
                metadata: ["node": "\(stored.signed.voucher.node)", "status": "\(status)"]
            )
        }
        guard !payable.isEmpty else { return 0 }
        let command = Command.settle(payable.map { SettleEntry($0.signed.voucher, signature: $0.signed.signature) })
        credit.beginSettling()
        var isSettling = true
        defer { if isSettling { credit.endSettling() } }
        _ = try await commands.perform(command, caller: settler, until: .final) {
            // What users have and what they owe move together, also while a chain may still take the batch back.
            for stored in payable {
                credit.settled(channel(of: stored), of: stored.user, paid: try await paid(on: stored))
            }
            isSettling = false
            credit.endSettling()
        }
        for stored in payable { await note(stored, paid: try await paid(on: stored)) }
        logger.debug("settled", metadata: ["vouchers": "\(payable.count)"])
        return payable.count
    }

    /// Whether a voucher has become unpayable, or for another reason than before.
    private func isNews(_ status: SettleStatus, of stored: NexusStore.StoredVoucher) -> Bool {
        let channel = channel(of: stored)
        return unpayable.withLockedValue { unpayable in
            let isUnpayable = !status.isPaid && status != .nothingNew
            let before = unpayable.updateValue(status, forKey: channel)
            if !isUnpayable { unpayable[channel] = nil }
            return isUnpayable && before != status
        }
    }

    private func paid(on stored: NexusStore.StoredVoucher) async throws -> Nano {
        try await commands.ledger.channel(stored.key, stored.signed.voucher.node).paid
    }

    private func channel(of stored: NexusStore.StoredVoucher) -> Credit.ChannelName {
        Credit.ChannelName(key: stored.key, node: stored.signed.voucher.node)
    }

    private func note(_ stored: NexusStore.StoredVoucher, paid: Nano) async {
        let channel = channel(of: stored)
        credit.settled(channel, of: stored.user, paid: paid)
        await book.settled(channel, paid: paid)
    }
}
