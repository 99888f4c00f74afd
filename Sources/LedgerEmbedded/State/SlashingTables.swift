import Ledger

/// Cases of slashing.
enum Cases: TableSchema {
    static let name = "cases"
    static let keyColumns = [Column.integer("id")]
    static let columns: [Column] = [
        .integer("offence"), .integer("node"), .bytes("reporter"), .integer("amount"), .bytes("evidence"),
        .integer("time"), .integer("bps"), .integer("bond"), .integer("state"),
    ]

    static func cells(key: CaseID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: CaseRecord) -> [Cell] {
        [
            .integer(UInt64(record.offence.rawValue)), .integer(record.node.number), .bytes(record.reporter.bytes),
            .integer(record.amount.count), .bytes(record.evidence.bytes), .integer(record.time),
            .integer(UInt64(record.bps)), .integer(record.bond.count), .integer(UInt64(record.state.rawValue)),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (CaseID, CaseRecord) {
        let id = CaseID(try cells.integer())
        let record = CaseRecord(
            offence: try cells.raw(),
            node: NodeID(try cells.integer()),
            reporter: try cells.bytes { Address($0) },
            amount: Nano(try cells.integer()),
            evidence: try cells.bytes { Bytes32($0) },
            time: try cells.integer(),
            bps: try cells.small(),
            bond: Nano(try cells.integer()),
            state: try cells.raw()
        )
        return (id, record)
    }
}

/// Evidence that was used, with the case that it opened.
enum UsedEvidence: TableSchema {
    static let name = "evidence"
    static let keyColumns = [Column.bytes("evidence")]
    static let columns = [Column.integer("id")]

    static func cells(key: Bytes32) -> [Cell] { [.bytes(key.bytes)] }
    static func cells(record: CaseID) -> [Cell] { [.integer(record.number)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Bytes32, CaseID) {
        (try cells.bytes { Bytes32($0) }, CaseID(try cells.integer()))
    }
}

/// What a node lost for its quality in the epoch in which it lost something last.
struct QualityRecord: Hashable, Sendable {
    var epoch: UInt64
    var bps: UInt64
}

/// Penalties for bad quality, by node.
enum QualityTable: TableSchema {
    static let name = "quality"
    static let keyColumns = [Column.integer("node")]
    static let columns: [Column] = [.integer("epoch"), .integer("bps")]

    static func cells(key: NodeID) -> [Cell] { [.integer(key.number)] }
    static func cells(record: QualityRecord) -> [Cell] { [.integer(record.epoch), .integer(record.bps)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (NodeID, QualityRecord) {
        (NodeID(try cells.integer()), QualityRecord(epoch: try cells.integer(), bps: try cells.integer()))
    }
}
