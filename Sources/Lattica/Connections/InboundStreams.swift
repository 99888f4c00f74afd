import LatticaConnection
import LatticaCore
import NIOConcurrencyHelpers

/// The protocols that a host answers, within what each peer may ask of it at once.
final class InboundStreams: Sendable {
    /// What the connections ask.
    let handlers = StreamHandlers()

    private let quota: NIOLockedValueBox<StreamQuota>

    init(limits: SwarmLimits) {
        quota = .init(StreamQuota(limits: limits))
    }

    /// Answers a protocol; replaces the handler that did.
    ///
    /// - Parameter isHousekeeping: streams of this protocol do not make a connection worth keeping.
    func answer(
        _ id: ProtocolID,
        isHousekeeping: Bool = false,
        with handler: @escaping @Sendable (any MuxedStream) async -> Void
    ) {
        let quota = quota
        handlers.register(id) { stream in
            let peer = stream.remotePeer
            guard quota.withLockedValue({ $0.enter(peer, id, isHousekeeping: isHousekeeping) }) else {
                return stream.reset()
            }
            await handler(stream)
            quota.withLockedValue { $0.leave(peer, id, isHousekeeping: isHousekeeping) }
        }
    }

    /// Streams of a peer that handlers are at work on, housekeeping left out.
    func working(of peer: PeerID) -> Int {
        quota.withLockedValue { $0.working(of: peer) }
    }

    /// Streams of all peers that handlers are at work on, housekeeping left out.
    var working: Int { quota.withLockedValue(\.working) }

    /// Resets what peers open from here on; handlers at work go on.
    func close() {
        quota.withLockedValue { $0.close() }
    }
}
