import Ledger
import NodeAPI

/// Bills answers and takes vouchers: one open receipt for each channel at a time.
///
/// A receipt carries the channel's new sum, so a second one is signed only when the first is paid or given up. A long answer
/// is paid in parts: what the node can lose to a payer who does not sign is one credit window (ledger specification, §4 step 3).
actor PaymentDesk {
    /// Why a voucher is not accepted.
    enum Fault: Error, Hashable {
        case wrongVoucher(String)
        case foreignSignature
    }

    /// An answer to be paid for.
    struct Bill: Sendable {
        var session: Bytes32
        var key: KeyID
        var quote: Bytes32
        var request: Bytes32
        var response: Bytes32
        var inputTokens: UInt64
        var outputTokens: UInt64
        var cost: Nano
        /// What interim vouchers have paid of it.
        var advanced: Nano = .zero
    }

    private struct Channel {
        var newest: SignedVoucher?
        var isBilling = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var unpaid = 0
    }

    /// Answers in a row that a key may leave unpaid before it is served no more (ledger specification, §4 step 4).
    private static let unpaidLimit = 3

    private let node: NodeID
    private let signer: Secp256k1Key
    private let domain: TypedDomain
    private let store: NodeStore
    private let now: @Sendable () -> UInt64
    private var channels: [KeyID: Channel] = [:]

    init(
        node: NodeID,
        signer: Secp256k1Key,
        domain: TypedDomain,
        store: NodeStore,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.node = node
        self.signer = signer
        self.domain = domain
        self.store = store
        self.now = now
    }

    /// The newest voucher of a channel.
    func newest(of key: KeyID) async throws -> SignedVoucher? {
        if let channel = channels[key] { return channel.newest }
        let stored = try await store.voucher(of: key)
        if channels[key] == nil { channels[key] = Channel(newest: stored) }
        return channels[key]?.newest
    }

    /// Whether the key has left too many answers unpaid.
    func isBarred(_ key: KeyID) -> Bool {
        (channels[key]?.unpaid ?? 0) >= Self.unpaidLimit
    }

    /// Takes over a voucher that the payer shows at the start of a session: it proves the key and agrees the sum.
    ///
    /// A newer one than was known pays what had gone missing on its way, so the key is served again.
    func present(_ signed: SignedVoucher, key: KeyID) async throws {
        guard signed.voucher.node == node else { throw Fault.wrongVoucher("it is for another node") }
        guard signed.key(in: domain) == key else { throw Fault.foreignSignature }
        let before = try await newest(of: key)?.voucher.amount ?? .zero
        guard signed.voucher.amount > before else { return }
        try await store.save(signed, key: key, paying: nil, at: now())
        take(signed, of: key)
    }

    /// Signs the receipt for an answer, hands it out, and takes the voucher for it.
    ///
    /// - Parameter exchange: sends the receipt and returns the payer's voucher, or `nil` when none came.
    /// - Returns: whether the answer was paid.
    func collect(_ bill: Bill, exchange: @Sendable (SignedReceipt) async throws -> SignedVoucher?) async throws -> Bool
    {
        _ = try await newest(of: bill.key)
        await beginBilling(bill.key)
        defer { endBilling(bill.key) }
        channels[bill.key]?.unpaid += 1
        let before = channels[bill.key]?.newest?.voucher
        let receipt = try await receipt(for: bill, on: before)
        let signature = try signer.sign(receipt, in: domain)
        let signed = SignedReceipt(receipt: receipt, r: signature.r, vs: signature.s)
        guard let voucher = try await exchange(signed) else { return false }
        try check(voucher, pays: receipt, on: before)
        try await store.save(voucher, key: bill.key, paying: receipt, at: now())
        take(voucher, of: bill.key)
        return true
    }

    /// Takes a voucher for a part of an answer that goes on (ledger specification, §4 step 3).
    ///
    /// - Parameter exchange: asks for a voucher over this sum and returns it, or `nil` when none came.
    /// - Returns: whether it was paid.
    func advance(
        _ key: KeyID,
        by part: Nano,
        exchange: @Sendable (Nano) async throws -> SignedVoucher?
    ) async throws -> Bool {
        _ = try await newest(of: key)
        await beginBilling(key)
        defer { endBilling(key) }
        let before = channels[key]?.newest?.voucher
        guard let amount = (before?.amount ?? .zero).adding(part) else { throw Fault.wrongVoucher("sum too large") }
        channels[key]?.unpaid += 1
        guard let signed = try await exchange(amount) else { return false }
        guard signed.voucher.amount == amount else { throw Fault.wrongVoucher("another sum than was asked for") }
        guard signed.voucher.receipts == before?.receipts ?? ReceiptChain.start(key: key, node: node) else {
            throw Fault.wrongVoucher("another chain of receipts")
        }
        guard signed.key(in: domain) == key else { throw Fault.foreignSignature }
        try await store.save(signed, key: key, paying: nil, at: now())
        take(signed, of: key)
        return true
    }

    private func take(_ signed: SignedVoucher, of key: KeyID) {
        var channel = channels[key] ?? Channel()
        // Of two over one sum the later has the longer chain of receipts.
        if signed.voucher.amount >= channel.newest?.voucher.amount ?? .zero { channel.newest = signed }
        channel.unpaid = 0
        channels[key] = channel
    }

    private func receipt(for bill: Bill, on before: Voucher?) async throws -> Receipt {
        guard let amount = (before?.amount ?? .zero).adding(bill.cost.clampedSubtracting(bill.advanced)) else {
            throw Fault.wrongVoucher("sum too large")
        }
        let finishedAt = now()
        return try await store.record(session: bill.session, key: bill.key) { [node] sequence in
            Receipt(
                session: bill.session,
                seq: sequence,
                node: node,
                key: bill.key,
                request: bill.request,
                response: bill.response,
                quote: bill.quote,
                inputTokens: bill.inputTokens,
                outputTokens: bill.outputTokens,
                cost: bill.cost,
                amount: amount,
                finishedAt: finishedAt
            )
        }
    }

    private func check(_ signed: SignedVoucher, pays receipt: Receipt, on before: Voucher?) throws(Fault) {
        let voucher = signed.voucher
        let head = before?.receipts ?? ReceiptChain.start(key: receipt.key, node: node)
        guard voucher.amount == receipt.amount else { throw .wrongVoucher("another sum than the receipt's") }
        guard voucher.receipts == ReceiptChain.advance(head, receipt) else {
            throw .wrongVoucher("another chain of receipts")
        }
        guard signed.key(in: domain) == receipt.key else { throw .foreignSignature }
    }

    private func beginBilling(_ key: KeyID) async {
        while channels[key]?.isBilling == true {
            await withCheckedContinuation { channels[key]?.waiting.append($0) }
        }
        channels[key, default: Channel()].isBilling = true
    }

    private func endBilling(_ key: KeyID) {
        channels[key]?.isBilling = false
        let waiting = channels[key]?.waiting ?? []
        channels[key]?.waiting = []
        for continuation in waiting { continuation.resume() }
    }
}
