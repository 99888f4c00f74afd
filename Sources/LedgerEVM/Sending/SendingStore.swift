import Foundation
import GRDB
import Ledger

/// Why the file with submissions and transactions cannot be used.
public enum SendingStoreError: Error, Hashable, Sendable {
    /// Another process has it open: two would give out the same nonces.
    case inUse(path: String)
    /// It belongs to another chain or another set of contracts.
    case otherLedger(path: String)
    /// It is no such file, or holds what nobody wrote.
    case damaged(path: String, problem: String)
    /// The file or the disk failed.
    case failed(String)
}

/// The file behind a ledger on a chain: what was handed in, what was signed for it, and how far it came.
///
/// The bytes of a transaction are in it before anyone else has them, so that a restart sends the same bytes (ledger
/// specification, §9). One process at a time has it open.
final class SendingStore: Sendable {
    /// Written into the file's header: "LATE".
    private static let applicationID = 0x4C41_5445
    /// Changes with the tables.
    private static let version = 1

    private let path: String
    private let queue: DatabaseQueue

    /// Opens the file for one ledger, or begins one.
    ///
    /// - Parameter ledger: a hash of what makes the ledger: chain, first block, contracts.
    init(path: String, ledger: Bytes32) throws(SendingStoreError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { db in
                // The lock stays until the process ends, however it ends.
                try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                try db.execute(sql: "PRAGMA synchronous = FULL")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let owner = try queue.write { db in
                if try Int.fetchOne(db, sql: "PRAGMA application_id") == 0, try !db.tableExists("ledger") {
                    try Self.create(db, ledger: ledger)
                }
                guard try Int.fetchOne(db, sql: "PRAGMA application_id") == Self.applicationID,
                    try Int.fetchOne(db, sql: "PRAGMA user_version") == Self.version
                else { throw SendingStoreError.damaged(path: path, problem: "it is not a file of this version") }
                return try Data.fetchOne(db, sql: "SELECT hash FROM ledger")
            }
            guard owner == Data(ledger.bytes) else { throw SendingStoreError.otherLedger(path: path) }
        } catch let error as SendingStoreError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            throw .inUse(path: path)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .damaged(path: path, problem: "it is not a database")
        } catch {
            throw .failed("\(error)")
        }
    }

    /// Lets go of the file.
    func close() throws(SendingStoreError) {
        do { try queue.close() } catch { throw .failed("\(error)") }
    }

    private static func create(_ db: Database, ledger: Bytes32) throws {
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
        try db.execute(
            sql: """
                CREATE TABLE ledger (hash BLOB NOT NULL) STRICT;
                CREATE TABLE submissions (
                    number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, caller BLOB NOT NULL,
                    contract BLOB NOT NULL, call BLOB NOT NULL, urgent INTEGER NOT NULL, created INTEGER NOT NULL,
                    refusal TEXT, nonce INTEGER) STRICT;
                CREATE INDEX waiting ON submissions (caller, number) WHERE refusal IS NULL AND nonce IS NULL;
                CREATE TABLE transactions (
                    sender BLOB NOT NULL, nonce INTEGER NOT NULL, submission BLOB NOT NULL, purpose INTEGER NOT NULL,
                    target BLOB NOT NULL, data BLOB NOT NULL, gas INTEGER NOT NULL, state TEXT NOT NULL,
                    first_sent INTEGER, missed_since INTEGER, mined_hash BLOB, block INTEGER, block_hash BLOB, succeeded INTEGER,
                    time INTEGER, logs BLOB, failure TEXT, PRIMARY KEY (sender, nonce)) STRICT, WITHOUT ROWID;
                CREATE INDEX unfinished ON transactions (sender, nonce) WHERE state NOT IN ('final', 'dropped');
                CREATE INDEX carriers ON transactions (submission, purpose);
                CREATE TABLE attempts (
                    sender BLOB NOT NULL, nonce INTEGER NOT NULL, position INTEGER NOT NULL, raw BLOB NOT NULL,
                    PRIMARY KEY (sender, nonce, position)) STRICT, WITHOUT ROWID;
                CREATE TABLE blocks (
                    number INTEGER NOT NULL, hash BLOB NOT NULL, epoch INTEGER NOT NULL, floor INTEGER NOT NULL,
                    dead INTEGER NOT NULL,
                    PRIMARY KEY (number, hash)) STRICT, WITHOUT ROWID;
                """
        )
        try db.execute(sql: "INSERT INTO ledger VALUES (?)", arguments: [Data(ledger.bytes)])
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(SendingStoreError) -> Value {
        do { return try await queue.read(body) } catch { throw converted(error) }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(SendingStoreError) -> Value {
        do { return try await queue.write(body) } catch { throw converted(error) }
    }

    private func converted(_ error: any Error) -> SendingStoreError {
        switch error {
        case let error as SendingStoreError: error
        case let error as BadRow: .damaged(path: path, problem: "a row of \(error.table) is malformed")
        default: .failed("\(error)")
        }
    }
}

/// A row that this program did not write.
struct BadRow: Error {
    var table: String
}
