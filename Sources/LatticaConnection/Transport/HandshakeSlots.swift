import NIOConcurrencyHelpers

/// Counts the inbound connections that are not ready, so that strangers cannot gather them.
final class HandshakeSlots: Sendable {
    /// How handshakes have gone so far.
    struct Counts: Equatable {
        /// Under way.
        var open = 0
        /// Closed at once, because as many as the limit were under way.
        var refused = 0
        /// Given up, because the stranger did not finish in time.
        var timedOut = 0
        /// Ended by an error.
        var failed = 0
        /// Gave a connection.
        var finished = 0
    }

    private let limit: Int
    private let state = NIOLockedValueBox(Counts())

    init(limit: Int) {
        self.limit = limit
    }

    var counts: Counts { state.withLockedValue { $0 } }

    /// - Returns: whether one more may begin; then ``leave(_:)`` is due once.
    func enter() -> Bool {
        state.withLockedValue { counts in
            guard counts.open < limit else {
                counts.refused += 1
                return false
            }
            counts.open += 1
            return true
        }
    }

    func leave(_ outcome: Result<Connection, any Error>) {
        state.withLockedValue { counts in
            counts.open -= 1
            switch outcome {
            case .success: counts.finished += 1
            case .failure(ConnectionError.timedOut): counts.timedOut += 1
            case .failure: counts.failed += 1
            }
        }
    }
}
