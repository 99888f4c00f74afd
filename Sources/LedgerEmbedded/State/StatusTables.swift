import Ledger

/// A node's place in the ring of reports.
///
/// The ring is longer than the 90 epochs for which a report is worth something, so that nothing is written over that counts.
struct ReportPlace: Hashable, Sendable {
    static let ring: UInt64 = 128

    let node: NodeID
    let slot: UInt64

    init(_ node: NodeID, epoch: UInt64) {
        self.node = node
        slot = epoch % Self.ring
    }
}

/// A row with the round in which it was reported.
struct ReportedRow: Hashable, Sendable {
    var status: StatusRecord
    /// Void where the epoch's report was rejected since.
    var round: UInt8
}

/// Rows of reports.
enum Reports: TableSchema {
    static let name = "reports"
    static let keyColumns: [Column] = [.integer("node"), .integer("slot")]
    static let columns: [Column] = [
        .integer("epoch"), .integer("uptime"), .integer("units"), .integer("health"), .integer("reputation"),
        .integer("latency"), .integer("compute"), .integer("round"),
    ]

    static func cells(key: ReportPlace) -> [Cell] { [.integer(key.node.number), .integer(key.slot)] }

    static func cells(record: ReportedRow) -> [Cell] {
        let status = record.status
        return [
            .integer(status.epoch), .integer(UInt64(status.uptime)), .integer(status.units),
            .integer(UInt64(status.health)), .integer(UInt64(status.reputation)), .integer(UInt64(status.latency)),
            .integer(status.compute), .integer(UInt64(record.round)),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (ReportPlace, ReportedRow) {
        let place = ReportPlace(NodeID(try cells.integer()), epoch: try cells.integer())
        let status = StatusRecord(
            epoch: try cells.integer(),
            uptime: try cells.small(),
            units: try cells.integer(),
            health: try cells.small(),
            reputation: try cells.small(),
            latency: try cells.small(),
            compute: try cells.integer()
        )
        return (place, ReportedRow(status: status, round: try cells.small()))
    }
}

/// How far the reports of epochs have come.
enum Epochs: TableSchema {
    static let name = "epochs"
    static let keyColumns = [Column.integer("epoch")]
    static let columns: [Column] = [
        .integer("sealed_at"), .integer("round"), .bytes("compute"), .bytes("units"), .integer("count"),
    ]

    static func cells(key: UInt64) -> [Cell] { [.integer(key)] }

    static func cells(record: EpochRecord) -> [Cell] {
        [
            .integer(record.sealedAt), .integer(UInt64(record.round)), .wide(record.compute), .wide(record.units),
            .integer(record.count),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (UInt64, EpochRecord) {
        let epoch = try cells.integer()
        let record = EpochRecord(
            sealedAt: try cells.integer(),
            round: try cells.small(),
            compute: try cells.wide(),
            units: try cells.wide(),
            count: try cells.integer()
        )
        return (epoch, record)
    }
}

/// Rewards that were claimed.
enum Rewards: TableSchema {
    static let name = "rewards"
    static let keyColumns = NodeFees.keyColumns
    static let columns = [Column.integer("amount")]

    static func cells(key: NodeEpoch) -> [Cell] { NodeFees.cells(key: key) }
    static func cells(record: Nano) -> [Cell] { NodeFees.cells(record: record) }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (NodeEpoch, Nano) {
        try NodeFees.read(&cells)
    }
}
