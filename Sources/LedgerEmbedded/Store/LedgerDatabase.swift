import Foundation
import GRDB
import Ledger

/// The tables of a local ledger and how their rows are read and written.
///
/// Numbers of 64 bits without sign are stored as SQLite's 64 bits with sign, bit for bit. Everything from 2^63 on, such as a
/// cap of "no limit", looks negative to other readers.
enum LedgerDatabase {
    /// Written into the file's header, so that no other program's database passes for a ledger: "LATL".
    static let applicationID = 0x4C41_544C
    /// Changes with the tables and with the rules: an older ledger replayed by other rules would come to other balances.
    static let version = 2

    static func create(_ db: Database, publicKey: [UInt8]) throws {
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
        try db.execute(
            sql: """
                CREATE TABLE ledger (public_key BLOB NOT NULL) STRICT;
                CREATE TABLE blocks (
                    number INTEGER PRIMARY KEY, parent BLOB NOT NULL, time INTEGER NOT NULL, commands_root BLOB NOT NULL,
                    events_root BLOB NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL) STRICT;
                CREATE TABLE commands (
                    number INTEGER NOT NULL, idx INTEGER NOT NULL, submission BLOB NOT NULL UNIQUE, caller BLOB NOT NULL,
                    contract BLOB NOT NULL, body BLOB NOT NULL, outcome TEXT NOT NULL,
                    PRIMARY KEY (number, idx)) STRICT, WITHOUT ROWID;
                CREATE TABLE events (
                    number INTEGER NOT NULL, idx INTEGER NOT NULL, command INTEGER NOT NULL, contract BLOB NOT NULL,
                    topic0 BLOB NOT NULL, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
                    PRIMARY KEY (number, idx)) STRICT, WITHOUT ROWID;
                CREATE TABLE checkpoint (
                    number INTEGER NOT NULL, hash BLOB NOT NULL, digests BLOB NOT NULL, signature BLOB NOT NULL) STRICT;
                """
        )
        for table in LedgerState.tables {
            let columns = (table.keyColumns + table.columns).map { "\($0.name) \($0.kind.sql) NOT NULL" }
            let keys = table.keyColumns.map(\.name).joined(separator: ", ")
            try db.execute(
                sql: """
                    CREATE TABLE \(table.name) (\(columns.joined(separator: ", ")), PRIMARY KEY (\(keys)))
                    STRICT, WITHOUT ROWID
                    """
            )
        }
        try db.execute(sql: "INSERT INTO ledger VALUES (?)", arguments: [Data(publicKey)])
    }

    // MARK: Blocks

