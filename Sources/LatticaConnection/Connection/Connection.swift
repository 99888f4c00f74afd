public import LatticaCore
public import Multiformats
import NIOConcurrencyHelpers
public import NIOCore

/// A secured connection to one peer that carries many streams.
public final class Connection: Sendable {
    /// The peer at the other end, proven by the handshake.
    public let remotePeer: PeerID

    /// The address that was dialled, or where the peer came from.
    public let remoteAddress: Multiaddr

    /// This host dialled.
    public let isOutbound: Bool

    /// What secures the connection.
    public let security: SecurityProtocol

    /// Tells this connection apart from the others of the program, in logs and captures.
    public let number: UInt64

    private struct Observed {
        var roundTripTime: Duration?
        var acceptsStreams = true
    }

    let loop: any EventLoop
    private let driver: NIOLoopBound<ConnectionDriver>
    private let tasks: TaskScope
    private let end: EventLoopFuture<ConnectionError>
    private let observed = NIOLockedValueBox(Observed())

    init(driver: ConnectionDriver, remotePeer: PeerID, security: SecurityProtocol) {
        self.remotePeer = remotePeer
        self.security = security
        number = driver.number
        remoteAddress = driver.remoteAddress
        isOutbound = driver.role == .dialer
        loop = driver.loop
        tasks = driver.tasks
        executor = driver.executor
        end = driver.ended.futureResult
        self.driver = NIOLoopBound(driver, eventLoop: driver.loop)
    }

    /// How long the last sign of life that was asked for took; `nil` until the first came.
    public var roundTripTime: Duration? {
        observed.withLockedValue { $0.roundTripTime }
    }

    /// The connection is up, and neither side has said that it goes away.
    public var acceptsStreams: Bool {
        observed.withLockedValue { $0.acceptsStreams }
    }

    /// Runs tasks on the event loop of this connection, where its streams are read and written without hops.
    public let executor: any TaskExecutor

    /// Secures and multiplexes a link; begins at once.
    ///
    /// To be called on the event loop of the link. What the link gives from then on is to be told to the receiver, also
    /// that it has ended; the connection closes the link when it ends itself.
    ///
    /// - Parameters:
    ///   - isDialer: this side has opened the link.
    ///   - peer: who must be at the other end; `nil` takes any.
    /// - Returns: what receives, and the connection once it is ready for streams and let in by
    ///   ``ConnectionSettings/admit``.
    public static func over(
        _ link: any Link,
        isDialer: Bool,
        settings: ConnectionSettings,
        remoteAddress: Multiaddr,
        expecting peer: PeerID?
    ) throws(ConnectionError) -> (receiver: any LinkReceiver, connection: EventLoopFuture<Connection>) {
        let ready = link.loop.makePromise(of: Connection.self)
        do throws(ConnectionError) {
            let driver = try ConnectionDriver(
                link: link,
                settings: settings,
                role: isDialer ? .dialer : .listener,
                remoteAddress: remoteAddress,
                expectedPeer: peer,
                ready: ready
            )
            driver.begin()
            return (driver, ready.futureResult)
        } catch {
            ready.fail(error)
            throw error
        }
    }

    /// Opens a stream.
    ///
    /// With one protocol the proposal travels with the first data, and nothing is waited for: a peer that does not speak
    /// it resets the stream. With several the answer of the peer is awaited.
    ///
    /// - Parameter protocols: acceptable protocols, the preferred first.
    public func openStream(_ protocols: [ProtocolID]) async throws(StreamOpenError) -> any MuxedStream {
        if protocols.count == 1, let opened = driverHere?.openNow(protocols[0]) { return try opened.get() }
        let driver = driver
        return try await loop.wait { (wait: StreamState.OpenWait) in
            driver.value.open(protocols, wait: wait)
        } cancel: { wait in
            driver.value.cancelOpening(wait)
        }
    }

    /// Ends the connection: the peer is told that this side goes away, and all streams end.
    public func close() {
        let driver = driver
        loop.run { driver.value.fail(.closed) }
    }

    /// Takes no more streams and tells the peer so; the connection ends once the open ones have ended.
    ///
    /// - Parameter deadline: when it ends at the latest.
    public func goAway(within deadline: Duration) {
        let driver = driver
        loop.run { driver.value.goAway(by: driver.value.loop.now + TimeAmount(deadline)) }
    }

    /// Lets the open streams end, but not longer than the deadline, and waits until their handlers have ended.
    public func closeGracefully(within deadline: Duration) async {
        goAway(within: deadline)
        _ = await waitForEnd()
        await tasks.cancelAndWait()
    }

    /// Ends the connection, and waits until the handlers of its streams have ended.
    public func closeAndWait() async {
        close()
        _ = await waitForEnd()
        await tasks.cancelAndWait()
    }

    /// Calls back on the event loop once the connection has ended.
    public func whenEnded(_ body: @escaping @Sendable (ConnectionError) -> Void) {
        end.whenSuccess(body)
    }

    /// Waits until the connection has ended; not shortened by cancellation.
    public func waitForEnd() async -> ConnectionError {
        await withCheckedContinuation { continuation in
            end.whenSuccess { continuation.resume(returning: $0) }
        }
    }

    func withDriver(_ body: @escaping @Sendable (ConnectionDriver) -> Void) {
        let driver = driver
        loop.run { body(driver.value) }
    }

    /// The driver, for code that is on its event loop already; `nil` elsewhere.
    var driverHere: ConnectionDriver? {
        loop.inEventLoop ? driver.value : nil
    }

    func setRoundTripTime(_ time: Duration) {
        observed.withLockedValue { $0.roundTripTime = time }
    }

    func stopOpening() {
        observed.withLockedValue { $0.acceptsStreams = false }
    }
}
