/// The name that a submitter gives a command, so that sending it twice does it once.
public struct SubmissionID: Hashable, Sendable, CustomStringConvertible {
    /// Thirty-two bytes, chosen by the submitter.
    public let bytes: Bytes32

    /// Takes the name.
    public init(_ bytes: Bytes32) {
        self.bytes = bytes
    }

    /// The bytes in hex.
    public var description: String { "\(bytes)" }
}

/// What the ledger answers to a command.
public struct Submission: Hashable, Sendable {
    /// The name under which the command was sent.
    public var id: SubmissionID
    /// How far it has come.
    public var outcome: Outcome

    /// Makes an answer.
    public init(id: SubmissionID, outcome: Outcome) {
        self.id = id
        self.outcome = outcome
    }
}

/// How far a command has come.
public enum Outcome: Hashable, Sendable {
    /// Taken, and not in a block.
    case pending
    /// In a block that may still be taken back.
    case included(Inclusion)
    /// In a block for good.
    case final(Inclusion)
    /// Refused; nothing changed.
    case rejected(Reason)

    /// What the command did, once it is in a block.
    public var inclusion: Inclusion? {
        switch self {
        case .included(let inclusion), .final(let inclusion): inclusion
        case .pending, .rejected: nil
        }
    }
}

/// What a command did and where it stands.
public struct Inclusion: Hashable, Sendable {
    /// The number of the block.
    public var block: UInt64
    /// The block's time in seconds since 1970.
    public var time: UInt64
    /// The events, in order.
    public var events: [Event]

    /// Makes a record of what a command did.
    public init(block: UInt64, time: UInt64, events: [Event]) {
        self.block = block
        self.time = time
        self.events = events
    }

    /// The user that the command registered.
    public var registeredUser: UserID? {
        for case .userRegistered(let user, _, _) in events { return user }
        return nil
    }

    /// The node that the command registered.
    public var registeredNode: NodeID? {
        for case .nodeRegistered(let node, _, _, _, _, _, _, _) in events { return node }
        return nil
    }

    /// The status of each entry of a `settle` of that many entries.
    ///
    /// A chain returns no values from a transaction, so they are read from the events: every rejected entry says its index,
    /// and the others have one `Settled` each, in order.
    ///
    /// - Returns: the statuses, or `nil` where the events are not those of such a call.
    public func settleStatuses(count: Int) -> [SettleStatus]? {
        var rejected: [UInt64: SettleStatus] = [:]
        var paid: [SettleStatus] = []
        for event in events {
            switch event {
            case .rejected(let index, let status): rejected[index] = status
            case .settled(_, _, let amount, let total, _, _): paid.append(total < amount ? .partial : .settled)
            default: continue
            }
        }
        guard rejected.count + paid.count == count else { return nil }
        var next = paid.makeIterator()
        var statuses: [SettleStatus] = []
        for index in 0..<UInt64(count) {
            guard let status = rejected[index] ?? next.next() else { return nil }
            statuses.append(status)
        }
        return statuses
    }
}
