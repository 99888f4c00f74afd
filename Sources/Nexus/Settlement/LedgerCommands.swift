import Ledger

/// Why a command has not been done.
enum CommandFault: Error, Hashable, Sendable {
    /// The rules forbid it.
    case refused(Reason)
    /// The ledger has not decided within the deadline. It may still do it: ask for the state, and not for the outcome.
    case undecided
}

/// Submits commands, each under a fresh name, and waits for their outcome.
struct LedgerCommands: Sendable {
    let ledger: any Ledger
    /// Draws a name that was never used.
    let freshID: @Sendable () -> SubmissionID

    /// How far a command must have come.
    enum Standing: Sendable {
        /// In a block; a chain may still take it back.
        case included
        /// In a block that stays.
        case final
    }

    /// The longest a command is waited for: a chain's finality takes a quarter of an hour.
    private static let deadline: Duration = .seconds(1800)
    /// Between two questions for the outcome; a block takes seconds.
    private static let pause: Duration = .seconds(1)

    /// Has the ledger do something in the name of a caller that Nexus has authenticated.
    ///
    /// - Parameter whenIncluded: called once, as soon as the command is in a block.
    func perform(
        _ command: Command,
        caller: Address,
        until standing: Standing = .included,
        whenIncluded: () async throws -> Void = {}
    ) async throws -> Inclusion {
        let id = freshID()
        let start = ContinuousClock.now
        var wasIncluded = false
        var outcome = try await ledger.submit(command, caller: caller, id: id).outcome
        while true {
            if outcome.inclusion != nil, !wasIncluded {
                wasIncluded = true
                try await whenIncluded()
            }
            switch outcome {
            case .final(let inclusion): return inclusion
            case .included(let inclusion) where standing == .included: return inclusion
            case .rejected(let reason): throw CommandFault.refused(reason)
            case .pending, .included: break
            }
            guard start.duration(to: .now) < Self.deadline else { throw CommandFault.undecided }
            try await Task.sleep(for: Self.pause)
            outcome = try await ledger.outcome(id) ?? .pending
        }
    }
}
