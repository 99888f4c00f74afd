import Ledger

/// Nodes.
enum Nodes: TableSchema {
    static let name = "nodes"
    static let keyColumns = [Column.integer("node")]
    static let columns: [Column] = [
        .bytes("owner"), .bytes("payout"), .bytes("signer"), .integer("kind"), .bytes("model"), .bytes("meta"),
        .integer("commission"), .integer("status"), .integer("registered"),
    ]

    static func cells(key: NodeID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: NodeRecord) -> [Cell] {
        [
            .bytes(record.owner.bytes), .bytes(record.payout.bytes), .bytes(record.signer.bytes),
            .integer(UInt64(record.kind.rawValue)), .bytes(record.model.bytes), .bytes(record.meta.bytes),
            .integer(UInt64(record.commission)), .integer(UInt64(record.status.rawValue)),
            .integer(record.registered),
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
        return (
            node,
            NodeRecord(
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
        )
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

/// What stands behind nodes.
enum Pools: TableSchema {
    static let name = "pools"
    static let keyColumns = [Column.integer("node")]
    static let columns: [Column] = [.integer("self_stake"), .integer("locked_stake"), .integer("exit_end")]

    static func cells(key: NodeID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: PoolRecord) -> [Cell] {
        [.integer(record.selfStake.count), .integer(record.lockedStake.count), .integer(record.exitEnd)]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (NodeID, PoolRecord) {
        let node = NodeID(try cells.integer())
        let selfStake = Nano(try cells.integer())
        let lockedStake = Nano(try cells.integer())
        return (
            node, PoolRecord(selfStake: selfStake, lockedStake: lockedStake, exitEnd: try cells.integer())
        )
    }
}

/// A token account.
struct AccountRecord: Hashable, Sendable {
    var balance = TokenAmount.zero
    var permitNonce: UInt64 = 0
}

/// Token accounts.
///
/// The zero address holds what was burned.
enum Accounts: TableSchema {
    static let name = "accounts"
    static let keyColumns = [Column.bytes("address")]
    /// Units of 1e-18 LAI do not fit 64 bits, so they are decimal text.
    static let columns: [Column] = [.text("units"), .integer("permit_nonce")]

    static func cells(key: Address) -> [Cell] { [.bytes(key.bytes)] }

    static func cells(record: AccountRecord) -> [Cell] {
        [.text(String(record.balance.units)), .integer(record.permitNonce)]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Address, AccountRecord) {
        let address = try cells.bytes { Address($0) }
        let units = try cells.text { text in
            // Only the one form that is written, so that equal balances are equal rows.
            UInt128(text).flatMap { String($0) == text ? $0 : nil }
        }
        return (address, AccountRecord(balance: TokenAmount(units: units), permitNonce: try cells.integer()))
    }
}

/// The figures that govern the rules.
enum Params: TableSchema {
    static let name = "params"
    static let keyColumns = [Column.text("name")]
    static let columns = [Column.integer("value")]

    static func cells(key: Parameters.Name) -> [Cell] { [.text(key.rawValue)] }
    static func cells(record: UInt64) -> [Cell] { [.integer(record)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Parameters.Name, UInt64) {
        (try cells.text { Parameters.Name(rawValue: $0) }, try cells.integer())
    }
}

/// A figure of which there is one.
enum Counter: String, Hashable, Sendable, CaseIterable {
    /// The number of the last user.
    case users
    /// The number of the last node.
    case nodes
    /// Fees that were not swept, in nano.
    case fees
    /// The day, since 1970, on which the faucet gave last.
    case faucetDay = "faucet_day"
    /// What it gave on that day, in nano.
    case faucetSpent = "faucet_spent"
}

/// Figures of which there is one.
enum Counters: TableSchema {
    static let name = "counters"
    static let keyColumns = [Column.text("name")]
    static let columns = [Column.integer("value")]

    static func cells(key: Counter) -> [Cell] { [.text(key.rawValue)] }
    static func cells(record: UInt64) -> [Cell] { [.integer(record)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Counter, UInt64) {
        (try cells.text { Counter(rawValue: $0) }, try cells.integer())
    }
}
