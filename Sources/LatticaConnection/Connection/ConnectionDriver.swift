import LatticaCore
import Logging
import Multiformats
import NIOCore

/// Runs one connection on its event loop: feeds the upgrade, the cipher and the muxer with what the socket gives, and
/// carries what they say back.
///
/// The protocols are values that know no sockets; here are the socket, the clock and the tasks that wait. Everything is
/// touched on the event loop alone. Answers to all that one read of the socket brought leave in one write.
final class ConnectionDriver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let settings: ConnectionSettings
    let role: YamuxSession.Role
    let remoteAddress: Multiaddr
    let tasks = TaskScope()
    /// Succeeds with the connection once it is ready for streams.
    let ready: EventLoopPromise<Connection>
    /// Succeeds with the reason once the connection has ended.
    let ended: EventLoopPromise<ConnectionError>
    let executor: EventLoopExecutor
    let loop: any EventLoop

    var logger: Logger
    var context: ChannelHandlerContext?
    var connection: Connection?
    var upgrade: ConnectionUpgrade?
    var transport: NoiseTransport?
    var session: YamuxSession
    var keepAlive: KeepAlive
    var streams: [UInt32: StreamState] = [:]
    /// Streams whose writers wait for room in the output, in turn.
    var waitingForOutput = CircularBuffer<UInt32>()
    /// Proposals of the peer that were refused since the last tick.
    var refusals = 0
    var end: ConnectionError?

    /// Refusals given at once between two ticks; more than any peer needs that looks for a version in common.
    static let promptRefusals = 16

    /// Bytes of the socket that are not a whole message of the cipher yet.
    private var received = ByteBuffer()
    /// Decrypted bytes that are not a whole header of the muxer yet.
    private var plaintext = ByteBuffer()
    private var isFlushing = false
    private var isFlushScheduled = false
    private var isReading = false
    private var ticks: RepeatedTask?
    private var upgradeDeadline: NIODeadline

    init(
        settings: ConnectionSettings,
        role: YamuxSession.Role,
        remoteAddress: Multiaddr,
        expectedPeer: PeerID?,
        loop: any EventLoop
    ) throws(ConnectionError) {
        self.settings = settings
        self.role = role
        self.remoteAddress = remoteAddress
        self.loop = loop
        logger = settings.logger
        executor = EventLoopExecutor(loop)
        ready = loop.makePromise()
        ended = loop.makePromise()
        session = YamuxSession(role: role, limits: settings.limits.yamux)
        keepAlive = KeepAlive(
            interval: settings.limits.pingInterval,
            timeout: settings.limits.pingTimeout,
            value: .random(in: 0...(.max)),
            now: loop.now
        )
        upgradeDeadline = loop.now + TimeAmount(settings.limits.upgradeTimeout)
        do {
            upgrade = try ConnectionUpgrade(role: role, keypair: settings.keypair, expectedPeer: expectedPeer)
        } catch {
            ready.fail(error)
            ended.succeed(error)
            throw error
        }
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.closed)
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.closedByPeer)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(.transport(String(describing: error)))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard end == nil else { return }
        isReading = true
        keepAlive.received(at: loop.now)
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
        do throws(ConnectionError) {
            try advance()
        } catch {
            fail(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        handleEvents()
        flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { flush() }
    }

    // MARK: - Life

    private func begin() {
        guard ticks == nil, end == nil else { return }
        let interval = TimeAmount(settings.limits.tick)
        let driver = NIOLoopBound(self, eventLoop: loop)
        ticks = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in driver.value.tick() }
        do throws(ConnectionError) {
            guard var flight = try upgrade?.openingFlight(), flight.readableBytes > 0 else { return }
            send(&flight)
            context?.flush()
        } catch {
            fail(error)
        }
    }

    /// Takes what has been received as far as it goes.
    private func advance() throws(ConnectionError) {
        if upgrade != nil {
            var reply = ByteBuffer()
            let upgraded = Result { () throws(ConnectionError) in try upgrade?.receive(&received, reply: &reply) }
            if reply.readableBytes > 0 {
                send(&reply)
                context?.flush()
            }
            guard let upgraded = try upgraded.get() else { return }
            upgrade = nil
            transport = upgraded.transport
            plaintext = upgraded.rest
            try admit(upgraded.remotePeer)
        }
        do throws(NoiseError) {
            try transport?.open(&received, into: &plaintext)
        } catch {
            throw .noise(error)
        }
        do throws(YamuxError) {
            try session.receive(&plaintext)
        } catch {
            throw .yamux(error)
        }
        if plaintext.readableBytes == 0 { plaintext.clear() }
    }

    private func admit(_ peer: PeerID) throws(ConnectionError) {
        logger[metadataKey: "peer"] = "\(peer)"
        let connection = Connection(driver: self, remotePeer: peer)
        self.connection = connection
        if let refusal = settings.admit(connection) { throw refusal }
        logger.debug("connection is ready", metadata: ["dialled": "\(role == .dialer)"])
        ready.succeed(connection)
        // The first ping tells the round trip, and that the peer is there.
        keep(alive: keepAlive.tick(at: loop.now))
    }

    private func tick() {
        guard end == nil else { return }
        let now = loop.now
        guard transport != nil else {
            if now >= upgradeDeadline { fail(.timedOut) }
            return
        }
        keep(alive: keepAlive.tick(at: now))
        sendHeldReplies()
        for state in streams.values where state.deadline.map({ $0 <= now }) == true {
            state.opener?.finish(.failure(.timedOut))
            if state.isInbound { logger.debug("a stream did not agree on a protocol in time") }
            release(state)
        }
    }

    private func keep(alive action: KeepAlive.Action) {
        switch action {
        case .none: break
        case .ping(let value):
            session.ping(value)
            scheduleFlush()
        case .giveUp:
            fail(.timedOut)
        }
    }

    /// Ends the connection: politely towards the peer, at once towards the tasks that wait.
    func fail(_ reason: ConnectionError) {
        guard end == nil else { return }
        handleEvents()
        switch reason {
        case .yamux: session.goAway(.protocolError)
        case .closed, .limitReached, .isThisHost: session.goAway(.normal)
        default: break
        }
        flush()
        guard end == nil else { return }
        end = reason
        ticks?.cancel()
        ready.fail(reason)
        logger.debug("connection has ended", metadata: ["reason": "\(reason)"])
        // Before the tasks wake, so that none finds a connection that is no more.
        ended.succeed(reason)
        let lost = StreamError.connectionLost(reason: reason.description)
        for state in streams.values {
            if state.failure == nil { state.failure = lost }
            state.opener?.finish(.failure(.connectionOver))
            resumeReader(state)
            resumeWriter(state)
        }
        streams.removeAll()
        tasks.cancel()
        connection = nil
        context?.close(promise: nil)
    }

    // MARK: - Output

    /// Sends what has gathered, at the end of this turn of the loop, so that what others add in it leaves in the same write.
    func scheduleFlush() {
        guard !isFlushScheduled, !isReading, !isFlushing else { return }
        isFlushScheduled = true
        let driver = NIOLoopBound(self, eventLoop: loop)
        loop.execute {
            driver.value.isFlushScheduled = false
            driver.value.flush()
        }
    }

    private func flush() {
        guard !isFlushing, end == nil, let context, transport != nil else { return }
        isFlushing = true
        defer { isFlushing = false }
        while context.channel.isWritable, var output = session.takeOutput() {
            var sealed = context.channel.allocator.buffer(capacity: output.readableBytes + 64)
            do throws(NoiseError) {
                try transport?.seal(&output, into: &sealed)
            } catch {
                isFlushing = false
                return fail(.noise(error))
            }
            context.writeAndFlush(wrapOutboundOut(sealed), promise: nil)
            guard end == nil else { return }
            letWritersGoOn()
        }
    }

    private func send(_ bytes: inout ByteBuffer) {
        context?.write(wrapOutboundOut(bytes), promise: nil)
        bytes.clear()
    }
}
