import LatticeTesting
import Ledger
import LedgerEmbedded
import Logging
import NIOConcurrencyHelpers
import NodeAPI
import Testing

@testable import NodeHost

/// A node, a payer, and a ledger on which a Nexus never settles.
@Suite(.timeLimit(.minutes(1))) struct `Settling without Nexus` {
    private struct Scene {
        let ledger: EmbeddedLedger
        let time: NIOLockedValueBox<UInt64>
        let store: NodeStore
        let node: NodeID
        let payer: Secp256k1Key
        let settlement: FallbackSettlement

        var now: UInt64 { time.withLockedValue { $0 } }

        func hold(_ amount: UInt64) async throws {
            let voucher = Voucher(node: node, amount: Nano(amount), units: amount, receipts: .zero)
            let signed = SignedVoucher(voucher: voucher, signature: try payer.sign(voucher, in: ledger.domain))
            try await store.save(signed, key: payer.keyID, paying: nil, at: now)
        }

        var paid: UInt64 {
            get async throws { try await ledger.channel(payer.keyID, node).paid.count }
        }
    }

    private func play(_ body: (Scene) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            let administrator = Secp256k1Key()
            let time = NIOLockedValueBox<UInt64>(1_800_000_000)
            let ledger = try await EmbeddedLedger.open(
                path: folder + "/ledger.sqlite",
                clusterKey: ClusterKey(),
                genesis: Genesis(administrator: administrator.address),
                now: { time.withLockedValue { $0 } }
            )
            func run(_ command: Command, by caller: Address) async throws -> Inclusion {
                let outcome = try await ledger.submit(command, caller: caller, id: SubmissionID(.random())).outcome
                return try #require(outcome.inclusion, "\(outcome)")
            }
            let wallet = Secp256k1Key()
            let payer = Secp256k1Key()
            let registered = try await run(.registerWallet(owner: wallet.address, signature: nil), by: wallet.address)
            let user = try #require(registered.registeredUser)
            _ = try await run(.deposit(user: user, amount: TokenAmount(.lai)), by: administrator.address)
            let grant = KeyGrant(
                user: user,
                key: payer.keyID,
                kind: .secp256k1,
                validUntil: 1_800_000_000 + 20 * 86_400,
                cap: .lai,
                nonce: 0
            )
            _ = try await run(.grantKey(grant, auth: nil), by: wallet.address)
            let application = NodeApplication(
                kind: .llm,
                model: .zero,
                meta: .zero,
                payout: administrator.address,
                signer: Secp256k1Key().address,
                selfStake: Nano(1_000 * Nano.lai.count)
            )
            let node = try #require(
                try await run(.registerNode(application), by: administrator.address).registeredNode
            )
            let scene = Scene(
                ledger: ledger,
                time: time,
                store: try NodeStore(path: folder + "/node.sqlite"),
                node: node,
                payer: payer,
                settlement: FallbackSettlement(
                    ledger: ledger,
                    settler: administrator.address,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                )
            )
            do { try await body(scene) } catch {
                await ledger.close()
                throw error
            }
            await ledger.close()
        }
    }

    @Test func `waits four hours, then is paid by the ledger itself`() async throws {
        try await play { scene in
            try await scene.hold(500)
            scene.time.withLockedValue { $0 += 4 * 3600 - 1 }
            #expect(try await scene.settlement.settle(scene.store, at: scene.now) == 0)
            scene.time.withLockedValue { $0 += 1 }
            #expect(try await scene.settlement.settle(scene.store, at: scene.now) == 1)
            #expect(try await scene.paid == 500)
            #expect(try await scene.settlement.settle(scene.store, at: scene.now) == 0)
            #expect(try await scene.store.unsettled(since: scene.now).isEmpty)
        }
    }

    @Test func `reckons from the oldest amount that is unsettled`() async throws {
        try await play { scene in
            try await scene.hold(500)
            scene.time.withLockedValue { $0 += 3 * 3600 }
            try await scene.hold(900)
            scene.time.withLockedValue { $0 += 3600 }
            #expect(try await scene.settlement.settle(scene.store, at: scene.now) == 1)
            #expect(try await scene.paid == 900)
            // What comes after it was paid is young again.
            #expect(try await scene.settlement.settle(scene.store, at: scene.now) == 0)
            try await scene.hold(1000)
            #expect(try await scene.settlement.settle(scene.store, at: scene.now) == 0)
            #expect(try await scene.paid == 900)
        }
    }

    @Test func `does nothing where Nexus has settled meanwhile`() async throws {
        try await play { scene in
            try await scene.hold(700)
            scene.time.withLockedValue { $0 += 5 * 3600 }
            let held = try #require(try await scene.store.unsettled(since: scene.now).first)
            let entry = SettleEntry(held.signed.voucher, signature: held.signed.signature)
            let nexus = Secp256k1Key().address
            _ = try await scene.ledger.submit(.settle([entry]), caller: nexus, id: SubmissionID(.random()))
            #expect(try await scene.settlement.settle(scene.store, at: scene.now) == 0)
            #expect(try await scene.paid == 700)
        }
    }
}
