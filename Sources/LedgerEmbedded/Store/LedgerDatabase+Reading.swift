import GRDB
import Ledger
import struct Ledger.Cursor

/// A block as the database holds it.
struct StoredBlock: Sendable {
    var header: BlockHeader
    var hash: Bytes32
    var signature: [UInt8]
}

/// A command with its place.
struct StoredCommand: Sendable {
    var number: UInt64
    var index: UInt64
    var command: BlockCommand
}

/// An event with its place.
struct StoredEvent: Sendable {
    var number: UInt64
    var index: UInt64
    var event: BlockEvent
}

/// An event with its place and the time of its block.
struct TimedEvent: Sendable {
    var event: StoredEvent
    var time: UInt64
}

extension LedgerDatabase {
    static func blocks(from first: UInt64, to last: UInt64, _ db: Database) throws -> [StoredBlock] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT number, parent, time, commands_root, events_root, hash, signature FROM blocks
                WHERE number BETWEEN ? AND ? ORDER BY number
                """,
            arguments: [Int64(bitPattern: first), Int64(bitPattern: last)]
        )
        var blocks: [StoredBlock] = []
        while let row = try rows.next() { blocks.append(try block(row)) }
        return blocks
    }

    static func head(_ db: Database) throws -> StoredBlock? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT number, parent, time, commands_root, events_root, hash, signature FROM blocks
                ORDER BY number DESC LIMIT 1
                """
        )
        return try row.map { try block($0) }
    }

    private static func block(_ row: Row) throws(MalformedRow) -> StoredBlock {
        var reader = RowReader(row, table: "blocks")
        let header = BlockHeader(
            number: try reader.integer(),
            parent: try reader.word(),
            time: try reader.integer(),
            commandsRoot: try reader.word(),
            eventsRoot: try reader.word()
        )
        return StoredBlock(header: header, hash: try reader.word(), signature: try reader.bytes())
    }

    /// Whether a table has rows before block zero or after the head.
    static func hasRows(of table: String, beyond head: UInt64, _ db: Database) throws -> Bool {
        // Two lookups in the primary key; in one SELECT they would read the whole table.
        let sql = "SELECT (SELECT min(number) FROM \(table)) < 0 OR (SELECT max(number) FROM \(table)) > ?"
        return try Bool.fetchOne(db, sql: sql, arguments: [Int64(bitPattern: head)]) ?? false
    }

    static func commands(from first: UInt64, to last: UInt64, _ db: Database) throws -> [StoredCommand] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT number, idx, submission, caller, contract, body, outcome FROM commands
                WHERE number BETWEEN ? AND ? ORDER BY number, idx
                """,
            arguments: [Int64(bitPattern: first), Int64(bitPattern: last)]
        )
        var commands: [StoredCommand] = []
        while let row = try rows.next() { commands.append(try command(row)) }
        return commands
    }

    static func command(submission: Bytes32, _ db: Database) throws -> StoredCommand? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT number, idx, submission, caller, contract, body, outcome FROM commands WHERE submission = ?
                """
        )
        let row = try Row.fetchOne(statement, arguments: [Cell.bytes(submission.bytes).databaseValue])
        return try row.map { try command($0) }
    }

    private static func command(_ row: Row) throws(MalformedRow) -> StoredCommand {
        var reader = RowReader(row, table: "commands")
        return StoredCommand(
            number: try reader.integer(),
            index: try reader.integer(),
            command: BlockCommand(
                submission: try reader.word(),
                caller: try reader.address(),
                contract: try reader.address(),
                body: try reader.bytes(),
                outcome: try reader.text()
            )
        )
    }

    private static let eventColumns = "number, idx, command, contract, topic0, topic1, topic2, topic3, data"

    static func events(from first: UInt64, to last: UInt64, _ db: Database) throws -> [StoredEvent] {
        try events(
            where: "number BETWEEN ? AND ? ORDER BY number, idx",
            [Int64(bitPattern: first), Int64(bitPattern: last)],
            db
        )
    }

    static func events(of command: UInt64, in number: UInt64, _ db: Database) throws -> [StoredEvent] {
        try events(
            where: "number = ? AND command = ? ORDER BY idx",
            [Int64(bitPattern: number), Int64(bitPattern: command)],
            db
        )
    }

    /// Events with the times of their blocks.
    static func events(after cursor: Cursor?, limit: Int, _ db: Database) throws -> [TimedEvent] {
        guard let cursor else { return try timedEvents("1 ORDER BY number, idx LIMIT ?", [limit], db) }
        // No row is beyond 2^63 - 1, so that nothing comes after such a place.
        return try timedEvents(
            "(number, idx) > (?, ?) ORDER BY number, idx LIMIT ?",
            [Int64(clamping: cursor.block), Int64(clamping: cursor.index), limit],
            db
        )
    }

    static func newestEvents(limit: Int, _ db: Database) throws -> [TimedEvent] {
        try timedEvents("1 ORDER BY number DESC, idx DESC LIMIT ?", [limit], db)
    }

    /// Asks for the times of the page's own blocks only: between two events there may be any number of blocks without.
    private static func timedEvents(
        _ condition: String,
        _ arguments: StatementArguments,
        _ db: Database
    ) throws -> [TimedEvent] {
        let time = "(SELECT time FROM blocks WHERE blocks.number = events.number)"
        return try rows("SELECT \(eventColumns), \(time) FROM events WHERE \(condition)", arguments, db) { reader in
            TimedEvent(event: try event(&reader), time: try reader.integer())
        }
    }

    private static func events(
        where condition: String,
        _ arguments: StatementArguments,
        _ db: Database
    ) throws -> [StoredEvent] {
        try rows("SELECT \(eventColumns) FROM events WHERE \(condition)", arguments, db) { try event(&$0) }
    }

    private static func rows<Value>(
        _ sql: String,
        _ arguments: StatementArguments,
        _ db: Database,
        _ read: (inout RowReader) throws -> Value
    ) throws -> [Value] {
        let rows = try Row.fetchCursor(try db.cachedStatement(sql: sql), arguments: arguments)
        var values: [Value] = []
        while let row = try rows.next() {
            var reader = RowReader(row, table: "events")
            values.append(try read(&reader))
        }
        return values
    }

    private static func event(_ reader: inout RowReader) throws(MalformedRow) -> StoredEvent {
        let (number, index, command) = (try reader.integer(), try reader.integer(), try reader.integer())
        let contract = try reader.address()
        var topics: [Bytes32] = []
        var isOver = false
        for _ in 0..<4 {
            guard let bytes = try reader.optionalBytes() else {
                isOver = true
                continue
            }
            guard !isOver, let topic = Bytes32(bytes) else { throw MalformedRow(table: "events") }
            topics.append(topic)
        }
        let event = BlockEvent(command: command, contract: contract, topics: topics, data: try reader.bytes())
        return StoredEvent(number: number, index: index, event: event)
    }

    static func checkpoint(_ db: Database) throws -> (Checkpoint, signature: [UInt8])? {
        let rows = try Row.fetchAll(db, sql: "SELECT number, hash, digests, signature FROM checkpoint")
        guard rows.count == 1 else { return nil }
        var reader = RowReader(rows[0], table: "checkpoint")
        let (number, hash, digests) = (try reader.integer(), try reader.word(), try reader.bytes())
        guard let checkpoint = Checkpoint(number: number, hash: hash, digestBytes: digests) else { return nil }
        return (checkpoint, try reader.bytes())
    }

    static func publicKey(_ db: Database) throws -> [UInt8] {
        let rows = try Row.fetchAll(db, sql: "SELECT public_key FROM ledger")
        guard rows.count == 1 else { throw MalformedRow(table: "ledger") }
        var reader = RowReader(rows[0], table: "ledger")
        return try reader.bytes()
    }
}
