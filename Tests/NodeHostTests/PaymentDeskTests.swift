import LatticeTesting
import Ledger
import NodeAPI
import Testing

@testable import NodeHost

@Suite(.timeLimit(.minutes(1))) struct `Payment desk` {
    let payer = P256SessionKey()
    let signer = Secp256k1Key()
    let domain = TypedDomain.local(clusterPublicKey: [1, 2, 3])
    let folder: String

    init() throws {
        folder = try temporaryDirectory()
    }

    @Test func `takes the voucher for a receipt and remembers it over a restart`() async throws {
        let paid = try await desk().collect(bill(cost: 70)) { try voucher(for: $0, after: nil) }
        #expect(paid)
        let newest = try await desk().newest(of: payer.keyID)
        #expect(newest?.voucher.amount == Nano(70))
    }

    @Test func `adds each answer to the channel's sum and chain`() async throws {
        let desk = try desk()
        var last: Voucher?
        for cost in [70, 30, 5] as [UInt64] {
            let before = last
            let isPaid = try await desk.collect(bill(cost: cost)) { receipt in
                #expect(receipt.receipt.amount == (before?.amount ?? .zero).adding(Nano(cost)))
                return try voucher(for: receipt, after: before)
            }
            #expect(isPaid)
            last = try await desk.newest(of: payer.keyID)?.voucher
        }
        #expect(last?.amount == Nano(105))
    }

    @Test func `signs no receipt while another of the channel is open`() async throws {
        let desk = try desk()
        let open = Counter()
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    _ = try await desk.collect(bill(cost: 10)) { receipt in
                        #expect(open.enter() == 1)
                        defer { open.leave() }
                        await Task.yield()
                        return try await voucher(for: receipt, after: desk.newest(of: payer.keyID)?.voucher)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await desk.newest(of: payer.keyID)?.voucher.amount == Nano(80))
    }

    @Test func `refuses a voucher over another sum, chain or key`() async throws {
        let desk = try desk()
        await #expect(throws: PaymentDesk.Fault.wrongVoucher("another sum than the receipt's")) {
            try await desk.collect(bill(cost: 70)) { try voucher(for: $0, after: nil, amount: 69) }
        }
        await #expect(throws: PaymentDesk.Fault.foreignSignature) {
            try await desk.collect(bill(cost: 70)) { try voucher(for: $0, after: nil, by: P256SessionKey()) }
        }
        #expect(try await desk.newest(of: payer.keyID) == nil)
    }

    @Test func `bars a key that left three answers unpaid, until it pays`() async throws {
        let desk = try desk()
        for _ in 0..<3 {
            #expect(await !desk.isBarred(payer.keyID))
            #expect(try await !desk.collect(bill(cost: 1)) { _ in nil })
        }
        #expect(await desk.isBarred(payer.keyID))
        #expect(try await desk.collect(bill(cost: 1)) { try voucher(for: $0, after: nil) })
        #expect(await !desk.isBarred(payer.keyID))
    }

    @Test func `serves a barred key again when it shows a voucher that had gone missing`() async throws {
        let desk = try desk()
        for _ in 0..<3 { _ = try await desk.collect(bill(cost: 1)) { _ in nil } }
        try await desk.present(signed(amount: 1, by: payer), key: payer.keyID)
        #expect(await !desk.isBarred(payer.keyID))
        for _ in 0..<3 { _ = try await desk.collect(bill(cost: 1)) { _ in nil } }
        try await desk.present(signed(amount: 1, by: payer), key: payer.keyID)
        #expect(await desk.isBarred(payer.keyID))
    }

    @Test func `takes over a newer voucher that the payer shows, and no older or foreign one`() async throws {
        let desk = try desk()
        try await desk.present(signed(amount: 50, by: payer), key: payer.keyID)
        try await desk.present(signed(amount: 20, by: payer), key: payer.keyID)
        #expect(try await desk.newest(of: payer.keyID)?.voucher.amount == Nano(50))
        await #expect(throws: PaymentDesk.Fault.foreignSignature) {
            try await desk.present(signed(amount: 90, by: P256SessionKey()), key: payer.keyID)
        }
    }

    @Test func `never gives one session the same sequence twice, also after a restart`() async throws {
        let sequences = Sequences()
        for _ in 0..<3 {
            _ = try await desk().collect(bill(cost: 1)) { receipt in
                sequences.note(receipt.receipt.seq)
                return nil
            }
        }
        #expect(sequences.all == [1, 2, 3])
    }

    @Test func `refuses a store that belongs to another ledger`() async throws {
        let store = try NodeStore(path: folder + "/bound.sqlite")
        try await store.bind(to: domain)
        try await store.bind(to: domain)
        await #expect(throws: NodeStore.StoreError.self) {
            try await store.bind(to: .local(clusterPublicKey: [9]))
        }
    }

    private func desk() throws -> PaymentDesk {
        PaymentDesk(
            node: NodeID(1),
            signer: signer,
            domain: domain,
            store: try NodeStore(path: folder + "/node.sqlite"),
            now: { 1_800_000_000 }
        )
    }

    private func bill(cost: UInt64) -> PaymentDesk.Bill {
        PaymentDesk.Bill(
            session: Bytes32(number: 7),
            key: payer.keyID,
            quote: .zero,
            request: .zero,
            response: .zero,
            inputTokens: 1,
            outputTokens: 1,
            cost: Nano(cost)
        )
    }

    private func voucher(
        for receipt: SignedReceipt,
        after before: Voucher?,
        amount: UInt64? = nil,
        by key: P256SessionKey? = nil
    ) throws -> SignedVoucher {
        #expect(receipt.signer(in: domain) == signer.address)
        let head = before?.receipts ?? ReceiptChain.start(key: payer.keyID, node: NodeID(1))
        let voucher = Voucher(
            node: NodeID(1),
            amount: amount.map(Nano.init) ?? receipt.receipt.amount,
            units: 2,
            receipts: ReceiptChain.advance(head, receipt.receipt)
        )
        return SignedVoucher(voucher: voucher, signature: try (key ?? payer).sign(voucher, in: domain))
    }

    private func signed(amount: UInt64, by key: P256SessionKey) throws -> SignedVoucher {
        let voucher = Voucher(node: NodeID(1), amount: Nano(amount), units: 1, receipts: .zero)
        return SignedVoucher(voucher: voucher, signature: try key.sign(voucher, in: domain))
    }
}
