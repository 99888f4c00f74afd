import Foundation
import GRDB
import LatticeTesting
import Ledger
import LedgerEmbedded
import Testing

/// A ledger in a folder of its own, which can be closed, copied and opened again.
private struct Cabinet {
    let folder: String
    let key = ClusterKey()
    let time = ManualTime()
    var path: String { folder + "/ledger.sqlite" }

    func open(_ genesis: Genesis? = Stage.genesis(), at path: String? = nil) async throws -> EmbeddedLedger {
        let time = time
        return try await EmbeddedLedger.open(
            path: path ?? self.path,
            clusterKey: key,
            genesis: genesis,
            now: { time.now }
        )
    }

    /// Some of everything, so that every table but two has rows.
    func fill(_ ledger: EmbeddedLedger) async throws {
        let stage = Stage(ledger: ledger, time: time, genesis: ledger.genesis)
        let person = try await stage.person(deposit: Nano(lai: 3))
        let node = try await stage.node()
        try await stage.run(.grant(user: person.id), by: stage.faucetSigner)
        try await stage.settle([try stage.voucher(person.key, node, Nano(lai: 6))])
        try await stage.run(.harvest(node: node))
        let user = try #require(
            try await stage.run(.registerAttested(commitment: Keccak256.hash([5])), by: stage.registrar).registeredUser
        )
        try await stage.run(.deposit(user: user, amount: TokenAmount(Nano(9))))
        let proposal = Command.grantKeyAttested(
            user: user,
            key: P256SessionKey().keyID,
            kind: .p256,
            validUntil: time.now + .day,
            cap: Nano(1)
        )
        try await stage.run(proposal, by: stage.registrar)
        try await stage.refuse(.completeWithdraw(user: user), .nothingPending)
    }

    /// What a power cut at this moment leaves: the file and its log as they are together.
    ///
    /// `nil` when the log was written back
    /// into the file between the two reads.
    func copy(to name: String) throws -> String? {
        let target = folder + "/" + name + ".sqlite"
        let file = try Data(contentsOf: URL(filePath: path))
        let log = try Data(contentsOf: URL(filePath: path + "-wal"))
        guard try Data(contentsOf: URL(filePath: path)) == file else { return nil }
        try file.write(to: URL(filePath: target))
        try log.write(to: URL(filePath: target + "-wal"))
        return target
    }
}

private func id(_ number: UInt64) -> SubmissionID { SubmissionID(Bytes32(number: number)) }

