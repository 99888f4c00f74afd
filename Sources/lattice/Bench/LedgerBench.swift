import Foundation
import GRDB
import Ledger
import LedgerEmbedded
import Nexus
import NodeAPI

/// What accounting costs: credit that is held, charged and released, vouchers that are settled, a ledger that is verified.
struct LedgerBench {
    /// Operations in each round.
    let operations: Int
    /// Rounds of each kind, in turns.
    let rounds: Int

    /// Writers of the rate: as many as wait together for a disk that takes milliseconds.
    private static let manyWriters = 512
    /// Writers of the comparison between one account and many.
    private static let writers = 64
    private static let vouchers = 200

    func rows() async throws -> [BenchRow] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lattice-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "ledger.sqlite").path
        let ledger = try await EmbeddedLedger.open(
            path: path,
            clusterKey: ClusterKey(),
            genesis: Genesis(administrator: Secp256k1Key().address)
        )
        let town = try await Town(ledger, people: Self.vouchers)
        var rows = try await credit(ledger, town, folder)
        rows.append(try await settle(ledger, town))
        rows.append(try await verify(ledger, path))
        rows.append(keccak())
        return rows
    }

    // MARK: Credit

    private func credit(_ ledger: EmbeddedLedger, _ town: Town, _ folder: URL) async throws -> [BenchRow] {
        let store = try NexusStore(path: folder.appending(path: "nexus.sqlite").path)
        let plain = try PlainBooks(path: folder.appending(path: "plain.sqlite").path)
        let credit = Credit()
        let one = Array(repeating: town.people[0].user, count: Self.writers)
        let many = town.people.prefix(Self.writers).map(\.user)
        let crowd = (0..<Self.manyWriters).map { town.people[$0 % town.people.count].user }
        var (rate, shared, apart, peer) = (Sample(), Sample(), Sample(), Sample())
        var sum: UInt64 = 0
        for _ in 0..<rounds {
            sum += 1
            rate.add(try await spend(as: crowd, from: sum, ledger, store, credit))
            peer.add(try plain.spend(count: operations / 10))
            shared.add(try await spend(as: one, from: sum + UInt64(rounds), ledger, store, credit))
            apart.add(try await spend(as: many, from: sum + 2 * UInt64(rounds), ledger, store, credit))
        }
        return [
            BenchRow(
                "hold, charge and release, durable, \(Self.manyWriters) in flight",
                unit: "1/s",
                ours: rate.median,
                peer: peer.median,
                named: "three statements a transaction on plain SQLite"
            ).reaching(ratio: 2, ours: 20_000),
            BenchRow(
                "the same, \(Self.writers) writers on one account",
                unit: "1/s",
                ours: shared.median,
                peer: apart.median,
                named: "\(Self.writers) accounts"
            ).reaching(ratio: 0.9),
        ]
    }

    /// Has each writer spend the credit of its user in turns, and answers with operations a second.
    private func spend(
        as users: [UserID],
        from round: UInt64,
        _ ledger: EmbeddedLedger,
        _ store: NexusStore,
        _ credit: Credit
    ) async throws -> Double {
        let each = operations / users.count
        let time = try await ContinuousClock().measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (writer, user) in users.enumerated() {
                    group.addTask {
                        try await Self.spend(each, as: user, on: UInt64(writer), from: round, ledger, store, credit)
                    }
                }
                try await group.waitForAll()
            }
        }
        return Double(each * users.count) / (time / .seconds(1))
    }

    @concurrent private static func spend(
        _ count: Int,
        as user: UserID,
        on writer: UInt64,
        from round: UInt64,
        _ ledger: EmbeddedLedger,
        _ store: NexusStore,
        _ credit: Credit
    ) async throws {
        let name = [UInt8(truncatingIfNeeded: writer), UInt8(truncatingIfNeeded: writer >> 8)]
        let key = KeyID(secp256k1: Address(lastOf: Keccak256.hash(name)))
        let channel = Credit.ChannelName(key: key, node: NodeID(round))
        for number in 1...UInt64(max(count, 1)) {
            let hold = try await credit.hold(Nano(10), for: user) { () async throws(NexusError) -> Nano in
                do { return try await ledger.funds(user).available } catch { throw .internalFault("\(error)") }
            }
            let voucher = Voucher(node: channel.node, amount: Nano(number), units: number, receipts: .zero)
            let signature = LedgerSignature(r: .zero, vs: .zero)
            try await store.save(
                NexusStore.StoredVoucher(
                    key: key,
                    user: user,
                    signed: SignedVoucher(voucher: voucher, signature: signature),
                    since: 1
                )
            )
            // Takes what the voucher adds, and gives the rest of the hold back.
            credit.charge(hold, channel: channel, signed: Nano(number))
        }
    }

    // MARK: The ledger

    private func settle(_ ledger: EmbeddedLedger, _ town: Town) async throws -> BenchRow {
        var times = Sample()
        for round in 1...UInt64(max(rounds, 5)) {
            let entries = try town.people.enumerated().map { index, person in
                let node = town.nodes[index * town.nodes.count / town.people.count]
                let voucher = Voucher(node: node, amount: Nano(round * 1000), units: round, receipts: .zero)
                return SettleEntry(voucher, signature: try person.key.sign(voucher, in: ledger.domain))
            }
            times.add(try await ContinuousClock().measure { try await town.run(.settle(entries), by: town.settler) })
        }
        return BenchRow("\(Self.vouchers) P-256 vouchers verified and committed", unit: "ms", ours: times.median)
            .reaching(atMost: 40)
    }

    private func verify(_ ledger: EmbeddedLedger, _ path: String) async throws -> BenchRow {
        let ids = AsyncIDs()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    for _ in 0..<100 {
                        let transfer = Command.transfer(to: ledger.genesis.administrator, amount: TokenAmount(Nano(1)))
                        _ = try await ledger.submit(
                            transfer,
                            caller: ledger.genesis.administrator,
                            id: ids.next()
                        )
                    }
                }
            }
            try await group.waitForAll()
        }
        await ledger.close()
        var commands = 0
        let time = try await ContinuousClock().measure {
            let report = try await EmbeddedLedger.verify(path: path)
            guard report.isSound else { throw Settings.Fault(description: "the ledger does not verify") }
            commands = Int(report.commands)
        }
        return BenchRow(
            "ledger verify, \(commands) commands",
            unit: "1/s",
            ours: Double(commands) / (time / .seconds(1))
        )
        .reaching(atLeast: 20_000)
    }

    private func keccak() -> BenchRow {
        var block = [UInt8](repeating: 0x5a, count: 128)
        let count = 300_000
        let time = ContinuousClock().measure {
            // Each hash begins the next input, so that none can be left out.
            for _ in 0..<count { block.replaceSubrange(0..<32, with: Keccak256.hash(block).bytes) }
        }
        return BenchRow("Keccak-256 of 128 bytes", unit: "1/s", ours: Double(count) / (time / .seconds(1)))
            .reaching(atLeast: 700_000)
    }
}

