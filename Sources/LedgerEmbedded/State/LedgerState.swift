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
    var fees = Table<NodeFees>()
    var pools = Table<Pools>()
    var stakes = Table<Stakes>()
    var exits = Table<Exits>()
    var reports = Table<Reports>()
    var epochs = Table<Epochs>()
    var rewards = Table<Rewards>()
    var cases = Table<Cases>()
    var evidence = Table<UsedEvidence>()
    var quality = Table<QualityTable>()
    var seats = Table<Seats>()
    var pauses = Table<Pauses>()
    var calls = Table<Calls>()
    var ballots = Table<Ballots>()
    var votes = Table<Votes>()
    var functions = Table<Functions>()
    var directory = Table<DirectoryTable>()
    var accounts = Table<Accounts>()
    var params = Table<Params>()
    var counters = Table<Counters>()

    /// Does one thing to every table, in the order in which digests stand in a checkpoint.
    mutating func forEachTable(_ visitor: inout some TableVisitor) {
        visitor.visit(&users)
        visitor.visit(&roots)
        visitor.visit(&commitments)
        visitor.visit(&keys)
        visitor.visit(&proposals)
        visitor.visit(&funds)
        visitor.visit(&channels)
        visitor.visit(&grants)
        visitor.visit(&nodes)
        visitor.visit(&signers)
        visitor.visit(&earnings)
        visitor.visit(&fees)
        visitor.visit(&pools)
        visitor.visit(&stakes)
        visitor.visit(&exits)
        visitor.visit(&reports)
        visitor.visit(&epochs)
        visitor.visit(&rewards)
        visitor.visit(&cases)
        visitor.visit(&evidence)
        visitor.visit(&quality)
        visitor.visit(&seats)
        visitor.visit(&pauses)
        visitor.visit(&calls)
        visitor.visit(&ballots)
        visitor.visit(&votes)
        visitor.visit(&functions)
        visitor.visit(&directory)
        visitor.visit(&accounts)
        visitor.visit(&params)
        visitor.visit(&counters)
    }

    /// Ends a command and keeps what it did.
    mutating func keep() {
        struct Keeper: TableVisitor {
            mutating func visit<Schema: TableSchema>(_ table: inout Table<Schema>) { table.keep() }
        }
        var keeper = Keeper()
        forEachTable(&keeper)
    }

    /// Ends a command and takes back what it did.
    mutating func rollBack() {
        struct Undoer: TableVisitor {
            mutating func visit<Schema: TableSchema>(_ table: inout Table<Schema>) { table.rollBack() }
        }
        var undoer = Undoer()
        forEachTable(&undoer)
    }

    /// Ends a block: every row that it changed.
    mutating func takeChanges() -> [RowChange] {
        struct Collector: TableVisitor {
            var changes: [RowChange] = []
            mutating func visit<Schema: TableSchema>(_ table: inout Table<Schema>) {
                table.takeChanges(into: &changes)
            }
        }
        var collector = Collector()
        forEachTable(&collector)
        return collector.changes
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
        case NodeFees.name: try fees.adopt(change)
        case Pools.name: try pools.adopt(change)
        case Stakes.name: try stakes.adopt(change)
        case Exits.name: try exits.adopt(change)
        case Reports.name: try reports.adopt(change)
        case Epochs.name: try epochs.adopt(change)
        case Rewards.name: try rewards.adopt(change)
        case Cases.name: try cases.adopt(change)
        case UsedEvidence.name: try evidence.adopt(change)
        case QualityTable.name: try quality.adopt(change)
        case Seats.name: try seats.adopt(change)
        case Pauses.name: try pauses.adopt(change)
        case Calls.name: try calls.adopt(change)
        case Ballots.name: try ballots.adopt(change)
        case Votes.name: try votes.adopt(change)
        case Functions.name: try functions.adopt(change)
        case DirectoryTable.name: try directory.adopt(change)
        case Accounts.name: try accounts.adopt(change)
        case Params.name: try params.adopt(change)
        case Counters.name: try counters.adopt(change)
        default: throw MalformedRow(table: change.table)
        }
    }

    /// The tables' declarations.
    static let tables: [TableDeclaration] = {
        struct Lister: TableVisitor {
            var tables: [TableDeclaration] = []
            mutating func visit<Schema: TableSchema>(_ table: inout Table<Schema>) {
                tables.append(TableDeclaration(Schema.self))
            }
        }
        var lister = Lister()
        var state = LedgerState()
        state.forEachTable(&lister)
        return lister.tables
    }()
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
        let minted = TokenAmount(Nano(counters[.minted] ?? 0))
        var balances = accounts.rows.mapValues(\.balance).filter { $0.value != .zero }
        balances[.zero] = nil
        return Balances(
            block: block,
            users: funds.rows,
            nodes: earnings.rows,
            pools: pools.rows,
            accounts: balances,
            fees: Nano(counters[.fees] ?? 0),
            insurance: Nano(counters[.insurance] ?? 0),
            escrow: Nano(counters[.escrow] ?? 0),
            bonds: Nano(counters[.bonds] ?? 0),
            supply: genesisSupply.adding(minted)?.subtracting(burned) ?? .zero
        )
    }

    /// All rows as the database holds them, by table and key.
    func allRows() -> [String: [[Cell]: [Cell]]] {
        struct Reader: TableVisitor {
            var rows: [String: [[Cell]: [Cell]]] = [:]
            mutating func visit<Schema: TableSchema>(_ table: inout Table<Schema>) {
                rows[Schema.name] = Dictionary(
                    uniqueKeysWithValues: table.rows.map { key, record in
                        let cells = Schema.cells(key: key)
                        return (cells, cells + Schema.cells(record: record))
                    }
                )
            }
        }
        var reader = Reader()
        var copy = self
        copy.forEachTable(&reader)
        return reader.rows
    }
}
