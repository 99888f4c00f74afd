import Durability
import Foundation
import GRDB
import Ledger
import NodeAPI

/// What a node keeps on disk: the newest voucher of every channel, and every receipt that it signed.
public final class NodeStore: Sendable {
    private let database: DatabaseQueue
    private let commit: GroupCommit

    /// Why the store cannot be used.
    public enum StoreError: Error, CustomStringConvertible {
        /// The folder or the file cannot be written.
        case unwritable(path: String, reason: String)
        /// What is stored belongs to another ledger: its vouchers are worth nothing on this one.
        case otherLedger(path: String)

        /// What failed and what to do.
        public var description: String {
            switch self {
            case .unwritable(let path, let reason):
                "cannot write \(path): \(reason). Choose another folder with --data-dir or mend its permissions."
            case .otherLedger(let path):
                "\(path) holds the vouchers of another ledger. Start this node with another --data-dir."
            }
        }
    }

    private let path: String

    /// Opens the store, creating it where there is none.
    public init(path: String) throws(StoreError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
            var migrator = DatabaseMigrator()
            migrator.registerMigration("channels and receipts") { database in
                try database.execute(
                    sql: """
                        CREATE TABLE ledger (domain BLOB NOT NULL);
                        CREATE TABLE channels (
                            key BLOB PRIMARY KEY, node INTEGER NOT NULL, amount INTEGER NOT NULL, units INTEGER NOT NULL,
                            receipts BLOB NOT NULL, r BLOB NOT NULL, s BLOB NOT NULL, x BLOB NOT NULL, y BLOB NOT NULL
                        ) WITHOUT ROWID;
                        CREATE TABLE receipts (
                            session BLOB NOT NULL, sequence INTEGER NOT NULL, key BLOB NOT NULL, body BLOB NOT NULL,
                            paid INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (session, sequence)) WITHOUT ROWID;
                        """
                )
            }
            migrator.registerMigration("age of what is unsettled") { database in
                try database.execute(sql: "ALTER TABLE channels ADD COLUMN since INTEGER NOT NULL DEFAULT 0")
            }
            try migrator.migrate(database)
            commit = GroupCommit(database)
        } catch {
            throw .unwritable(path: path, reason: "\(error)")
        }
    }

    /// Ties the store to one ledger, at the first call for good.
    func bind(to domain: TypedDomain) async throws {
        let separator = Data(domain.separator.bytes)
        let bound = try await database.write { database in
            if let known = try Data.fetchOne(database, sql: "SELECT domain FROM ledger") { return known }
            try database.execute(sql: "INSERT INTO ledger (domain) VALUES (?)", arguments: [separator])
            return separator
        }
        guard bound == separator else { throw StoreError.otherLedger(path: path) }
    }

    /// The newest voucher of a channel.
    func voucher(of key: KeyID) async throws -> SignedVoucher? {
        try await database.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM channels WHERE key = ?", arguments: [Data(key.bytes)])
                .flatMap(Self.voucher)
        }
    }

    /// Gives a receipt the next sequence number of its session and writes it down before it is signed, so that one
    /// (session, sequence) never stands under two receipts (ledger specification, §5.7).
    ///
    /// - Parameter make: the receipt with this sequence number.
    func record(session: Bytes32, key: KeyID, make: @escaping @Sendable (UInt64) -> Receipt) async throws -> Receipt {
        try await commit.write { database in
            let last = try Int64.fetchOne(
                database,
                sql: "SELECT max(sequence) FROM receipts WHERE session = ?",
                arguments: [Data(session.bytes)]
            )
            let sequence = (last ?? 0) + 1
            let receipt = make(UInt64(sequence))
            try database.execute(
                sql: "INSERT INTO receipts (session, sequence, key, body) VALUES (?, ?, ?, ?)",
                arguments: [Data(session.bytes), sequence, Data(key.bytes), try JSONEncoder().encode(receipt)]
            )
            return receipt
        }
    }

    /// Keeps a voucher, and with it the receipt that it pays.
    ///
    /// An older voucher never replaces a newer one.
    ///
    /// - Parameter now: seconds since 1970; the channel's age begins there, unless something on it is older and unsettled.
    func save(_ signed: SignedVoucher, key: KeyID, paying receipt: Receipt?, at now: UInt64) async throws {
        try await commit.write { database in
            try database.execute(
                sql: """
                    INSERT INTO channels (key, node, amount, units, receipts, r, s, x, y, since)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (key) DO UPDATE SET
                        amount = excluded.amount, units = excluded.units, receipts = excluded.receipts,
                        r = excluded.r, s = excluded.s, x = excluded.x, y = excluded.y,
                        since = CASE since WHEN 0 THEN excluded.since ELSE since END
                    WHERE excluded.amount >= channels.amount
                    """,
                arguments: [
                    Data(key.bytes), Int64(clamping: signed.voucher.node.number),
                    Int64(clamping: signed.voucher.amount.count), Int64(clamping: signed.voucher.units),
                    Data(signed.voucher.receipts.bytes), Data(signed.signature.r.bytes),
                    Data(signed.signature.s.bytes), Data(signed.signature.x.bytes), Data(signed.signature.y.bytes),
                    Int64(clamping: now),
                ]
            )
            guard let receipt else { return }
            try database.execute(
                sql: "UPDATE receipts SET paid = 1 WHERE session = ? AND sequence = ?",
                arguments: [Data(receipt.session.bytes), Int64(clamping: receipt.seq)]
            )
        }
    }

    /// A voucher with the key that signed it.
    struct HeldVoucher: Sendable {
        var key: KeyID
        var signed: SignedVoucher
    }

    /// The newest vouchers of channels on which something has been unsettled since that second or longer, the oldest first.
    func unsettled(since limit: UInt64) async throws -> [HeldVoucher] {
        try await database.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM channels WHERE since != 0 AND since <= ? ORDER BY since, key",
                arguments: [Int64(clamping: limit)]
            ).compactMap { row in
                guard let key = KeyID([UInt8](row["key"] as Data)), let signed = Self.voucher(row) else { return nil }
                return HeldVoucher(key: key, signed: signed)
            }
        }
    }

    /// The ledger has paid so much on a channel.
    func settled(_ key: KeyID, upTo paid: Nano) async throws {
        try await commit.write { database in
            try database.execute(
                sql: "UPDATE channels SET since = 0 WHERE key = ? AND amount <= ?",
                arguments: [Data(key.bytes), Int64(clamping: paid.count)]
            )
        }
    }

    private static func voucher(_ row: Row) -> SignedVoucher? {
        func word(_ column: String) -> Bytes32? { Bytes32([UInt8](row[column] as Data)) }
        guard let receipts = word("receipts"), let r = word("r"), let s = word("s"), let x = word("x"),
            let y = word("y")
        else { return nil }
        return SignedVoucher(
            voucher: Voucher(
                node: NodeID(UInt64(row["node"] as Int64)),
                amount: Nano(UInt64(row["amount"] as Int64)),
                units: UInt64(row["units"] as Int64),
                receipts: receipts
            ),
            signature: LedgerSignature(r: r, s: s, x: x, y: y)
        )
    }
}
