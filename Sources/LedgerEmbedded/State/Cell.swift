/// A value in a column of a state table.
enum Cell: Hashable, Sendable {
    /// A number of 64 bits.
    case integer(UInt64)
    /// Bytes of a length that the column fixes.
    case bytes([UInt8])
    /// ASCII text.
    case text(String)

    /// Appends the cell so that different rows never give the same bytes: a tag, the length where it varies, the content.
    func append(to output: inout [UInt8]) {
        switch self {
        case .integer(let number):
            output.append(1)
            output.append(bigEndian: number)
        case .bytes(let bytes):
            output.append(2)
            output.append(bigEndian: UInt64(bytes.count))
            output.append(contentsOf: bytes)
        case .text(let text):
            output.append(3)
            output.append(bigEndian: UInt64(text.utf8.count))
            output.append(contentsOf: text.utf8)
        }
    }
}

extension Cell {
    /// A number of 128 bits: sixteen bytes, most significant first.
    static func wide(_ number: UInt128) -> Cell {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt64(truncatingIfNeeded: number >> 64))
        bytes.append(bigEndian: UInt64(truncatingIfNeeded: number))
        return .bytes(bytes)
    }
}

extension [UInt8] {
    /// Appends eight bytes, most significant first.
    mutating func append(bigEndian number: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

/// A column of a state table.
struct Column: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case integer, bytes, text }

    let name: String
    let kind: Kind

    static func integer(_ name: String) -> Column { Column(name: name, kind: .integer) }
    static func bytes(_ name: String) -> Column { Column(name: name, kind: .bytes) }
    static func text(_ name: String) -> Column { Column(name: name, kind: .text) }
}

/// A row of the database that is none of its table.
struct MalformedRow: Error, Hashable {
    let table: String
}

/// Takes values out of a row, column by column.
///
/// The table's declaration and the reads follow the same order.
struct CellReader {
    private let table: String
    private let cells: [Cell]
    private var position = 0

    init(table: String, _ cells: [Cell]) {
        self.table = table
        self.cells = cells
    }

    private mutating func cell() throws(MalformedRow) -> Cell {
        guard position < cells.count else { throw MalformedRow(table: table) }
        defer { position += 1 }
        return cells[position]
    }

    mutating func integer() throws(MalformedRow) -> UInt64 {
        guard case .integer(let number) = try cell() else { throw MalformedRow(table: table) }
        return number
    }

    mutating func small<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(MalformedRow) -> Value {
        guard let value = Value(exactly: try integer()) else { throw MalformedRow(table: table) }
        return value
    }

    mutating func raw<Value: RawRepresentable>(_: Value.Type = Value.self) throws(MalformedRow) -> Value
    where Value.RawValue == UInt8 {
        guard let value = Value(rawValue: try small()) else { throw MalformedRow(table: table) }
        return value
    }

    mutating func flag() throws(MalformedRow) -> Bool {
        let number = try integer()
        guard number <= 1 else { throw MalformedRow(table: table) }
        return number == 1
    }

    mutating func wide() throws(MalformedRow) -> UInt128 {
        try bytes { $0.count == 16 ? $0.reduce(0) { $0 << 8 | UInt128($1) } : nil }
    }

    mutating func bytes<Value>(_ make: ([UInt8]) -> Value?) throws(MalformedRow) -> Value {
        guard case .bytes(let bytes) = try cell(), let value = make(bytes) else { throw MalformedRow(table: table) }
        return value
    }

    mutating func text<Value>(_ make: (String) -> Value?) throws(MalformedRow) -> Value {
        guard case .text(let text) = try cell(), let value = make(text) else { throw MalformedRow(table: table) }
        return value
    }

    func finish() throws(MalformedRow) {
        guard position == cells.count else { throw MalformedRow(table: table) }
    }
}
