import NIOCore

/// How much the peer may send on one stream, and when it is told that it may send more.
///
/// Credit is given back once half a window has been read. A reader that empties its window within a few round trips is
/// held up by the window and not by the network, so the window doubles, as in go-yamux and rust-yamux.
struct ReceiveWindow {
    /// Within so many round trips since the last credit a window must have been emptied to grow; what go-yamux takes.
    private static let roundTrips: Int64 = 4

    /// What the peer may send at most without anything being read.
    private(set) var size = YamuxLimits.initialWindow
    /// What the peer may still send.
    private(set) var credit = YamuxLimits.initialWindow
    private var lastGrant: NIODeadline?

    /// How much larger than at the beginning.
    var growth: Int { size - YamuxLimits.initialWindow }

    /// Bytes came.
    ///
    /// - Returns: whether the peer was allowed to send them.
    mutating func receive(_ count: Int) -> Bool {
        guard count <= credit else { return false }
        credit -= count
        return true
    }

    /// Bytes have been read.
    ///
    /// - Parameters:
    ///   - unread: what is left to be read.
    ///   - roundTrip: the time to the peer and back; `nil` while it is not known, and the window keeps its size.
    ///   - room: how much the window may grow at most.
    /// - Returns: the credit to tell the peer; `nil` while it has enough.
    mutating func grant(
        unread: Int,
        at now: @autoclosure () -> NIODeadline,
        roundTrip: TimeAmount?,
        room: Int
    ) -> Int? {
        let owed = size - credit - unread
        guard owed >= size / 2 else { return nil }
        var granted = owed
        if let roundTrip {
            let now = now()
            if let lastGrant, (now - lastGrant).nanoseconds < Self.roundTrips * roundTrip.nanoseconds {
                let growth = max(0, min(size, room))
                size += growth
                granted += growth
            }
            lastGrant = now
        }
        credit += granted
        return granted
    }
}
