import LatticaConnection
public import LatticaCore
public import LatticaProtocols
import Logging
import NIOConcurrencyHelpers

/// Identify and ping, which every host speaks.
extension LatticaHost {
    /// What a connected peer says of itself; `nil` until it has.
    public func identity(of peer: PeerID) -> IdentifyMessage? {
        state.withLockedValue { $0.identities[peer] }
    }

    /// Measures the time to a peer and back, through the whole stack of both sides.
    public func ping(_ peer: PeerID) async throws(PingError) -> Duration {
        guard let time = try await pingService.ping(peer).first else { throw .timedOut }
        return time
    }

    /// What this host says of itself.
    func introduction() -> IdentifyMessage {
        IdentifyMessage(
            publicKey: configuration.keypair.publicKey,
            listenAddresses: listenAddresses,
            protocols: handlers.protocols.sorted { $0.name < $1.name },
            protocolVersion: configuration.protocolVersion,
            agentVersion: configuration.agentVersion
        )
    }

    /// Asks a peer who it is, and remembers where it listens.
    func identify(_ connection: Connection) async {
        let peer = connection.remotePeer
        do {
            learn(try await identifyService.identify(peer), of: peer)
        } catch {
            logger.debug("a peer did not say who it is", metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
    }

    /// Takes what a peer has told without being asked.
    func update(_ push: IdentifyMessage, of peer: PeerID) {
        learn(identity(of: peer)?.updated(by: push) ?? push, of: peer)
    }

    private func learn(_ message: IdentifyMessage, of peer: PeerID) {
        let seen = state.withLockedValue { state in
            // Only of connected peers, so that the table is bounded as the connections are.
            guard let connection = state.connections[peer]?.first else { return nil as Connection? }
            state.identities[peer] = message
            return connection
        }
        guard let seen else { return }
        book.withLockedValue { $0.learn(message.listenAddresses, of: peer, seen: seen.remoteAddress) }
    }
}

/// A host as its own protocols hold it: not any longer than others do.
final class HostReference: Host {
    let peerID: PeerID
    /// Without it, only peers that are connected are reached: who has just left is not to be called back.
    private let dials: Bool
    private let handlers: StreamHandlers
    private let target = NIOLockedValueBox<Weak?>(nil)

    private struct Weak {
        weak var host: LatticaHost?
    }

    init(peerID: PeerID, handlers: StreamHandlers, dials: Bool) {
        self.peerID = peerID
        self.dials = dials
        self.handlers = handlers
    }

    /// The host; `nil` once nobody else holds it.
    var host: LatticaHost? {
        get { target.withLockedValue { $0?.host } }
        set { target.withLockedValue { $0 = Weak(host: newValue) } }
    }

    func openStream(to peer: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream {
        guard let host else { throw .stopped }
        if dials { return try await host.openStream(to: peer, protocols: protocols) }
        guard let connection = host.liveConnection(with: peer),
            let stream = try await host.openStream(on: connection, protocols)
        else { throw .unreachable(peer: "\(peer)", reasons: ["the connection ended"]) }
        return stream
    }

    func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void) {
        handlers.register(id, handler)
    }
}