@Suite struct `Store` {
    @Test func `a ledger that is opened again is the one that was closed`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let first = try await cabinet.open()
            try await cabinet.fill(first)
            let (head, balances) = (try await first.head(), try await first.balances())
            await first.close()
            let second = try await cabinet.open(nil)
            #expect(try await second.head() == head)
            #expect(try await second.balances() == balances)
            #expect(second.genesis == Stage.genesis())
            #expect(second.domain == first.domain)
            await second.close()
        }
    }

    @Test func `a command is done once under one name, also after a restart`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Stage.stranger, amount: TokenAmount(Nano(5)))
            let first = try await ledger.submit(command, caller: administrator, id: id(1))
            let again = try await ledger.submit(command, caller: administrator, id: id(1))
            #expect(first == again)
            let refused = try await ledger.submit(.sweep, caller: .zero, id: id(2))
            #expect(refused.outcome == .rejected(.badAddress))
            let reopened: EmbeddedLedger
            await ledger.close()
            reopened = try await cabinet.open()
            #expect(try await reopened.submit(command, caller: administrator, id: id(1)) == first)
            #expect(try await reopened.outcome(id(1)) == first.outcome)
            #expect(try await reopened.outcome(id(2)) == .rejected(.badAddress))
            #expect(try await reopened.outcome(id(3)) == nil)
            #expect(try await reopened.account(Stage.stranger) == TokenAmount(Nano(5)))
            await reopened.close()
        }
    }

    @Test func `commands that come together share blocks, and one name among them is done once`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Stage.stranger, amount: TokenAmount(Nano(1)))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in UInt64(0)..<400 {
                    group.addTask {
                        _ = try await ledger.submit(command, caller: administrator, id: id(number / 2))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await ledger.account(Stage.stranger) == TokenAmount(Nano(200)))
            #expect(try await ledger.head().number < 200)
            await ledger.close()
        }
    }

    @Test func `events come in pages, in order, and the newest first on request`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            try await cabinet.fill(ledger)
            var all: [LedgerEvent] = []
            var cursor: LedgerEventCursor?
            while true {
                let page = try await ledger.events(after: cursor, limit: 7)
                #expect(page.events.count <= 7)
                if page.events.isEmpty { break }
                all += page.events
                cursor = page.next
            }
            #expect(all.map(\.cursor) == all.map(\.cursor).sorted())
            #expect(all.count > 30 && all.allSatisfy(\.isFinal))
            let newest = try await ledger.newestEvents(limit: 5)
            #expect(newest == all.suffix(5).reversed())
            #expect(newest.allSatisfy { $0.time == cabinet.time.now })
            await ledger.close()
        }
    }

    @Test func `time never runs back`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let start = cabinet.time.now
            cabinet.time.set(start - 500)
            let outcome = try await ledger.submit(.sweep, caller: Stage.stranger, id: id(1)).outcome
            #expect(outcome.inclusion?.time == start)
            await ledger.close()
        }
    }

    @Test func `a second one cannot open the same ledger`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            await #expect(throws: LedgerOpenError.inUse(path: cabinet.path)) { try await cabinet.open() }
            await ledger.close()
        }
    }

    @Test func `what cannot be opened says why and what to do`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            await #expect(throws: LedgerOpenError.noLedger(path: cabinet.path)) { try await cabinet.open(nil) }
            var genesis = Stage.genesis()
            genesis.parameters[.feeBPS] = 5_000
            await #expect(throws: LedgerOpenError.badGenesis("out of bounds")) { try await cabinet.open(genesis) }
            await (try await cabinet.open()).close()
            await #expect(throws: LedgerOpenError.wrongKey(path: cabinet.path)) {
                try await EmbeddedLedger.open(path: cabinet.path, clusterKey: ClusterKey(), genesis: nil)
            }
            let other = folder + "/notes.sqlite"
            try Data("These are notes, and many of them, so that it is no empty file.".utf8).write(
                to: URL(filePath: other)
            )
            await #expect {
                try await cabinet.open(at: other)
            } throws: { error in
                guard case .notALedger? = error as? LedgerOpenError else { return false }
                return "\(error)".contains("backup")
            }
            await #expect {
                try await cabinet.open(at: folder + "/nowhere/ledger.sqlite")
            } throws: { error in
                guard case .notWritable? = error as? LedgerOpenError else { return false }
                return "\(error)".contains("data folder")
            }
        }
    }

    @Test func `copies taken while it writes open at a block and verify`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Stage.stranger, amount: TokenAmount(Nano(1)))
            let paths = try await withThrowingTaskGroup(of: [String].self) { group in
                group.addTask {
                    for number in UInt64(0)..<600 {
                        _ = try await ledger.submit(command, caller: administrator, id: id(number))
                    }
                    return []
                }
                group.addTask {
                    var paths: [String] = []
                    while try await ledger.head().number < 560 {
                        if let path = try cabinet.copy(to: "copy-\(paths.count)") { paths.append(path) }
                        await Task.yield()
                    }
                    return paths
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            await ledger.close()
            #expect(paths.count > 3)
            for path in paths.suffix(8) {
                let copy = try await cabinet.open(nil, at: path)
                let number = try await copy.head().number
                #expect(try await copy.account(Stage.stranger) == TokenAmount(Nano(number)))
                await copy.close()
                let report = try await EmbeddedLedger.verify(path: path, publicKey: cabinet.key.publicKey)
                #expect(report.fault == nil && report.blocks == number + 1)
            }
        }
    }

    @Test(
        arguments: [
            ("users", "nonce = nonce + 1"), ("roots", "since = since + 1"), ("commitments", "user = user + 1"),
            ("keys", "cap = cap - 1"), ("proposals", "ready_at = ready_at - 1"), ("funds", "available = available + 1"),
            ("channels", "paid = paid - 1"), ("grants", "time = time + 1"), ("nodes", "status = 3"),
            ("signers", "node = 5"), ("earnings", "claimable = claimable + 1"), ("pools", "locked_stake = 0"),
            ("accounts", "units = '1' || units"), ("params", "value = value + 1"), ("counters", "value = value + 1"),
            ("commands", "body = zeroblob(length(body))"), ("commands", "outcome = 'x'"),
            ("commands", "submission = zeroblob(32)"), ("commands", "caller = zeroblob(20)"),
            ("events", "data = zeroblob(length(data) + 1)"), ("events", "topic1 = zeroblob(32)"),
            ("events", "command = command + 1"), ("blocks", "time = time + 1"),
            ("blocks", "signature = zeroblob(64)"), ("blocks", "hash = zeroblob(32)"),
            ("checkpoint", "digests = zeroblob(length(digests))"), ("ledger", "public_key = zeroblob(32)"),
        ]
    )
    func `a row changed from outside is found by verify, and the ledger is not opened`(
        table: String,
        change: String
    ) async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            try await cabinet.fill(ledger)
            let head = try await ledger.head().number
            await ledger.close()
            let queue = try DatabaseQueue(path: cabinet.path)
            let changed = try await queue.write { db in
                let columns = try String.fetchAll(
                    db,
                    sql: "SELECT name FROM pragma_table_info('\(table)') WHERE pk > 0"
                )
                let order = columns.isEmpty ? "1" : columns.map { "\($0) DESC" }.joined(separator: ", ")
                let keys = columns.isEmpty ? "rowid" : columns.joined(separator: ", ")
                try db.execute(
                    sql: """
                        UPDATE \(table) SET \(change)
                        WHERE (\(keys)) = (SELECT \(keys) FROM \(table) ORDER BY \(order) LIMIT 1)
                        """
                )
                return db.changesCount
            }
            #expect(changed == 1)
            try queue.close()
            let report = try await EmbeddedLedger.verify(path: cabinet.path)
            let fault = try #require(report.fault)
            #expect(fault.block <= head)
            if !["ledger", "blocks"].contains(table) { #expect(fault.table == table) }
            await #expect(throws: LedgerOpenError.self) { try await cabinet.open(nil) }
        }
    }

    @Test func `verify names the block that wrote a changed row`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let targets = (0..<5).map { Address(lastOf: Keccak256.hash([UInt8($0)])) }
            for (number, target) in targets.enumerated() {
                let command = Command.transfer(to: target, amount: TokenAmount(Nano(1)))
                _ = try await ledger.submit(command, caller: administrator, id: id(UInt64(number)))
            }
            await ledger.close()
            let queue = try DatabaseQueue(path: cabinet.path)
            try await queue.write { db in
                try db.execute(
                    sql: "UPDATE accounts SET units = '2' WHERE address = ?",
                    arguments: [Data(targets[2].bytes)]
                )
            }
            try queue.close()
            let report = try await EmbeddedLedger.verify(path: cabinet.path)
            #expect(report.fault?.block == 3 && report.fault?.table == "accounts")
        }
    }

    @Test func `a missing block, command, event or row is found`() async throws {
        for sql in [
            "DELETE FROM blocks WHERE number = 4", "DELETE FROM commands WHERE number = 4",
            "DELETE FROM events WHERE number = 4", "DELETE FROM funds WHERE user = 1",
            "DELETE FROM checkpoint", "DELETE FROM blocks WHERE number = 0",
            "INSERT INTO grants VALUES (77, 1)",
        ] {
            try await withTemporaryDirectory { folder in
                let cabinet = Cabinet(folder: folder)
                let ledger = try await cabinet.open()
                try await cabinet.fill(ledger)
                await ledger.close()
                let queue = try DatabaseQueue(path: cabinet.path)
                try await queue.write { try $0.execute(sql: sql) }
                try queue.close()
                #expect(try await EmbeddedLedger.verify(path: cabinet.path).isSound == false)
                await #expect(throws: LedgerOpenError.self) { try await cabinet.open(nil) }
            }
        }
    }

    @Test func `bytes changed anywhere in the file never crash it, and what opens is what was closed`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            try await cabinet.fill(ledger)
            let balances = try await ledger.balances()
            await ledger.close()
            let file = try Data(contentsOf: URL(filePath: cabinet.path))
            var generator = SeededGenerator(seed: 84)
            for round in 0..<40 {
                var bytes = file
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                let path = folder + "/flipped-\(round).sqlite"
                try bytes.write(to: URL(filePath: path))
                let report = try? await EmbeddedLedger.verify(path: path)
                guard let opened = try? await cabinet.open(nil, at: path) else { continue }
                #expect(try await opened.balances() == balances)
                #expect(report?.fault?.table != "funds")
                await opened.close()
            }
        }
    }
}
