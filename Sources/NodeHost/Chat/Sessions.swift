import Ledger
import NIOConcurrencyHelpers

/// An agreement with a payer.
struct Session: Sendable {
    let id: Bytes32
    let key: KeyID
    let model: String
    let quote: Quote
    let quoteHash: Bytes32
}

/// Sessions that were opened and have not expired.
final class Sessions: Sendable {
    /// The oldest session gives way beyond this many; its payer opens another.
    private static let limit = 10_000

    private let state = NIOLockedValueBox((sessions: [Bytes32: Session](), order: [Bytes32]()))

    func add(_ session: Session) {
        state.withLockedValue { state in
            if state.order.count >= Self.limit { state.sessions[state.order.removeFirst()] = nil }
            state.sessions[session.id] = session
            state.order.append(session.id)
        }
    }

    /// The session of this name, unless its quote has ended.
    func session(_ id: Bytes32, now: UInt64) -> Session? {
        state.withLockedValue { $0.sessions[id] }.flatMap { $0.quote.validUntil >= now ? $0 : nil }
    }
}