    static func insert(_ header: BlockHeader, hash: Bytes32, signature: [UInt8], _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                Int64(bitPattern: header.number), Data(header.parent.bytes), Int64(bitPattern: header.time),
                Data(header.commandsRoot.bytes), Data(header.eventsRoot.bytes), Data(hash.bytes), Data(signature),
            ]
        )
    }

    static func insert(_ command: BlockCommand, number: UInt64, index: Int, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                Int64(bitPattern: number), index, Data(command.submission.bytes), Data(command.caller.bytes),
                Data(command.contract.bytes), Data(command.body), command.outcome,
            ]
        )
    }

    static func insert(_ event: BlockEvent, number: UInt64, index: Int, _ db: Database) throws {
        let topics = (0..<4).map { $0 < event.topics.count ? Data(event.topics[$0].bytes) : nil }
        try db.cachedStatement(sql: "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                Int64(bitPattern: number), index, Int64(bitPattern: event.command), Data(event.contract.bytes),
                topics[0], topics[1], topics[2], topics[3], Data(event.data),
            ]
        )
    }

    static func write(_ checkpoint: Checkpoint, signature: [UInt8], _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM checkpoint").execute()
        try db.cachedStatement(sql: "INSERT INTO checkpoint VALUES (?, ?, ?, ?)").execute(
            arguments: [
                Int64(bitPattern: checkpoint.number), Data(checkpoint.hash.bytes), Data(checkpoint.digestBytes),
                Data(signature),
            ]
        )
    }

    // MARK: State

    static func write(_ change: RowChange, _ db: Database) throws {
        guard let table = LedgerState.tables.first(where: { $0.name == change.table }) else {
            throw MalformedRow(table: change.table)
        }
        if let after = change.after {
            let places = after.map { _ in "?" }.joined(separator: ", ")
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO \(table.name) VALUES (\(places))")
                .execute(arguments: StatementArguments(after.map(\.databaseValue)))
        } else {
            let condition = table.keyColumns.map { "\($0.name) = ?" }.joined(separator: " AND ")
            try db.cachedStatement(sql: "DELETE FROM \(table.name) WHERE \(condition)")
                .execute(arguments: StatementArguments(change.key.map(\.databaseValue)))
        }
    }

    /// Visits every row of a state table.
    static func forEachRow(of table: TableDeclaration, _ db: Database, _ body: ([Cell]) throws -> Void) throws {
        let columns = (table.keyColumns + table.columns).map(\.name).joined(separator: ", ")
        let rows = try Row.fetchCursor(db, sql: "SELECT \(columns) FROM \(table.name)")
        while let row = try rows.next() {
            try body(try RowReader(row, table: table.name).cells())
        }
    }
}

extension Column.Kind {
    var sql: String {
        switch self {
        case .integer: "INTEGER"
        case .bytes: "BLOB"
        case .text: "TEXT"
        }
    }
}

extension Cell {
    var databaseValue: DatabaseValue {
        switch self {
        case .integer(let number): Int64(bitPattern: number).databaseValue
        case .bytes(let bytes): Data(bytes).databaseValue
        case .text(let text): text.databaseValue
        }
    }
}

/// Takes values out of a row of the database and throws where they are not what the table declares: a file may have been
/// changed by anyone.
struct RowReader {
    private let table: String
    private let values: [DatabaseValue]
    private var position = 0

    init(_ row: Row, table: String) {
        self.table = table
        values = Array(row.databaseValues)
    }

    func cells() throws(MalformedRow) -> [Cell] {
        var cells: [Cell] = []
        cells.reserveCapacity(values.count)
        for value in values {
            switch value.storage {
            case .int64(let number): cells.append(.integer(UInt64(bitPattern: number)))
            case .blob(let data): cells.append(.bytes(Array(data)))
            case .string(let text): cells.append(.text(text))
            case .null, .double: throw MalformedRow(table: table)
            }
        }
        return cells
    }

    private mutating func next() throws(MalformedRow) -> DatabaseValue {
        guard position < values.count else { throw MalformedRow(table: table) }
        defer { position += 1 }
        return values[position]
    }

    mutating func integer() throws(MalformedRow) -> UInt64 {
        guard case .int64(let number) = try next().storage else { throw MalformedRow(table: table) }
        return UInt64(bitPattern: number)
    }

    mutating func text() throws(MalformedRow) -> String {
        guard case .string(let text) = try next().storage else { throw MalformedRow(table: table) }
        return text
    }

    mutating func bytes() throws(MalformedRow) -> [UInt8] {
        guard let bytes = try optionalBytes() else { throw MalformedRow(table: table) }
        return bytes
    }

    mutating func optionalBytes() throws(MalformedRow) -> [UInt8]? {
        switch try next().storage {
        case .blob(let data): return Array(data)
        case .null: return nil
        case .int64, .double, .string: throw MalformedRow(table: table)
        }
    }

    mutating func word() throws(MalformedRow) -> Bytes32 {
        guard let word = Bytes32(try bytes()) else { throw MalformedRow(table: table) }
        return word
    }

    mutating func address() throws(MalformedRow) -> Address {
        guard let address = Address(try bytes()) else { throw MalformedRow(table: table) }
        return address
    }
}
