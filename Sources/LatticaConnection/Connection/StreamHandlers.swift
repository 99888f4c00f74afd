public import LatticaCore
import NIOConcurrencyHelpers

/// What a host answers: a handler for each protocol.
public final class StreamHandlers: Sendable {
    /// Serves one stream that a peer has opened.
    public typealias Handler = @Sendable (any MuxedStream) async -> Void

    private struct State {
        var handlers: [ProtocolID: Handler] = [:]
        var protocols: Set<ProtocolID> = []
    }

    private let state = NIOLockedValueBox(State())

    /// No handlers.
    public init() {}

    /// The protocols that are answered.
    public var protocols: Set<ProtocolID> {
        state.withLockedValue { $0.protocols }
    }

    /// Answers a protocol from now on; replaces the handler that did.
    public func register(_ id: ProtocolID, _ handler: @escaping Handler) {
        state.withLockedValue { state in
            state.handlers[id] = handler
            state.protocols.insert(id)
        }
    }

    func handler(for id: ProtocolID) -> Handler? {
        state.withLockedValue { $0.handlers[id] }
    }
}
