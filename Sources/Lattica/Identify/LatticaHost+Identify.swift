import LatticaConnection
public import LatticaCore
public import LatticaProtocols
import Logging
import NIOConcurrencyHelpers

/// Identify and ping, which every host speaks.
extension LatticaHost {
    /// The network that this host belongs to; a configuration without a name means a network of its own (Lattica wire, §8).
    public var protocolVersion: ProtocolVersion {
        ProtocolVersion(configuration.protocolVersion.isEmpty ? "/\(peerID)" : configuration.protocolVersion)
    }

    /// What a connected peer says of itself; `nil` until it has.
    public func identity(of peer: PeerID) -> IdentifyMessage? {
        state.withLockedValue { $0.peers[peer]?.identity }
    }

    /// Whether a connected peer is of this host's network; `nil` until it has said so.
    public func standing(of peer: PeerID) -> ProtocolVersion.Standing? {
        identity(of: peer).map { protocolVersion.standing(of: $0.protocolVersion) }
    }

    /// Measures the time to a peer and back, through the whole stack of both sides.
    public func ping(_ peer: PeerID) async throws(PingError) -> Duration {
        guard let time = try await pingService.ping(peer).first else { throw .timedOut }
        state.withLockedValue { $0.peers[peer]?.roundTripTime = time }
        return time
    }

    /// What this host says of itself.
    func introduction() -> IdentifyMessage {
        IdentifyMessage(
            publicKey: configuration.keypair.publicKey,
            listenAddresses: listenAddresses + observedAddresses,
            protocols: inbound.handlers.protocols.sorted { $0.name < $1.name },
            protocolVersion: protocolVersion.name,
            agentVersion: configuration.agentVersion
        )
    }

    /// Asks a peer who it is, and remembers where it listens.
    func identify(_ peer: PeerID) async {
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
        if configuration.strangers == .disconnect, protocolVersion.standing(of: message.protocolVersion) == .stranger {
            logger.debug(
                "a peer of another network is let go",
                metadata: ["peer": "\(peer)", "version": "\(message.protocolVersion ?? "")"]
            )
            return disconnect(peer)
        }
        let now = elapsed()
        let found = state.withLockedValue { state in
            // Only of connected peers, so that the table is bounded as the connections are.
            guard let held = state.table.connections(with: peer).first?.handle, state.peers[peer] != nil else {
                return nil as (connection: Connection, transports: [any Transport])?
            }
            state.peers[peer]?.identity = message
            if let observed = message.observedAddress {
                state.observed.saw(observed, from: held.connection.remoteAddress, at: now)
            }
            state.publish(.identified(peer))
            return (held.connection, state.transports)
        }
        guard let found else { return }
        let useful = message.listenAddresses.filter { address in found.transports.contains { $0.canDial(address) } }
        book.withLockedValue { $0.learn(useful, of: peer, seen: found.connection.remoteAddress, at: now) }
    }
}
