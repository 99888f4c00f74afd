import LatticeTesting
import Ledger
import LedgerEmbedded
import NodeAPI
import Synchronization
import Testing

@testable import Nexus

@Suite(.timeLimit(.minutes(1))) struct `What Nexus asks of the ledger` {
    @Test func `a refused registration leaves its owner without the stake that was lent`() async throws {
        try await withTemporaryDirectory { folder in
            try await TestLedger.open(in: folder) { ledger in
                let sponsor = Sponsor(commands: TestLedger.commands(ledger), roles: TestLedger.roles, ownsNodes: false)
                let owner = Secp256k1Key().address
                var registration = NodeRegistration(
                    kind: NodeKind.llm.rawValue,
                    model: .zero,
                    metadata: .zero,
                    payout: owner,
                    signer: owner,
                    commission: 10_001
                )
                await #expect(throws: CommandFault.self) {
                    try await sponsor.register(registration, kind: .llm, owner: owner)
                }
                let left = try await ledger.account(owner)
                #expect(left == .zero)
                registration.commission = 10_000
                let node = try await sponsor.register(registration, kind: .llm, owner: owner)
                #expect(node == NodeID(1))
            }
        }
    }

    @Test func `a key that the ledger does not renew yet is used until it ends`() async throws {
        let clock = Seconds()
        try await withTemporaryDirectory { folder in
            try await TestLedger.open(in: folder, now: { clock.now }) { ledger in
                let store = try NexusStore(path: folder + "/nexus.sqlite")
                let vault = try Vault(secret: Vault.newSecret())
                let commands = TestLedger.commands(ledger)
                let keys = KeyRing(store: store, vault: vault)
                let enrolment = Enrolment(
                    commands: commands,
                    store: store,
                    keys: keys,
                    vault: vault,
                    roles: TestLedger.roles,
                    now: { clock.now }
                )
                var generator = SeededGenerator(seed: 1)
                let cap = Nano(1_000_000_000_000)
                let user = try await enrolment.enrol(
                    issuer: "test",
                    subject: "somebody",
                    label: "key",
                    cap: cap,
                    using: &generator
                ).user
                let key = try #require(try await keys.keyID(of: user))
                let end = try #require(try await ledger.key(key)).validUntil
                _ = try await commands.perform(
                    .deposit(user: user, amount: TokenAmount(.lai)),
                    caller: TestLedger.roles.administrator
                )
                // With money deposited a renewal is only proposed, and refused while it waits.
                clock.now = end - Enrolment.keyLife / 4
                for _ in 0..<3 { try await enrolment.renew(key, of: user, cap: cap) }
                let head = try await ledger.head().number
                try await enrolment.renew(key, of: user, cap: cap)
                #expect(try await ledger.head().number == head)
                clock.now += Enrolment.renewalPause
                try await enrolment.renew(key, of: user, cap: cap)
                // After the delay it holds.
                clock.now += 72 * 3600
                try await enrolment.renew(key, of: user, cap: cap)
                #expect(try #require(try await ledger.key(key)).validUntil > end)
            }
        }
    }
}

/// A clock that stands where a test puts it.
private final class Seconds: Sendable {
    private let time = Atomic<UInt64>(1_800_000_000)

    var now: UInt64 {
        get { time.load(ordering: .relaxed) }
        set { time.store(newValue, ordering: .relaxed) }
    }
}
