import Foundation
import GRDB
import LatticeTesting
import Ledger
import LedgerConformance
@testable import LedgerEmbedded
import Testing

/// A ledger whose file was changed behind its back.
@Suite struct `Damage` {
    private static let changes = [
        ("users", "nonce = nonce + 1"), ("roots", "since = since + 1"), ("commitments", "user = user + 1"),
        ("keys", "cap = cap - 1"), ("proposals", "ready_at = ready_at - 1"), ("funds", "available = available + 1"),
        ("channels", "paid = paid - 1"), ("grants", "time = time + 1"), ("nodes", "status = 3"),
        ("signers", "node = 5"), ("earnings", "claimable = claimable + 1"), ("pools", "assets = assets + 1"),
        ("stakes", "since = since - 1"), ("exits", "ends_at = 0"), ("node_fees", "fee = fee + 1"),
        ("reports", "uptime = 0"), ("epochs", "sealed_at = 1"), ("rewards", "amount = amount + 1"),
        ("cases", "amount = amount + 1"), ("evidence", "id = id + 1"), ("quality", "bps = 0"),
        ("seats", "holder = zeroblob(20)"), ("pauses", "until = 0"), ("calls", "ready_at = 0"),
        ("ballots", "votes_for = votes_for + 1"), ("votes", "weight = weight + 1"),
        ("functions", "allowed = 0"), ("directory", "address = zeroblob(20)"),
        ("accounts", "units = '1' || units"), ("params", "value = value + 1"), ("counters", "value = value + 1"),
        ("commands", "body = zeroblob(length(body))"), ("commands", "outcome = 'x'"),
        ("commands", "submission = zeroblob(32)"), ("commands", "caller = zeroblob(20)"),
        ("events", "data = zeroblob(length(data) + 1)"), ("events", "topic1 = zeroblob(32)"),
        ("events", "command = command + 1"), ("blocks", "time = time + 1"),
        ("blocks", "signature = zeroblob(64)"), ("blocks", "hash = zeroblob(32)"),
        ("checkpoint", "digests = zeroblob(length(digests))"), ("ledger", "public_key = zeroblob(32)"),
    ]

    @Test func `a row changed from outside is found by verify, and the ledger is not opened`() async throws {
        try await withTemporaryDirectory { folder in
            let filled = Cabinet(folder: folder)
            let ledger = try await filled.open()
            try await filled.fill(ledger)
            let head = try await ledger.head().number
            await ledger.close()
            for (number, (table, change)) in Self.changes.enumerated() {
                let cabinet = try filled.copy(in: folder + "/\(number)")
                let changed = try cabinet.tamper { db in
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
                #expect(changed == 1, "\(table): \(change)")
                let report = try await EmbeddedLedger.verify(path: cabinet.path)
                let fault = try #require(report.fault, "\(table): \(change)")
                #expect(fault.block <= head)
                if !["ledger", "blocks"].contains(table) { #expect(fault.table == table) }
                await #expect(throws: LedgerOpenError.self, "\(table): \(change)") { try await cabinet.open(nil) }
            }
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
                _ = try await ledger.submit(command, caller: administrator, id: .test(UInt64(number)))
            }
            await ledger.close()
            let target = Data(targets[2].bytes)
            try cabinet.tamper { db in
                try db.execute(sql: "UPDATE accounts SET units = '2' WHERE address = ?", arguments: [target])
            }
            let report = try await EmbeddedLedger.verify(path: cabinet.path)
            #expect(report.fault?.block == 3 && report.fault?.table == "accounts")
        }
    }

    @Test func `a missing block, command, event or row is found`() async throws {
        let changes = [
            "DELETE FROM blocks WHERE number = 4", "DELETE FROM commands WHERE number = 4",
            "DELETE FROM events WHERE number = 4", "DELETE FROM funds WHERE user = 1",
            "DELETE FROM checkpoint", "DELETE FROM blocks WHERE number = 0",
            "INSERT INTO grants VALUES (77, 1)",
        ]
        try await withTemporaryDirectory { folder in
            let filled = Cabinet(folder: folder)
            let ledger = try await filled.open()
            try await filled.fill(ledger)
            await ledger.close()
            for (number, sql) in changes.enumerated() {
                let cabinet = try filled.copy(in: folder + "/\(number)")
                try cabinet.tamper { try $0.execute(sql: sql) }
                #expect(try await EmbeddedLedger.verify(path: cabinet.path).isSound == false, "\(sql)")
                await #expect(throws: LedgerOpenError.self, "\(sql)") { try await cabinet.open(nil) }
            }
        }
    }

    @Test(arguments: ["commands", "events", "blocks"], [-1, .min, 1, 2] as [Int64])
    func `a row outside the chain is found by verify, and the ledger is not opened`(
        table: String,
        distance: Int64
    ) async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            _ = try await ledger.submit(.sweep, caller: Address.stranger, id: .test(1))
            let head = Int64(try await ledger.head().number)
            await ledger.close()
            // Beyond the head, or what looks so without a sign.
            let number = distance < 0 ? distance : head + distance
            try cabinet.tamper { db in
                let columns = try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info('\(table)')")
                let values = columns.map { column in
                    switch column {
                    case "number": "\(number)"
                    case "submission": "zeroblob(32)"
                    default: column
                    }
                }
                let row = "SELECT \(values.joined(separator: ", ")) FROM \(table) WHERE number = 0 LIMIT 1"
                try db.execute(sql: "INSERT INTO \(table) \(row)")
            }
            let fault = try #require(try await EmbeddedLedger.verify(path: cabinet.path).fault)
            #expect(table == "blocks" || fault.table == table)
            await #expect {
                try await cabinet.open(nil)
            } throws: { error in
                guard case .damaged? = error as? LedgerOpenError else { return false }
                return true
            }
        }
    }

    @Test func `block zero is checked however many blocks came after it`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            // One more than are checked of the newest.
            for number in 1...LedgerOpening.checkedBlocks {
                _ = try await ledger.submit(.sweep, caller: .zero, id: .test(number))
            }
            #expect(try await ledger.head().number == LedgerOpening.checkedBlocks)
            let roles = ledger.genesis.roles
            await ledger.close()
            await (try await cabinet.open(nil)).close()
            for role in [roles.owner, roles.registrar, roles.reporter, roles.faucetSigner] {
                let body = try cabinet.tamper { db in
                    let body = try #require(try Data.fetchOne(db, sql: "SELECT body FROM commands WHERE number = 0"))
                    var changed = body
                    let place = try #require(body.range(of: Data(role.bytes), options: .backwards))
                    changed[place.upperBound - 1] ^= 1
                    try db.execute(sql: "UPDATE commands SET body = ? WHERE number = 0", arguments: [changed])
                    return body
                }
                let fault = VerificationFault(
                    block: 0,
                    table: "commands",
                    problem: "its commands are not those that it was made of"
                )
                await #expect(throws: LedgerOpenError.damaged(path: cabinet.path, fault)) {
                    try await cabinet.open(nil)
                }
                try cabinet.tamper { db in
                    try db.execute(sql: "UPDATE commands SET body = ? WHERE number = 0", arguments: [body])
                }
            }
            try cabinet.tamper { try $0.execute(sql: "DELETE FROM blocks WHERE number = 0") }
            await #expect(throws: LedgerOpenError.self) { try await cabinet.open(nil) }
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
            for round in 0..<(isLongRun ? 400 : 12) {
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
