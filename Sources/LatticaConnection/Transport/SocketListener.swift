import LatticaCore
import Logging
import Multiformats
import NIOCore
import NIOPosix

/// A port that peers can connect to, with a connection at the end of each socket.
struct SocketListener: Listener {
    private let channel: any Channel
    private let ports: ListeningPorts

    /// Where it listens, with the port that the system gave.
    let address: Multiaddr

    /// Binds a port.
    ///
    /// - Parameters:
    ///   - address: what is to be listened at, for errors and with the port that the system gave.
    ///   - suffix: what follows the port in addresses, such as `/ws`.
    init(
        _ host: Multiaddr.Host,
        port: UInt16,
        at address: Multiaddr,
        suffix: [Multiaddr.Component] = [],
        settings: ConnectionSettings,
        group: any EventLoopGroup,
        slots: HandshakeSlots,
        ports: ListeningPorts,
        layers: SocketLayers = .none
    ) async throws(ListenError) {
        let name: String
        switch host {
        case .ip4(let address): name = "\(address)"
        case .ip6(let address): name = "\(address)"
        case .dns, .dns4, .dns6: throw .addressNotSupported("\(address)")
        }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: SocketDialer.waterMark)
            .childChannelOption(.recvAllocator, value: SocketDialer.receiveBuffers)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.accept(channel, suffix: suffix, settings: settings, slots: slots, layers: layers)
                }
            }
        do {
            channel = try await bootstrap.bind(host: name, port: Int(port)).get()
            // Only after the port is bound: a program that listens at it already is noticed.
            if settings.reusesPort { try await channel.setOption(.reusePort, value: 1).get() }
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw .addressInUse("\(address.withoutPeerID)")
        } catch {
            throw .cannotListen("\(address.withoutPeerID)", reason: ConnectionError.text(of: error))
        }
        self.ports = ports
        if let address = channel.localAddress { ports.add(address) }
        let local = channel.localAddress.flatMap { try? Multiaddr(socket: $0) }
        self.address = local.map { Multiaddr($0.components + suffix) } ?? address.withoutPeerID
    }

    /// Takes no more connections.
    ///
    /// Those that were accepted live on.
    func close() async {
        if let address = channel.localAddress { ports.remove(address) }
        // It fails only if the port is closed already.
        try? await channel.close()
    }

    private static func accept(
        _ channel: any Channel,
        suffix: [Multiaddr.Component],
        settings: ConnectionSettings,
        slots: HandshakeSlots,
        layers: SocketLayers
    ) throws(ConnectionError) {
        guard let socket = channel.remoteAddress, let address = try? Multiaddr(socket: socket) else {
            throw .addressNotSupported("\(channel.remoteAddress, default: "unknown")")
        }
        guard settings.accept(address) else {
            settings.logger.debug("an inbound connection was closed: its network is gated")
            throw .gated
        }
        guard slots.enter() else {
            settings.logger.debug("an inbound connection was closed: too many handshakes are under way")
            settings.metrics.handshakeEnded(.refused, isOutbound: false, security: nil, after: .zero)
            throw .limitReached
        }
        let remote = Multiaddr(address.components + suffix)
        SocketDialer.link(channel, isDialer: false, settings: settings, remote, nil, layers)
            .whenComplete { slots.leave($0) }
    }
}