/// Names for submissions, each once.
private struct AsyncIDs: Sendable {
    func next() -> SubmissionID {
        var generator = SystemRandomNumberGenerator()
        return SubmissionID(Keccak256.hash((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }))
    }
}

/// People with money and keys, and nodes to spend it on.
private struct Town {
    struct Person {
        var user: UserID
        var key: P256SessionKey
    }

    let ledger: EmbeddedLedger
    var people: [Person] = []
    var nodes: [NodeID] = []

    var settler: Address { ledger.genesis.administrator }

    init(_ ledger: EmbeddedLedger, people count: Int) async throws {
        self.ledger = ledger
        let administrator = ledger.genesis.administrator
        for _ in 0..<max(count / 10, 1) {
            let application = NodeApplication(
                kind: .llm,
                model: .zero,
                meta: .zero,
                payout: administrator,
                signer: Secp256k1Key().address,
                selfStake: Nano(1_000 * Nano.lai.count)
            )
            guard let node = try await run(.registerNode(application), by: administrator).registeredNode else {
                throw Settings.Fault(description: "the ledger gave no node number")
            }
            nodes.append(node)
        }
        let validUntil = UInt64(Date().timeIntervalSince1970) + 20 * 86_400
        for _ in 0..<count {
            let wallet = Secp256k1Key()
            let registration = Command.registerWallet(owner: wallet.address, signature: nil)
            guard let user = try await run(registration, by: wallet.address).registeredUser else {
                throw Settings.Fault(description: "the ledger gave no user number")
            }
            let person = Person(user: user, key: P256SessionKey())
            try await run(.deposit(user: user, amount: TokenAmount(Nano(100 * Nano.lai.count))), by: administrator)
            let grant = KeyGrant(
                user: user,
                key: person.key.keyID,
                kind: .p256,
                validUntil: validUntil,
                cap: Nano(100 * Nano.lai.count),
                nonce: 0
            )
            try await run(.grantKey(grant, auth: nil), by: wallet.address)
            people.append(person)
        }
    }

    @discardableResult
    func run(_ command: Command, by caller: Address) async throws -> Inclusion {
        let outcome = try await ledger.submit(command, caller: caller, id: AsyncIDs().next()).outcome
        guard let inclusion = outcome.inclusion else {
            throw Settings.Fault(description: "the ledger refused what the benchmark needs: \(outcome)")
        }
        return inclusion
    }
}

/// Hold, charge and release as three statements in a transaction of SQLite, one after another.
private struct PlainBooks {
    private let database: DatabaseQueue

    init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL") }
        database = try DatabaseQueue(path: path, configuration: configuration)
        try database.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE funds (user INTEGER PRIMARY KEY, available INTEGER NOT NULL, held INTEGER NOT NULL);
                    CREATE TABLE vouchers (user INTEGER PRIMARY KEY, amount INTEGER NOT NULL, signature BLOB NOT NULL);
                    INSERT INTO funds VALUES (1, 1000000000000, 0);
                    """
            )
        }
    }

    /// Operations a second.
    func spend(count: Int) throws -> Double {
        let signature = Data(count: 64)
        let time = try ContinuousClock().measure {
            for _ in 0..<count {
                try database.write { database in
                    try database.cachedStatement(
                        sql: "UPDATE funds SET held = held + 10 WHERE user = 1 AND available - held >= 10"
                    ).execute()
                    try database.cachedStatement(
                        sql: """
                            INSERT INTO vouchers VALUES (1, 1, ?)
                            ON CONFLICT (user) DO UPDATE SET amount = amount + 1, signature = excluded.signature
                            """
                    ).execute(arguments: [signature])
                    try database.cachedStatement(
                        sql: "UPDATE funds SET held = held - 10, available = available - 1 WHERE user = 1"
                    ).execute()
                }
            }
        }
        return Double(count) / (time / .seconds(1))
    }
}
