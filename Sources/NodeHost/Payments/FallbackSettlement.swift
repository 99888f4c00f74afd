public import Ledger
public import Logging
import NodeAPI

/// Brings a node's vouchers to the ledger when Nexus does not (ledger specification, §7: anyone may settle).
///
/// A node needs nobody's leave to be paid: what it holds is signed by the payer. It waits four hours, as Nexus settles many
/// channels in one batch for less.
public struct FallbackSettlement: Sendable {
    private let ledger: any Ledger
    private let settler: Address
    private let logger: Logger
    private let freshID: @Sendable () -> SubmissionID

    /// A voucher that Nexus has not settled for as long is settled by the node, in seconds.
    static let patience: UInt64 = 4 * 3600
    /// Between two looks at what is unsettled.
    static let interval: Duration = .seconds(600)

    /// Settles on a ledger.
    ///
    /// - Parameter settler: who submits, and pays for it where that costs something.
    public init(ledger: any Ledger, settler: Address, logger: Logger) {
        self.ledger = ledger
        self.settler = settler
        self.logger = logger
        freshID = { SubmissionID(.random()) }
    }

    /// Settles what Nexus has left for too long, a batch at most.
    ///
    /// Harmless beside Nexus: what was paid meanwhile is not paid again.
    ///
    /// - Returns: how many vouchers were handed in.
    @discardableResult
    func settle(_ store: NodeStore, at now: UInt64) async throws -> Int {
        guard now > Self.patience else { return 0 }
        var due: [NodeStore.HeldVoucher] = []
        for held in try await store.unsettled(since: now - Self.patience) {
            let paid = try await ledger.channel(held.key, held.signed.voucher.node).paid
            if paid < held.signed.voucher.amount {
                due.append(held)
            } else {
                try await store.settled(held.key, upTo: paid)
            }
            if due.count == SettleEntry.mostInOneCall { break }
        }
        guard !due.isEmpty else { return 0 }
        let entries = due.map { SettleEntry($0.signed.voucher, signature: $0.signed.signature) }
        let payable = zip(entries, try await ledger.preview(entries)).filter(\.1.isPaid).map(\.0)
        guard !payable.isEmpty else {
            logger.warning("nexus has not settled, and the ledger pays nothing", metadata: ["vouchers": "\(due.count)"])
            return 0
        }
        // Read back at the next look, when it is final: a batch that is lost or taken back is handed in again.
        _ = try await ledger.submit(.settle(payable), caller: settler, id: freshID())
        logger.notice("nexus has not settled for hours; settled directly", metadata: ["vouchers": "\(payable.count)"])
        return payable.count
    }

    /// Looks again and again until the task is cancelled.
    func run(_ store: NodeStore, now: @Sendable () -> UInt64) async {
        while !Task.isCancelled {
            do {
                try await settle(store, at: now())
            } catch {
                logger.warning("settling directly failed; tried again", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.interval)
        }
    }
}
