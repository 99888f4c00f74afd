import Ledger

/// Users.
enum Users: TableSchema {
    static let name = "users"
    static let keyColumns = [Column.integer("user")]
    static let columns: [Column] = [.integer("kind"), .integer("roots"), .integer("nonce"), .integer("created")]

    static func cells(key: UserID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: UserRecord) -> [Cell] {
        [
            .integer(UInt64(record.kind.rawValue)), .integer(UInt64(record.roots)), .integer(record.nonce),
            .integer(record.created),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (UserID, UserRecord) {
        let key = UserID(try cells.integer())
        let kind: UserKind = try cells.raw()
        let roots: UInt8 = try cells.small()
        return (
            key, UserRecord(kind: kind, roots: roots, nonce: try cells.integer(), created: try cells.integer())
        )
    }
}

/// A credential that controls a user.
struct RootRecord: Hashable, Sendable {
    var user: UserID
    var kind: KeyKind
    var since: UInt64
    /// Zero for a wallet.
    var rpIDHash: Bytes32
}

/// Roots.
enum Roots: TableSchema {
    static let name = "roots"
    static let keyColumns = [Column.bytes("root")]
    static let columns: [Column] = [.integer("user"), .integer("kind"), .integer("since"), .bytes("rp_id_hash")]

    static func cells(key: KeyID) -> [Cell] { [.bytes(key.bytes)] }

    static func cells(record: RootRecord) -> [Cell] {
        [
            .integer(record.user.number), .integer(UInt64(record.kind.rawValue)), .integer(record.since),
            .bytes(record.rpIDHash.bytes),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (KeyID, RootRecord) {
        let key = try cells.bytes { KeyID($0) }
        let user = UserID(try cells.integer())
        let kind: KeyKind = try cells.raw()
        let since = try cells.integer()
        let rpIDHash = try cells.bytes { Bytes32($0) }
        return (key, RootRecord(user: user, kind: kind, since: since, rpIDHash: rpIDHash))
    }
}

/// Users that the registrar attested.
enum Commitments: TableSchema {
    static let name = "commitments"
    static let keyColumns = [Column.bytes("commitment")]
    static let columns = [Column.integer("user")]

    static func cells(key: Bytes32) -> [Cell] { [.bytes(key.bytes)] }
    static func cells(record: UserID) -> [Cell] { [.integer(record.number)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Bytes32, UserID) {
        (try cells.bytes { Bytes32($0) }, UserID(try cells.integer()))
    }
}

/// Session keys.
enum Keys: TableSchema {
    static let name = "keys"
    static let keyColumns = [Column.bytes("key")]
    static let columns: [Column] = [
        .integer("user"), .integer("valid_until"), .integer("kind"), .integer("generation"), .integer("cap"),
        .integer("spent"),
    ]

    static func cells(key: KeyID) -> [Cell] { [.bytes(key.bytes)] }

    static func cells(record: KeyRecord) -> [Cell] {
        [
            .integer(record.user.number), .integer(record.validUntil), .integer(UInt64(record.kind.rawValue)),
            .integer(UInt64(record.generation)), .integer(record.cap.count), .integer(record.spent.count),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (KeyID, KeyRecord) {
        let key = try cells.bytes { KeyID($0) }
        let user = UserID(try cells.integer())
        let validUntil = try cells.integer()
        let kind: KeyKind = try cells.raw()
        let generation: UInt16 = try cells.small()
        let cap = Nano(try cells.integer())
        let spent = Nano(try cells.integer())
        return (
            key,
            KeyRecord(
                user: user,
                validUntil: validUntil,
                kind: kind,
                generation: generation,
                cap: cap,
                spent: spent
            )
        )
    }
}

/// A key that the registrar proposed for an attested user.
struct Proposal: Hashable, Sendable {
    var key: KeyID
    var kind: KeyKind
    var validUntil: UInt64
    var cap: Nano
    var readyAt: UInt64
}

/// Proposed keys, at most one a user.
enum Proposals: TableSchema {
    static let name = "proposals"
    static let keyColumns = [Column.integer("user")]
    static let columns: [Column] = [
        .bytes("key"), .integer("kind"), .integer("valid_until"), .integer("cap"), .integer("ready_at"),
    ]

    static func cells(key: UserID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: Proposal) -> [Cell] {
        [
            .bytes(record.key.bytes), .integer(UInt64(record.kind.rawValue)), .integer(record.validUntil),
            .integer(record.cap.count), .integer(record.readyAt),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (UserID, Proposal) {
        let user = UserID(try cells.integer())
        let key = try cells.bytes { KeyID($0) }
        let kind: KeyKind = try cells.raw()
        let validUntil = try cells.integer()
        let cap = Nano(try cells.integer())
        let readyAt = try cells.integer()
        return (user, Proposal(key: key, kind: kind, validUntil: validUntil, cap: cap, readyAt: readyAt))
    }
}

/// Users' money.
enum FundsTable: TableSchema {
    static let name = "funds"
    static let keyColumns = [Column.integer("user")]
    static let columns: [Column] = [
        .integer("available"), .integer("bonus"), .integer("thawing"), .integer("thaw_end"), .bytes("withdraw_to"),
        .integer("bonus_end"), .integer("generation"), .integer("generation_end"),
    ]

    static func cells(key: UserID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: Funds) -> [Cell] {
        [
            .integer(record.available.count), .integer(record.bonus.count), .integer(record.thawing.count),
            .integer(record.thawEnd), .bytes(record.withdrawTo.bytes), .integer(record.bonusEnd),
            .integer(UInt64(record.generation)), .integer(record.generationEnd),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (UserID, Funds) {
        let user = UserID(try cells.integer())
        var funds = Funds()
        funds.available = Nano(try cells.integer())
        funds.bonus = Nano(try cells.integer())
        funds.thawing = Nano(try cells.integer())
        funds.thawEnd = try cells.integer()
        funds.withdrawTo = try cells.bytes { Address($0) }
        funds.bonusEnd = try cells.integer()
        funds.generation = try cells.small()
        funds.generationEnd = try cells.integer()
        return (user, funds)
    }
}

/// One key towards one node.
struct ChannelName: Hashable, Sendable {
    let key: KeyID
    let node: NodeID
}

/// What keys paid nodes.
enum Channels: TableSchema {
    static let name = "channels"
    static let keyColumns: [Column] = [.bytes("key"), .integer("node")]
    static let columns: [Column] = [.integer("paid"), .integer("units")]

    static func cells(key: ChannelName) -> [Cell] { [.bytes(key.key.bytes), .integer(key.node.number)] }
    static func cells(record: Channel) -> [Cell] { [.integer(record.paid.count), .integer(record.units)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (ChannelName, Channel) {
        let key = try cells.bytes { KeyID($0) }
        let node = NodeID(try cells.integer())
        return (
            ChannelName(key: key, node: node), Channel(paid: Nano(try cells.integer()), units: try cells.integer())
        )
    }
}

/// Users that had the faucet's grant, with the time of it.
enum Grants: TableSchema {
    static let name = "grants"
    static let keyColumns = [Column.integer("user")]
    static let columns = [Column.integer("time")]

    static func cells(key: UserID) -> [Cell] { [.integer(key.number)] }
    static func cells(record: UInt64) -> [Cell] { [.integer(record)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (UserID, UInt64) {
        (UserID(try cells.integer()), try cells.integer())
    }
}
