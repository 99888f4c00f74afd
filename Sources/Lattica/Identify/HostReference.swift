import LatticaCore
import NIOConcurrencyHelpers

/// A host as its own protocols hold it: not any longer than others do.
///
/// What they do does not make a connection worth keeping.
final class HostReference: Host {
    let peerID: PeerID
    /// Without it, only peers that are connected are reached: who has just left is not to be called back.
    private let dials: Bool
    private let inbound: InboundStreams
    private let target = NIOLockedValueBox<Weak?>(nil)

    private struct Weak {
        weak var host: LatticaHost?
    }

    init(peerID: PeerID, inbound: InboundStreams, dials: Bool) {
        self.peerID = peerID
        self.dials = dials
        self.inbound = inbound
    }

    /// The host; `nil` once nobody else holds it.
    var host: LatticaHost? {
        get { target.withLockedValue { $0?.host } }
        set { target.withLockedValue { $0 = Weak(host: newValue) } }
    }

    func openStream(to peer: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream {
        guard let host else { throw .stopped }
        let held = dials ? try await host.connection(to: peer) : host.liveConnection(with: peer)
        guard let stream = try await held?.openStream(protocols, isHousekeeping: true) else {
            throw .unreachable(peer: "\(peer)", reasons: ["the connection ended"])
        }
        return stream
    }

    func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void) {
        inbound.answer(id, isHousekeeping: true, with: handler)
    }
}
