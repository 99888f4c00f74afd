import Durability
import Foundation
import GRDB
package import Ledger
package import NodeAPI

/// What Nexus keeps on disk: API keys (hashed), session keys (sealed) and the newest voucher of every channel.
///
/// One SQLite file, WAL, `synchronous=FULL`: a voucher is on disk before the node is told that it is accepted.
public final class NexusStore: Sendable {
    private let database: DatabasePool
    private let commit: GroupCommit

    /// Why the store cannot be used.
    public enum StoreError: Error, CustomStringConvertible {
        /// The folder or the file cannot be written.
        case unwritable(path: String, reason: String)

        /// What failed and what to do.
        public var description: String {
            switch self {
            case .unwritable(let path, let reason):
                "cannot write \(path): \(reason). Choose another folder with --data-dir or mend its permissions."
            }
        }
    }

    /// Opens the store, creating it where there is none.
    public init(path: String) throws(StoreError) {
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            database = try DatabasePool(path: path, configuration: configuration)
            try Self.migrator.migrate(database)
            commit = GroupCommit(database)
        } catch {
            throw .unwritable(path: path, reason: "\(error)")
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("accounts and vouchers") { database in
            try database.execute(
                sql: """
                    CREATE TABLE api_keys (hash BLOB PRIMARY KEY, user INTEGER NOT NULL, label TEXT NOT NULL) WITHOUT ROWID;
                    CREATE TABLE session_keys (user INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL);
                    CREATE TABLE commitments (user INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
                    CREATE TABLE vouchers (
                        key BLOB NOT NULL, node INTEGER NOT NULL, user INTEGER NOT NULL,
                        amount INTEGER NOT NULL, units INTEGER NOT NULL, receipts BLOB NOT NULL,
                        r BLOB NOT NULL, s BLOB NOT NULL, x BLOB NOT NULL, y BLOB NOT NULL,
                        PRIMARY KEY (key, node)) WITHOUT ROWID;
                    """
            )
        }
        migrator.registerMigration("age of what is unsettled") { database in
            try database.execute(sql: "ALTER TABLE vouchers ADD COLUMN since INTEGER NOT NULL DEFAULT 0")
        }
        return migrator
    }

    // MARK: API keys

    func addAPIKey(hash: [UInt8], user: UserID, label: String) async throws {
        try await database.write { database in
            try database.execute(
                sql: "INSERT INTO api_keys (hash, user, label) VALUES (?, ?, ?)",
                arguments: [Data(hash), Int64(user.number), label]
            )
        }
    }

    func user(ofAPIKeyHash hash: [UInt8]) async throws -> UserID? {
        try await database.read { database in
            try Int64.fetchOne(database, sql: "SELECT user FROM api_keys WHERE hash = ?", arguments: [Data(hash)])
                .map { UserID(UInt64($0)) }
        }
    }

    // MARK: Session keys

    func addSessionKey(_ key: KeyID, user: UserID, sealed: [UInt8]) async throws {
        try await database.write { database in
            try database.execute(
                sql: "INSERT INTO session_keys (user, key, sealed) VALUES (?, ?, ?)",
                arguments: [Int64(user.number), Data(key.bytes), Data(sealed)]
            )
        }
    }

    func sealedSessionKey(of user: UserID) async throws -> [UInt8]? {
        try await database.read { database in
            try Data.fetchOne(
                database,
                sql: "SELECT sealed FROM session_keys WHERE user = ?",
                arguments: [Int64(user.number)]
            ).map { [UInt8]($0) }
        }
    }

    /// Keeps what stands behind an attested user's commitment; the ledger holds only the hash.
    func addCommitment(user: UserID, sealed: [UInt8]) async throws {
        try await database.write { database in
            try database.execute(
                sql: "INSERT INTO commitments (user, sealed) VALUES (?, ?)",
                arguments: [Int64(user.number), Data(sealed)]
            )
        }
    }

    // MARK: Vouchers

    /// A channel with the newest voucher on it.
    package struct StoredVoucher: Hashable, Sendable {
        var key: KeyID
        var user: UserID
        var signed: SignedVoucher
        /// When the oldest amount on the channel that the ledger has not paid was signed, in seconds since 1970.
        var since: UInt64

        /// Puts a voucher beside the key that signed it and the user who pays.
        package init(key: KeyID, user: UserID, signed: SignedVoucher, since: UInt64) {
            self.key = key
            self.user = user
            self.signed = signed
            self.since = since
        }
    }

    /// Puts a voucher in the place of the channel's older one; an older voucher never replaces a newer one.
    package func save(_ stored: StoredVoucher) async throws {
        try await commit.write { database in
            let voucher = stored.signed.voucher
            let signature = stored.signed.signature
            try database.execute(
                sql: """
                    INSERT INTO vouchers (key, node, user, amount, units, receipts, r, s, x, y, since)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (key, node) DO UPDATE SET
                        amount = excluded.amount, units = excluded.units, receipts = excluded.receipts,
                        r = excluded.r, s = excluded.s, x = excluded.x, y = excluded.y, since = excluded.since
                    WHERE excluded.amount >= vouchers.amount
                    """,
                arguments: [
                    Data(stored.key.bytes), Int64(voucher.node.number), Int64(stored.user.number),
                    Int64(clamping: voucher.amount.count), Int64(clamping: voucher.units), Data(voucher.receipts.bytes),
                    Data(signature.r.bytes), Data(signature.s.bytes), Data(signature.x.bytes), Data(signature.y.bytes),
                    Int64(clamping: stored.since),
                ]
            )
        }
    }

    func vouchers() async throws -> [StoredVoucher] {
        try await database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM vouchers").compactMap(Self.voucher)
        }
    }

    private static func voucher(_ row: Row) -> StoredVoucher? {
        func hash(_ column: String) -> Bytes32? { Bytes32([UInt8](row[column] as Data)) }
        guard let key = KeyID([UInt8](row["key"] as Data)), let receipts = hash("receipts"), let r = hash("r"),
            let s = hash("s"), let x = hash("x"), let y = hash("y")
        else { return nil }
        return StoredVoucher(
            key: key,
            user: UserID(UInt64(row["user"] as Int64)),
            signed: SignedVoucher(
                voucher: Voucher(
                    node: NodeID(UInt64(row["node"] as Int64)),
                    amount: Nano(UInt64(row["amount"] as Int64)),
                    units: UInt64(row["units"] as Int64),
                    receipts: receipts
                ),
                signature: LedgerSignature(r: r, s: s, x: x, y: y)
            ),
            since: UInt64(clamping: row["since"] as Int64)
        )
    }
}
