import Ledger

/// Why a command has not been done.
enum CommandFault: Error, Hashable, Sendable {
    /// The rules forbid it.
    case refused(Reason)
    /// The ledger has not decided yet; nothing was promised.
    case undecided
}

/// Submits commands, each under a fresh name, and waits for their outcome.
struct LedgerCommands: Sendable {
    let ledger: any Ledger
    /// Draws a name that was never used.
    let freshID: @Sendable () -> SubmissionID

    /// Has the ledger do something in the name of a caller that Nexus has authenticated.
    func perform(_ command: Command, caller: Address) async throws -> Inclusion {
        switch try await ledger.submit(command, caller: caller, id: freshID()).outcome {
        case .included(let inclusion), .final(let inclusion): return inclusion
        case .rejected(let reason): throw CommandFault.refused(reason)
        case .pending: throw CommandFault.undecided
        }
    }
}
