import LatticaCore
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// What TCP and WebSocket share: sockets with a connection at their end.
struct SocketDialer: Sendable {
    let settings: ConnectionSettings
    let group: any EventLoopGroup
    /// Where this host listens with the same layers.
    let ports: ListeningPorts

    /// Enough to keep a fast connection busy for a turn of the loop, and little enough for thousands of slow ones.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 128 * 1024, high: 512 * 1024)

    /// Small for the many connections that are idle, and large enough for a fast one to bring much in one turn.
    static let receiveBuffers = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 256 * 1024)

    /// Connects a socket, adds the layers, and waits until the connection is ready.
    ///
    /// Cancelling the task closes what has been reached so far.
    ///
    /// - Parameters:
    ///   - address: what was dialled, as the connection will tell it.
    ///   - peer: who must answer; `nil` takes any.
    func dial(
        _ host: Multiaddr.Host,
        port: UInt16,
        as address: Multiaddr,
        expecting peer: PeerID?,
        layers: SocketLayers = .none
    ) async throws(ConnectionError) -> Connection {
        let attempt = DialAttempt()
        let settings = settings
        let loop = group.next()
        // On the loop from the beginning: a peer that speaks first can be heard as soon as the socket is connected, and what
        // it says before the link is in place is lost.
        let connection = loop.flatSubmit {
            connect(host, port: port, on: loop, attempt).flatMap { channel in
                Self.link(channel, isDialer: true, settings: settings, address.withoutPeerID, peer, layers)
            }
        }
        let outcome: Result<Connection, any Error> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                connection.whenComplete { continuation.resume(returning: $0) }
            }
        } onCancel: {
            attempt.cancel()
        }
        do {
            return try outcome.get()
        } catch {
            throw attempt.isCancelled ? .closed : ConnectionError(error)
        }
    }

    private func connect(
        _ host: Multiaddr.Host,
        port: UInt16,
        on loop: any EventLoop,
        _ attempt: DialAttempt
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = bootstrap(on: loop, attempt)
        switch host {
        case .ip4(let host): return connect("\(host)", port, on: loop, attempt)
        case .ip6(let host): return connect("\(host)", port, on: loop, attempt)
        case .dns(let name): return bootstrap.connect(host: name, port: Int(port))
        case .dns4(let name):
            return bootstrap.resolver(FamilyResolver(.v4, loop: loop)).connect(host: name, port: Int(port))
        case .dns6(let name):
            return bootstrap.resolver(FamilyResolver(.v6, loop: loop)).connect(host: name, port: Int(port))
        }
    }

    /// Connects from a port that this host listens at, or from any if there is none, or it serves a connection with the
    /// same destination already.
    private func connect(
        _ host: String,
        _ port: UInt16,
        on loop: any EventLoop,
        _ attempt: DialAttempt
    ) -> EventLoopFuture<any Channel> {
        let destination: SocketAddress
        do {
            destination = try SocketAddress(ipAddress: host, port: Int(port))
        } catch {
            return loop.makeFailedFuture(error)
        }
        guard settings.reusesPort, let origin = ports.origin(for: destination) else {
            return bootstrap(on: loop, attempt).connect(to: destination)
        }
        return bootstrap(on: loop, attempt)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.reusePort, value: 1)
            .bind(to: origin)
            .connect(to: destination)
            .flatMapError { error in
                guard let error = error as? IOError, Self.portTaken.contains(error.errnoCode) else {
                    return loop.makeFailedFuture(error)
                }
                return bootstrap(on: loop, attempt).connect(to: destination)
            }
    }

    private func bootstrap(on loop: any EventLoop, _ attempt: DialAttempt) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(settings.limits.upgradeTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.waterMark)
            .channelOption(.recvAllocator, value: Self.receiveBuffers)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try attempt.began(channel) }
            }
    }

    /// What the system says when the listening port cannot be dialled from.
    private static let portTaken: Set<CInt> = [EADDRINUSE, EADDRNOTAVAIL, EINVAL, EACCES]

    /// Adds the layers and the link to a channel, on its event loop.
    ///
    /// - Returns: the connection once it is ready; a failure closes the channel.
    static func link(
        _ channel: any Channel,
        isDialer: Bool,
        settings: ConnectionSettings,
        _ address: Multiaddr,
        _ peer: PeerID?,
        _ layers: SocketLayers
    ) -> EventLoopFuture<Connection> {
        let loop = channel.eventLoop
        let connection: EventLoopFuture<Connection>
        if let add = layers.add {
            // The layers need not answer on a channel that closes before they are done, nor on one that stays silent;
            // the connection has a deadline of its own.
            let isLayered = loop.makePromise(of: Void.self)
            add(channel, isDialer).cascade(to: isLayered)
            let deadline = loop.scheduleTask(in: TimeAmount(settings.limits.upgradeTimeout)) {
                isLayered.fail(ConnectionError.timedOut)
            }
            channel.closeFuture.whenComplete { _ in isLayered.fail(ConnectionError.closedByPeer) }
            connection = isLayered.futureResult.flatMap {
                deadline.cancel()
                return Self.addLink(to: channel, isDialer: isDialer, settings: settings, address, peer)
            }
            connection.whenFailure { _ in deadline.cancel() }
        } else {
            connection = addLink(to: channel, isDialer: isDialer, settings: settings, address, peer)
        }
        connection.whenFailure { _ in channel.close(promise: nil) }
        return connection
    }

    private static func addLink(
        to channel: any Channel,
        isDialer: Bool,
        settings: ConnectionSettings,
        _ address: Multiaddr,
        _ peer: PeerID?
    ) -> EventLoopFuture<Connection> {
        let connection = channel.eventLoop.makePromise(of: Connection.self)
        let link = ChannelLink(
            loop: channel.eventLoop,
            isDialer: isDialer,
            settings: settings,
            remoteAddress: address,
            expecting: peer,
            ready: connection
        )
        do {
            try channel.pipeline.syncOperations.addHandler(link)
        } catch {
            connection.fail(error)
        }
        return connection.futureResult
    }
}

/// The channels that one dial has made, several when a name has several addresses, so that cancelling closes them.
private final class DialAttempt: Sendable {
    private struct State {
        var channels: [any Channel] = []
        var isCancelled = false
    }

    private let state = NIOLockedValueBox(State())

    var isCancelled: Bool { state.withLockedValue(\.isCancelled) }

    func began(_ channel: any Channel) throws(ConnectionError) {
        let isCancelled = state.withLockedValue { state in
            state.channels.append(channel)
            return state.isCancelled
        }
        if isCancelled { throw .closed }
    }

    func cancel() {
        let channels = state.withLockedValue { state in
            state.isCancelled = true
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
