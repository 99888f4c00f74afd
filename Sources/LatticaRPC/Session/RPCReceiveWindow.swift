/// The credit that one side of a call has given to the other, in bytes of messages.
///
/// Every message costs its length and ``messageCost`` more, so that empty ones are not for free. What the peer may still
/// send and what lies here unread are never more than ``size`` together; only for the rest of one long message, which the
/// reader waits for, more may be lent.
struct RPCReceiveWindow: Hashable, Sendable {
    /// The credit that both sides have for every call from the start.
    ///
    /// Small, because a peer may have a thousand calls; it grows for readers that are fast.
    static let initialSize = 64 << 10
    /// The largest size it grows to: a round trip of 20 ms at 50 MB/s.
    static let maximumSize = 1 << 20
    /// What a message costs beside its length.
    static let messageCost = 32

    /// How much the peer may have sent without its being read.
    private(set) var size = initialSize
    /// What the peer may still send.
    private(set) var outstanding = initialSize
    /// What has arrived and is not read.
    private(set) var held = 0
    /// Read since the size last grew.
    private var consumed = 0

    /// Takes what has arrived.
    ///
    /// - Returns: `false` if the peer had no credit for it.
    mutating func receive(_ cost: Int) -> Bool {
        guard cost <= outstanding else { return false }
        outstanding -= cost
        held += cost
        return true
    }

    /// The reader has taken so much.
    mutating func release(_ cost: Int) {
        held -= cost
        consumed += cost
    }

    /// What to grant the peer, once it is worth a frame: half of the size.
    mutating func grant() -> Int? {
        let due = size - held - outstanding
        guard due >= size / 2 else { return nil }
        outstanding += due
        return due
    }

    /// Grants beyond the size, for the rest of a message that is on its way.
    mutating func lend(_ count: Int) {
        outstanding += count
    }

    /// Whether a reader that waits has taken enough for the size to be what slows it down.
    var mayGrow: Bool { size < Self.maximumSize && held == 0 && consumed >= size }

    /// By how much it grows.
    var growth: Int { min(size, Self.maximumSize - size) }

    /// Grows.
    mutating func grow() {
        size += growth
        consumed = 0
    }
}
