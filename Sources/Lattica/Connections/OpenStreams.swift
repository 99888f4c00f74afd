/// The streams that this host has opened with one peer and somebody still holds.
///
/// They are held weakly: a stream ends when its owner lets go of it, and a wrapper that noticed would cost every read and
/// write a call. The table is swept when it has doubled, so entering a stream costs the same on average however many
/// there were before.
struct OpenStreams: Sendable {
    /// `@unchecked Sendable`: the object is never touched, only asked whether it is still there.
    private struct Entry: @unchecked Sendable {
        weak var stream: AnyObject?
    }

    private static let smallest = 16

    private var entries: [Entry] = []
    private var sweepAt = Self.smallest

    /// Remembers a stream for as long as somebody else holds it.
    ///
    /// - Returns: streams that were looked at, to be let go of outside of any lock: the last holder may be this one.
    mutating func add(_ stream: AnyObject) -> [AnyObject] {
        let held = entries.count >= sweepAt ? self.held() : []
        entries.append(Entry(stream: stream))
        return held
    }

    /// Those that are held, to be let go of outside of any lock.
    mutating func held() -> [AnyObject] {
        let held = entries.compactMap(\.stream)
        if held.count < entries.count { entries = held.map { Entry(stream: $0) } }
        sweepAt = max(Self.smallest, held.count * 2)
        return held
    }
}
