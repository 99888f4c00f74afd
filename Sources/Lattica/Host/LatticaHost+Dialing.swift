import LatticaConnection
import Logging
import NIOConcurrencyHelpers
public import LatticaCore
public import Multiformats

/// Reaching peers.
extension LatticaHost {
    /// Addresses of a peer that are tried for one dial; the others are rarely better.
    private static let mostAttempts = 8

    /// The head start of an address before the next one is tried beside it (RFC 8305, §5).
    private static let headStart: Duration = .milliseconds(250)

    /// Connects to the peer at an address, unless there is a connection with it already.
    ///
    /// - Parameter address: `/ip4|ip6|dns…/…/tcp/PORT`; with `/p2p/ID` behind it only that peer is accepted.
    /// - Returns: the peer that answered, and proved who it is.
    @discardableResult
    public func connect(to address: Multiaddr) async throws(DialError) -> PeerID {
        if let peer = address.peerID {
            if let connection = liveConnection(with: peer) { return connection.remotePeer }
            guard peer != peerID else { throw .handshakeFailed(ConnectionError.isThisHost.description) }
        }
        return try await dial(.address(address)).remotePeer
    }

    func connection(to peer: PeerID) async throws(DialError) -> Connection {
        if let connection = liveConnection(with: peer) { return connection }
        guard peer != peerID else { throw .handshakeFailed(ConnectionError.isThisHost.description) }
        return try await dial(.peer(peer))
    }

    private func dial(_ target: DialTarget) async throws(DialError) -> Connection {
        let found: Result<(Dial, isFirst: Bool), DialError> = state.withLockedValue { state in
            guard case .running = state.phase else { return .failure(.stopped) }
            if let dial = state.dials[target] { return .success((dial, false)) }
            guard state.connectionCount < configuration.limits.connections else {
                return .failure(.limitReached("\(configuration.limits.connections) connections are open"))
            }
            let dial = Dial()
            state.dials[target] = dial
            return .success((dial, true))
        }
        let (dial, isFirst) = try found.get()
        if isFirst {
            let hasBegun = tasks.add {
                let outcome = await self.attempt(target)
                self.state.withLockedValue { $0.dials[target] = nil }
                dial.finish(outcome)
            }
            if !hasBegun { dial.finish(.failure(.stopped)) }
        }
        return try await dial.wait()
    }

    private func attempt(_ target: DialTarget) async -> Dial.Outcome {
        switch target {
        case .address(let address):
            return await attempt([address], peer: address.peerID)
        case .peer(let peer):
            let known = addresses(of: peer).prefix(Self.mostAttempts)
            guard !known.isEmpty else { return .failure(.noAddress(peer: "\(peer)")) }
            return await attempt(Array(known), peer: peer)
        }
    }

    /// Tries the addresses one after the other, each a little after the one before, until one has worked.
    private func attempt(_ addresses: [Multiaddr], peer: PeerID?) async -> Dial.Outcome {
        let transport = transport
        let deadline = configuration.dialTimeout
        return await withTaskGroup(of: (Multiaddr, Result<Connection, ConnectionError>)?.self) { group in
            for (index, address) in addresses.enumerated() {
                group.addTask {
                    try? await Task.sleep(for: Self.headStart * index)
                    guard !Task.isCancelled else { return (address, .failure(.closed)) }
                    do throws(ConnectionError) {
                        return (address, .success(try await transport.dial(address, expecting: peer)))
                    } catch {
                        return (address, .failure(error))
                    }
                }
            }
            group.addTask {
                try? await Task.sleep(for: deadline)
                return nil
            }
            defer { group.cancelAll() }
            var failures: [(Multiaddr, ConnectionError)] = []
            for await attempt in group {
                guard let (address, outcome) = attempt else { return .failure(.timedOut) }
                switch outcome {
                case .success(let connection):
                    book.withLockedValue { $0.prefer(address, for: connection.remotePeer) }
                    return .success(connection)
                case .failure(let error):
                    logger.debug("an address did not work", metadata: ["address": "\(address)", "error": "\(error)"])
                    failures.append((address, error))
                }
                if failures.count == addresses.count { break }
            }
            return .failure(Self.reason(of: failures, peer: peer))
        }
    }

    /// One failure is told as what it is, several by their reasons.
    private static func reason(of failures: [(Multiaddr, ConnectionError)], peer: PeerID?) -> DialError {
        if failures.count == 1, let (_, error) = failures.first {
            switch error {
            case .multistream, .noise, .yamux, .notSupported, .isThisHost: return .handshakeFailed("\(error)")
            case .limitReached: return .limitReached("\(error)")
            case .timedOut: return .timedOut
            case .closed: return .stopped
            case .transport, .addressNotSupported, .closedByPeer: break
            }
        }
        let name = peer.map { "\($0)" } ?? failures.first.map { "\($0.0)" } ?? ""
        return .unreachable(peer: name, reasons: failures.map { "\($0.0): \($0.1)" })
    }
}
