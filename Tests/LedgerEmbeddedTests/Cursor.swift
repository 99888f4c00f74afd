import Ledger

/// GRDB has a `Cursor` of its own, and the module `Ledger` cannot be named where its protocol `Ledger` is.
typealias LedgerEventCursor = Cursor
