public import LatticaCore
import Logging
public import Multiformats
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix

/// Dials and listens over TCP; every connection is secured by Noise and multiplexed by yamux before anyone sees it.
public struct TCPTransport: Transport {
    private let settings: ConnectionSettings
    private let group: any EventLoopGroup
    private let handshakes = NIOLockedValueBox(0)

    /// - Parameter group: whose event loops carry the connections, each on one of them.
    public init(settings: ConnectionSettings, group: any EventLoopGroup) {
        self.settings = settings
        self.group = group
    }

    /// Whether the address is of the form `/ip4|ip6|dns…/…/tcp/PORT`.
    public func canDial(_ address: Multiaddr) -> Bool { address.tcpEndpoint != nil }

    /// Whether the address is of that form; names cannot be listened at.
    public func canListen(at address: Multiaddr) -> Bool { address.tcpEndpoint != nil }

    /// Connects to a peer and secures the connection.
    ///
    /// Cancelling the task closes what has been reached so far.
    ///
    /// - Parameter address: `/ip4|ip6|dns|dns4|dns6/…/tcp/PORT`, with or without the peer's id behind it.
    /// - Parameter peer: who must answer; `nil` takes any, or the one that the address names.
    public func dial(_ address: Multiaddr, expecting peer: PeerID? = nil) async throws(ConnectionError) -> Connection {
        guard let endpoint = address.tcpEndpoint else { throw .addressNotSupported("\(address)") }
        let settings = settings
        let expected = peer ?? address.peerID
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(settings.limits.upgradeTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let driver = try ConnectionDriver(
                        settings: settings,
                        role: .dialer,
                        remoteAddress: address.withoutPeerID,
                        expectedPeer: expected,
                        loop: channel.eventLoop
                    )
                    try channel.pipeline.syncOperations.addHandler(driver)
                }
            }
        let dialled: EventLoopFuture<any Channel>
        switch endpoint.host {
        case .ip4(let host): dialled = bootstrap.connect(host: "\(host)", port: Int(endpoint.port))
        case .ip6(let host): dialled = bootstrap.connect(host: "\(host)", port: Int(endpoint.port))
        case .dns(let name), .dns4(let name), .dns6(let name):
            dialled = bootstrap.connect(host: name, port: Int(endpoint.port))
        }
        let outcome = await withTaskCancellationHandler {
            await Self.result(of: dialled)
        } onCancel: {
            dialled.whenSuccess { $0.close(promise: nil) }
        }
        do {
            return try outcome.get()
        } catch let error as ConnectionError {
            throw error
        } catch let error as NIOConnectionError {
            throw .transport(Self.reason(of: error))
        } catch ChannelError.connectTimeout {
            throw .timedOut
        } catch {
            throw .transport(String(describing: error))
        }
    }

    /// Accepts connections at an address.
    ///
    /// - Parameter address: `/ip4|ip6/…/tcp/PORT`; port 0 takes a free one.
    public func listen(at address: Multiaddr) async throws(ListenError) -> any Listener {
        guard let endpoint = address.tcpEndpoint else { throw .addressNotSupported("\(address)") }
        let host: String
        switch endpoint.host {
        case .ip4(let address): host = "\(address)"
        case .ip6(let address): host = "\(address)"
        case .dns, .dns4, .dns6: throw .addressNotSupported("\(address)")
        }
        let (settings, handshakes) = (settings, handshakes)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.accept(channel, settings: settings, handshakes: handshakes)
                }
            }
        do {
            let channel = try await bootstrap.bind(host: host, port: Int(endpoint.port)).get()
            let local = channel.localAddress.flatMap { try? Multiaddr(socket: $0) } ?? address.withoutPeerID
            return TCPListener(channel: channel, address: local)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw .addressInUse("\(address.withoutPeerID)")
        } catch {
            throw .cannotListen("\(address.withoutPeerID)", reason: Self.reason(of: error))
        }
    }

    /// Enough to keep a fast connection busy for a turn of the loop, and little enough for thousands of slow ones.
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 128 * 1024, high: 512 * 1024)

    private static func accept(
        _ channel: any Channel,
        settings: ConnectionSettings,
        handshakes: NIOLockedValueBox<Int>
    ) throws {
        guard let socket = channel.remoteAddress, let address = try? Multiaddr(socket: socket) else {
            throw ConnectionError.addressNotSupported("\(channel.remoteAddress, default: "unknown")")
        }
        let isWelcome = handshakes.withLockedValue { count in
            guard count < settings.limits.handshakes else { return false }
            count += 1
            return true
        }
        guard isWelcome else {
            settings.logger.debug("an inbound connection was closed: too many handshakes are under way")
            throw ConnectionError.limitReached
        }
        let driver: ConnectionDriver
        do {
            driver = try ConnectionDriver(
                settings: settings,
                role: .listener,
                remoteAddress: address,
                expectedPeer: nil,
                loop: channel.eventLoop
            )
        } catch {
            handshakes.withLockedValue { $0 -= 1 }
            throw error
        }
        driver.ready.futureResult.whenComplete { _ in handshakes.withLockedValue { $0 -= 1 } }
        try channel.pipeline.syncOperations.addHandler(driver)
    }

    private static func result(of dialled: EventLoopFuture<any Channel>) async -> Result<Connection, any Error> {
        await withCheckedContinuation { continuation in
            dialled.flatMap { channel in
                channel.pipeline.handler(type: ConnectionDriver.self).flatMap { $0.ready.futureResult }
            }.whenComplete { continuation.resume(returning: $0) }
        }
    }

    private static func reason(of error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return String(describing: error) }
        let reasons = error.connectionErrors.map { String(describing: $0.error) }
        return reasons.isEmpty ? "the name \(error.host) is not known" : reasons.joined(separator: "; ")
    }
}

/// A port that peers can connect to.
struct TCPListener: Listener {
    private let channel: any Channel

    /// Where it listens, with the port that the system gave.
    let address: Multiaddr

    init(channel: any Channel, address: Multiaddr) {
        self.channel = channel
        self.address = address
    }

    /// Takes no more connections.
    ///
    /// Those that were accepted live on.
    func close() async {
        // It fails only if the port is closed already.
        try? await channel.close()
    }
}

/// Why a host cannot listen at an address.
public enum ListenError: Error, Hashable {
    /// The address is not of the form `/ip4|ip6/…/tcp/PORT`.
    case addressNotSupported(String)
    /// Another program listens there.
    case addressInUse(String)
    /// The system refuses, in its words.
    case cannotListen(String, reason: String)
}

extension ListenError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .addressNotSupported(let address):
            "cannot listen at \(address): give an address of the form /ip4/0.0.0.0/tcp/4001 or /ip6/::/tcp/4001"
        case .addressInUse(let address):
            "cannot listen at \(address): the port is in use; stop the program that uses it, or give another port (0 takes a free one)"
        case .cannotListen(let address, let reason):
            "cannot listen at \(address): \(reason); give an address of this machine and a port that you may use"
        }
    }
}
