import NIOCore

/// Notices that a peer has vanished without a word: a stopped process, an unplugged cable.
///
/// A ping goes out at every interval. The peer is given up when neither the answer nor anything else has come within
/// the timeout; other bytes count, because an answer waits its turn behind them.
struct KeepAlive {
    enum Action: Equatable {
        case none
        /// Send a ping with this value.
        case ping(UInt32)
        case giveUp
    }

    private let interval: TimeAmount
    private let timeout: TimeAmount
    private var value: UInt32
    private var sentAt: NIODeadline?
    private var lastPing: NIODeadline?
    private var lastReceived: NIODeadline

    /// - Parameter value: of the first ping; the next ones count up.
    init(interval: Duration, timeout: Duration, value: UInt32, now: NIODeadline) {
        self.interval = TimeAmount(interval)
        self.timeout = TimeAmount(timeout)
        self.value = value
        lastReceived = now
    }

    /// An answer is awaited, so that the deadline is to be watched.
    var isWaiting: Bool { sentAt != nil }

    /// When the next ping is due, unless an answer is awaited.
    var nextPing: NIODeadline { lastPing.map { $0 + interval } ?? .distantPast }

    /// Bytes came from the peer.
    mutating func received(at now: NIODeadline) {
        lastReceived = now
    }

    /// The answer to the ping came.
    ///
    /// - Returns: how long it took.
    mutating func pong(at now: NIODeadline) -> Duration? {
        defer { sentAt = nil }
        return sentAt.map { .nanoseconds((now - $0).nanoseconds) }
    }

    /// To be called often, compared with the interval and the timeout.
    mutating func tick(at now: NIODeadline) -> Action {
        if let sentAt {
            return now - max(sentAt, lastReceived) >= timeout ? .giveUp : .none
        }
        if let lastPing, now - lastPing < interval { return .none }
        lastPing = now
        sentAt = now
        value &+= 1
        return .ping(value)
    }
}
