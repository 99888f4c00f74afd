import Ledger

/// What stands behind nodes.
enum Pools: TableSchema {
    static let name = "pools"
    static let keyColumns = [Column.integer("node")]
    static let columns: [Column] = [
        .integer("assets"), .bytes("shares"), .bytes("self_shares"), .bytes("locked_shares"), .integer("unbonding"),
        .bytes("unbonding_shares"), .integer("incarnation"),
    ]

    static func cells(key: NodeID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: PoolRecord) -> [Cell] {
        [
            .integer(record.assets.count), .wide(record.shares), .wide(record.selfShares), .wide(record.lockedShares),
            .integer(record.unbonding.count), .wide(record.unbondingShares), .integer(UInt64(record.incarnation)),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (NodeID, PoolRecord) {
        let node = NodeID(try cells.integer())
        var pool = PoolRecord()
        pool.assets = Nano(try cells.integer())
        pool.shares = try cells.wide()
        pool.selfShares = try cells.wide()
        pool.lockedShares = try cells.wide()
        pool.unbonding = Nano(try cells.integer())
        pool.unbondingShares = try cells.wide()
        pool.incarnation = try cells.small()
        return (node, pool)
    }
}

/// One staker in one node's pool.
struct StakeName: Hashable, Sendable {
    let node: NodeID
    let staker: Address
}

/// Shares, or a claim on what is leaving, with the incarnation of the pool for which they count.
struct PoolPart: Hashable, Sendable {
    var shares: UInt128 = 0
    /// Since when a stake stands, or when an exit may be paid.
    var time: UInt64 = 0
    var incarnation: UInt32 = 0

    /// The shares, as far as the pool still knows them.
    func shares(in pool: PoolRecord) -> UInt128 { incarnation == pool.incarnation ? shares : 0 }
}

/// What was delegated.
enum Stakes: TableSchema {
    static let name = "stakes"
    static let keyColumns: [Column] = [.integer("node"), .bytes("staker")]
    static let columns: [Column] = [.bytes("shares"), .integer("since"), .integer("incarnation")]

    static func cells(key: StakeName) -> [Cell] { [.integer(key.node.number), .bytes(key.staker.bytes)] }

    static func cells(record: PoolPart) -> [Cell] {
        [.wide(record.shares), .integer(record.time), .integer(UInt64(record.incarnation))]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (StakeName, PoolPart) {
        let name = StakeName(node: NodeID(try cells.integer()), staker: try cells.bytes { Address($0) })
        let part = PoolPart(
            shares: try cells.wide(),
            time: try cells.integer(),
            incarnation: try cells.small()
        )
        return (name, part)
    }
}

/// What is leaving, by staker.
enum Exits: TableSchema {
    static let name = "exits"
    static let keyColumns = Stakes.keyColumns
    static let columns: [Column] = [.bytes("shares"), .integer("ends_at"), .integer("incarnation")]

    static func cells(key: StakeName) -> [Cell] { Stakes.cells(key: key) }
    static func cells(record: PoolPart) -> [Cell] { Stakes.cells(record: record) }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (StakeName, PoolPart) {
        try Stakes.read(&cells)
    }
}
