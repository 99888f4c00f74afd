import Ledger

/// All that the ledger knows.
struct LedgerState: Sendable {
    var users = Table<Users>()
    var roots = Table<Roots>()
    var commitments = Table<Commitments>()
    var keys = Table<Keys>()
    var proposals = Table<Proposals>()
    var funds = Table<FundsTable>()
    var channels = Table<Channels>()
    var grants = Table<Grants>()
    var nodes = Table<Nodes>()
    var signers = Table<Signers>()
    var earnings = Table<EarningsTable>()
    var pools = Table<Pools>()
    var accounts = Table<Accounts>()
    var params = Table<Params>()
    var counters = Table<Counters>()

    /// Ends a command and keeps what it did.
    mutating func keep() {
        users.keep()
        roots.keep()
        commitments.keep()
        keys.keep()
        proposals.keep()
        funds.keep()
        channels.keep()
        grants.keep()
        nodes.keep()
        signers.keep()
        earnings.keep()
        pools.keep()
        accounts.keep()
        params.keep()
        counters.keep()
    }

    /// Ends a command and takes back what it did.
    mutating func rollBack() {
        users.rollBack()
        roots.rollBack()
        commitments.rollBack()
        keys.rollBack()
        proposals.rollBack()
        funds.rollBack()
        channels.rollBack()
        grants.rollBack()
        nodes.rollBack()
        signers.rollBack()
        earnings.rollBack()
        pools.rollBack()
        accounts.rollBack()
        params.rollBack()
        counters.rollBack()
    }

    /// Ends a block: every row that it changed.
    mutating func takeChanges() -> [RowChange] {
        var changes: [RowChange] = []
        users.takeChanges(into: &changes)
        roots.takeChanges(into: &changes)
        commitments.takeChanges(into: &changes)
        keys.takeChanges(into: &changes)
        proposals.takeChanges(into: &changes)
        funds.takeChanges(into: &changes)
        channels.takeChanges(into: &changes)
        grants.takeChanges(into: &changes)
        nodes.takeChanges(into: &changes)
        signers.takeChanges(into: &changes)
        earnings.takeChanges(into: &changes)
        pools.takeChanges(into: &changes)
        accounts.takeChanges(into: &changes)
        params.takeChanges(into: &changes)
        counters.takeChanges(into: &changes)
        return changes
    }

    /// Applies a change that another copy of the state made, or that a row of the database is.
    mutating func adopt(_ change: RowChange) throws(MalformedRow) {
        switch change.table {
        case Users.name: try users.adopt(change)
        case Roots.name: try roots.adopt(change)
        case Commitments.name: try commitments.adopt(change)
        case Keys.name: try keys.adopt(change)
        case Proposals.name: try proposals.adopt(change)
        case FundsTable.name: try funds.adopt(change)
        case Channels.name: try channels.adopt(change)
        case Grants.name: try grants.adopt(change)
        case Nodes.name: try nodes.adopt(change)
        case Signers.name: try signers.adopt(change)
        case EarningsTable.name: try earnings.adopt(change)
        case Pools.name: try pools.adopt(change)
        case Accounts.name: try accounts.adopt(change)
        case Params.name: try params.adopt(change)
        case Counters.name: try counters.adopt(change)
        default: throw MalformedRow(table: change.table)
        }
    }

    /// The tables' declarations.
    static let tables: [TableDeclaration] = [
        TableDeclaration(Users.self), TableDeclaration(Roots.self), TableDeclaration(Commitments.self),
        TableDeclaration(Keys.self), TableDeclaration(Proposals.self), TableDeclaration(FundsTable.self),
        TableDeclaration(Channels.self), TableDeclaration(Grants.self), TableDeclaration(Nodes.self),
        TableDeclaration(Signers.self), TableDeclaration(EarningsTable.self), TableDeclaration(Pools.self),
        TableDeclaration(Accounts.self), TableDeclaration(Params.self), TableDeclaration(Counters.self),
    ]
}

/// What the database needs to know of a state table.
struct TableDeclaration: Sendable {
    let name: String
    let keyColumns: [Column]
    let columns: [Column]

    init<Schema: TableSchema>(_: Schema.Type) {
        name = Schema.name
        keyColumns = Schema.keyColumns
        columns = Schema.columns
    }
}

extension LedgerState {
    /// The figures that govern the rules.
    var parameters: Parameters {
        var parameters = Parameters()
        for (name, value) in params.rows { parameters[name] = value }
        return parameters
    }

    /// Every balance there is, `supply` being what the genesis made.
    func balances(block: UInt64, genesisSupply: TokenAmount) -> Balances {
        let burned = accounts[.zero]?.balance ?? .zero
        var balances = accounts.rows.mapValues(\.balance).filter { $0.value != .zero }
        balances[.zero] = nil
        return Balances(
            block: block,
            users: funds.rows,
            nodes: earnings.rows,
            pools: pools.rows,
            accounts: balances,
            fees: Nano(counters[.fees] ?? 0),
            supply: genesisSupply.subtracting(burned) ?? .zero
        )
    }
}

extension LedgerState {
    /// All rows as the database holds them, by table and key.
    func allRows() -> [String: [[Cell]: [Cell]]] {
        var rows: [String: [[Cell]: [Cell]]] = [:]
        collect(users, into: &rows)
        collect(roots, into: &rows)
        collect(commitments, into: &rows)
        collect(keys, into: &rows)
        collect(proposals, into: &rows)
        collect(funds, into: &rows)
        collect(channels, into: &rows)
        collect(grants, into: &rows)
        collect(nodes, into: &rows)
        collect(signers, into: &rows)
        collect(earnings, into: &rows)
        collect(pools, into: &rows)
        collect(accounts, into: &rows)
        collect(params, into: &rows)
        collect(counters, into: &rows)
        return rows
    }

    private func collect<Schema: TableSchema>(_ table: Table<Schema>, into rows: inout [String: [[Cell]: [Cell]]]) {
        rows[Schema.name] = Dictionary(
            uniqueKeysWithValues: table.rows.map { key, record in
                let cells = Schema.cells(key: key)
                return (cells, cells + Schema.cells(record: record))
            }
        )
    }
}
