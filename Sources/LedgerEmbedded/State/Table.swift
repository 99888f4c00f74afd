/// How the rows of a state table look in memory and in the database.
protocol TableSchema: Sendable {
    associatedtype Key: Hashable & Sendable
    associatedtype Record: Equatable & Sendable

    /// The table's name in the database.
    static var name: String { get }
    /// The columns of the primary key.
    static var keyColumns: [Column] { get }
    /// The other columns.
    static var columns: [Column] { get }

    static func cells(key: Key) -> [Cell]
    static func cells(record: Record) -> [Cell]
    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Key, Record)
}

/// A row before and after a block.
///
/// Both are whole rows, key first.
struct RowChange: Hashable, Sendable {
    let table: String
    let key: [Cell]
    let before: [Cell]?
    let after: [Cell]?
}

/// One table of the state, with what it takes to undo a command and to write a block.
struct Table<Schema: TableSchema>: Sendable {
    private(set) var rows: [Schema.Key: Schema.Record] = [:]
    /// What stood there before each write of the command in progress, in order.
    private var undo: [(key: Schema.Key, record: Schema.Record?)] = []
    /// What stood there before the block in progress.
    private var before: [Schema.Key: Schema.Record?] = [:]

    subscript(key: Schema.Key) -> Schema.Record? {
        get { rows[key] }
        set {
            let old = rows[key]
            rows[key] = newValue
            undo.append((key, old))
            if before.index(forKey: key) == nil { before.updateValue(old, forKey: key) }
        }
    }

    /// Ends a command and keeps what it did.
    mutating func keep() {
        if !undo.isEmpty { undo.removeAll(keepingCapacity: true) }
    }

    /// Ends a command and takes back what it did.
    mutating func rollBack() {
        while let (key, record) = undo.popLast() { rows[key] = record }
    }

    /// Ends a block: every row that it changed.
    mutating func takeChanges(into changes: inout [RowChange]) {
        guard !before.isEmpty else { return }
        for (key, old) in before {
            let new = rows[key]
            guard new != old else { continue }
            let keyCells = Schema.cells(key: key)
            changes.append(
                RowChange(
                    table: Schema.name,
                    key: keyCells,
                    before: old.map { keyCells + Schema.cells(record: $0) },
                    after: new.map { keyCells + Schema.cells(record: $0) }
                )
            )
        }
        before.removeAll(keepingCapacity: true)
    }

    /// Applies one change of another copy of this table, or of the database.
    mutating func adopt(_ change: RowChange) throws(MalformedRow) {
        if let after = change.after {
            try load(after)
        } else if let before = change.before {
            rows[try Self.parse(before).0] = nil
        }
    }

    /// Takes a row of the database.
    mutating func load(_ cells: [Cell]) throws(MalformedRow) {
        let (key, record) = try Self.parse(cells)
        rows[key] = record
    }

    private static func parse(_ cells: [Cell]) throws(MalformedRow) -> (Schema.Key, Schema.Record) {
        var reader = CellReader(table: Schema.name, cells)
        let row = try Schema.read(&reader)
        try reader.finish()
        return row
    }
}

/// Does one thing to every table.
protocol TableVisitor {
    mutating func visit<Schema: TableSchema>(_ table: inout Table<Schema>)
}
