/// The number of a user, from 1, in the order of registration.
public struct UserID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number.
    public let number: UInt64

    /// Names the user with this number.
    public init(_ number: UInt64) {
        self.number = number
    }

    /// Orders users by number.
    public static func < (left: UserID, right: UserID) -> Bool { left.number < right.number }

    /// The number in decimal.
    public var description: String { String(number) }
}

/// The number of a node, from 1, in the order of registration.
///
/// Zero names no node.
public struct NodeID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number.
    public let number: UInt64

    /// Names the node with this number.
    public init(_ number: UInt64) {
        self.number = number
    }

    /// Orders nodes by number.
    public static func < (left: NodeID, right: NodeID) -> Bool { left.number < right.number }

    /// The number in decimal.
    public var description: String { String(number) }
}

/// The number of a case of slashing, from 1, in the order in which they were opened.
public struct CaseID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number.
    public let number: UInt64

    /// Names the one with this number.
    public init(_ number: UInt64) {
        self.number = number
    }

    /// Orders by number.
    public static func < (left: CaseID, right: CaseID) -> Bool { left.number < right.number }

    /// The number in decimal.
    public var description: String { String(number) }
}

/// The number of a call that the timelock holds, from 1, in the order in which they were queued.
public struct CallID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number.
    public let number: UInt64

    /// Names the one with this number.
    public init(_ number: UInt64) {
        self.number = number
    }

    /// Orders by number.
    public static func < (left: CallID, right: CallID) -> Bool { left.number < right.number }

    /// The number in decimal.
    public var description: String { String(number) }
}

/// The number of a proposal that stakers vote on, from 1, in the order in which they were made.
public struct ProposalID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number.
    public let number: UInt64

    /// Names the one with this number.
    public init(_ number: UInt64) {
        self.number = number
    }

    /// Orders by number.
    public static func < (left: ProposalID, right: ProposalID) -> Bool { left.number < right.number }

    /// The number in decimal.
    public var description: String { String(number) }
}
