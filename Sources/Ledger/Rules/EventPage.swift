/// The newest block of a ledger.
public struct LedgerHead: Hashable, Sendable {
    /// The block's number; zero holds the genesis.
    public var number: UInt64
    /// Its hash.
    public var hash: Bytes32
    /// Its time in seconds since 1970.
    public var time: UInt64
    /// The newest block that cannot be taken back.
    public var finalized: UInt64

    /// Makes a head.
    public init(number: UInt64, hash: Bytes32, time: UInt64, finalized: UInt64) {
        self.number = number
        self.hash = hash
        self.time = time
        self.finalized = finalized
    }
}

/// A place in the order of all events.
public struct Cursor: Hashable, Comparable, Sendable, Codable {
    /// The block.
    public var block: UInt64
    /// The event's number within the block, from zero.
    public var index: UInt64

    /// Names a place.
    public init(block: UInt64, index: UInt64) {
        self.block = block
        self.index = index
    }

    /// Orders places as their events happened.
    public static func < (left: Cursor, right: Cursor) -> Bool {
        (left.block, left.index) < (right.block, right.index)
    }
}

/// An event with its place.
public struct LedgerEvent: Hashable, Sendable {
    /// Where it stands.
    public var cursor: Cursor
    /// The block's time in seconds since 1970.
    public var time: UInt64
    /// What happened.
    public var event: Event
    /// Whether it can no longer be taken back.
    public var isFinal: Bool

    /// Makes an event with its place.
    public init(cursor: Cursor, time: UInt64, event: Event, isFinal: Bool) {
        self.cursor = cursor
        self.time = time
        self.event = event
        self.isFinal = isFinal
    }
}

/// Some events in order.
public struct EventPage: Hashable, Sendable {
    /// The events.
    public var events: [LedgerEvent]
    /// Where the next page begins; the same as was asked for when there was nothing.
    public var next: Cursor?
    /// Set when a chain took events back: what the reader learned after this place no longer holds.
    public var rolledBackTo: Cursor?

    /// Makes a page.
    public init(events: [LedgerEvent], next: Cursor?, rolledBackTo: Cursor? = nil) {
        self.events = events
        self.next = next
        self.rolledBackTo = rolledBackTo
    }
}
