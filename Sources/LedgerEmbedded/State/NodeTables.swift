import Ledger

/// Nodes.
enum Nodes: TableSchema {
    static let name = "nodes"
    static let keyColumns = [Column.integer("node")]
    static let columns: [Column] = [
        .bytes("owner"), .bytes("payout"), .bytes("signer"), .integer("kind"), .bytes("model"), .bytes("meta"),
        .integer("commission"), .integer("status"), .integer("registered"), .bytes("pending_owner"),
        .bytes("pending_payout"), .integer("payout_ready_at"), .integer("next_commission"),
        .integer("commission_changes_at"), .integer("compute_units"), .integer("compute_set_at"),
        .integer("exit_end"),
    ]

    static func cells(key: NodeID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: NodeRecord) -> [Cell] {
        [
            .bytes(record.owner.bytes), .bytes(record.payout.bytes), .bytes(record.signer.bytes),
            .integer(UInt64(record.kind.rawValue)), .bytes(record.model.bytes), .bytes(record.meta.bytes),
            .integer(UInt64(record.commission)), .integer(UInt64(record.status.rawValue)),
            .integer(record.registered), .bytes(record.pendingOwner.bytes), .bytes(record.pendingPayout.bytes),
            .integer(record.payoutReadyAt), .integer(UInt64(record.nextCommission)),
            .integer(record.commissionChangesAt), .integer(record.computeUnits), .integer(record.computeSetAt),
            .integer(record.exitEnd),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (NodeID, NodeRecord) {
        let node = NodeID(try cells.integer())
        let owner = try cells.bytes { Address($0) }
        let payout = try cells.bytes { Address($0) }
        let signer = try cells.bytes { Address($0) }
        let kind: NodeKind = try cells.raw()
        let model = try cells.bytes { Bytes32($0) }
        let meta = try cells.bytes { Bytes32($0) }
        let commission: UInt16 = try cells.small()
        let status: NodeStatus = try cells.raw()
        var record = NodeRecord(
            owner: owner,
            payout: payout,
            signer: signer,
            kind: kind,
            model: model,
            meta: meta,
            commission: commission,
            status: status,
            registered: try cells.integer()
        )
        record.pendingOwner = try cells.bytes { Address($0) }
        record.pendingPayout = try cells.bytes { Address($0) }
        record.payoutReadyAt = try cells.integer()
        record.nextCommission = try cells.small()
        record.commissionChangesAt = try cells.integer()
        record.computeUnits = try cells.integer()
        record.computeSetAt = try cells.integer()
        record.exitEnd = try cells.integer()
        return (node, record)
    }
}

/// Signing addresses, each with the node that it serves for ever.
enum Signers: TableSchema {
    static let name = "signers"
    static let keyColumns = [Column.bytes("signer")]
    static let columns = [Column.integer("node")]

    static func cells(key: Address) -> [Cell] { [.bytes(key.bytes)] }
    static func cells(record: NodeID) -> [Cell] { [.integer(record.number)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Address, NodeID) {
        (try cells.bytes { Address($0) }, NodeID(try cells.integer()))
    }
}

/// What nodes earned.
enum EarningsTable: TableSchema {
    static let name = "earnings"
    static let keyColumns = [Column.integer("node")]
    static let columns: [Column] = [.integer("earned"), .integer("bonus_earned"), .integer("claimable")]

    static func cells(key: NodeID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: Earnings) -> [Cell] {
        [
            .integer(record.earned.count), .integer(record.bonusEarned.count), .integer(record.claimable.count),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (NodeID, Earnings) {
        let node = NodeID(try cells.integer())
        let earned = Nano(try cells.integer())
        let bonusEarned = Nano(try cells.integer())
        return (
            node, Earnings(earned: earned, bonusEarned: bonusEarned, claimable: Nano(try cells.integer()))
        )
    }
}

/// One node in one epoch.
struct NodeEpoch: Hashable, Sendable {
    let epoch: UInt64
    let node: NodeID
}

/// The fees that deposits paid for nodes, by epoch.
enum NodeFees: TableSchema {
    static let name = "node_fees"
    static let keyColumns: [Column] = [.integer("epoch"), .integer("node")]
    static let columns = [Column.integer("fee")]

    static func cells(key: NodeEpoch) -> [Cell] { [.integer(key.epoch), .integer(key.node.number)] }
    static func cells(record: Nano) -> [Cell] { [.integer(record.count)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (NodeEpoch, Nano) {
        (NodeEpoch(epoch: try cells.integer(), node: NodeID(try cells.integer())), Nano(try cells.integer()))
    }
}
