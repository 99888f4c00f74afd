import Ledger

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
    /// When the ledger began, in seconds since 1970: the first day of the schedule of minting.
    case begun
    /// All that was minted since, in nano.
    case minted
    /// The day, since the beginning, on which was minted last.
    case mintDay = "mint_day"
    /// What was minted on that day, in nano.
    case mintedToday = "minted_today"
    /// What the insurance holds, in nano.
    case insurance
    /// The assets of all pools, in nano.
    case staked
    /// Penalties that wait, in nano.
    case escrow
    /// Bonds of proposed penalties, in nano.
    case bonds
    /// The number of active nodes.
    case active
    /// The epoch in which a node was suspended last.
    case suspensionEpoch = "suspension_epoch"
    /// How many were in that epoch.
    case suspensions
    /// The number of the last case of slashing.
    case cases
    /// The number of the last call in the timelock.
    case calls
    /// The number of the last proposal to stakers.
    case ballots
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
