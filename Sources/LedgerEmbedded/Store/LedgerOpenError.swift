/// Why a local ledger could not be opened.
///
/// Its description says what to do next.
public enum LedgerOpenError: Error, Hashable, Sendable {
    /// Another process, or another part of this one, has the ledger open.
    case inUse(path: String)
    /// The folder or the file cannot be written.
    case notWritable(path: String, problem: String)
    /// There is no ledger at the path, and no genesis was given to begin one.
    case noLedger(path: String)
    /// The genesis cannot stand, for this reason.
    case badGenesis(String)
    /// The ledger was begun with another cluster key.
    case wrongKey(path: String)
    /// The file is no ledger, or one of another version.
    case notALedger(path: String, problem: String)
    /// The ledger was written by rules of another version, which this one does not know.
    case otherFormat(path: String, format: Int, expected: Int)
    /// The ledger does not verify: something changed it from outside.
    case damaged(path: String, VerificationFault)
}

extension LedgerOpenError: CustomStringConvertible {
    /// What failed, why, and what to do next.
    public var description: String {
        switch self {
        case .inUse(let path):
            "The ledger \(path) is in use by another process. Stop that process, or give this one a data folder of its own."
        case .notWritable(let path, let problem):
            "The ledger \(path) cannot be written: \(problem). Give this user the right to write there (chown), or choose another data folder."
        case .noLedger(let path):
            "There is no ledger at \(path). Begin one with a genesis, or correct the path."
        case .badGenesis(let problem):
            "The genesis cannot stand: \(problem). Correct the parameters and start again."
        case .wrongKey(let path):
            "The ledger \(path) was begun with another cluster key. Put that key's file back, or choose another data folder."
        case .notALedger(let path, let problem):
            "The file \(path) is not a ledger of this version: \(problem). Choose another data folder, or restore a backup."
        case .otherFormat(let path, let format, let expected):
            "The ledger \(path) has format \(format), and this version reads format \(expected). Its rules differ, so nothing was changed. Open it with the version that wrote it, or begin another ledger in another data folder."
        case .damaged(let path, let fault):
            "The ledger \(path) does not verify at \(fault). Nothing was changed. Run `lattice ledger verify`, and restore a backup."
        }
    }
}

/// The first place at which a ledger does not verify.
public struct VerificationFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The block.
    public var block: UInt64
    /// The table, where the fault is in one.
    public var table: String?
    /// What is wrong.
    public var problem: String

    /// Names a place.
    public init(block: UInt64, table: String? = nil, problem: String) {
        self.block = block
        self.table = table
        self.problem = problem
    }

    /// The place and the fault in one line.
    public var description: String {
        "block \(block)\(table.map { ", table \($0)" } ?? ""): \(problem)"
    }
}
