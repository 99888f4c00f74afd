import LatticaCore
import Logging
import Metrics
import Multiformats
import NIOConcurrencyHelpers
import NIOCore

/// Runs one connection on the event loop of its link: feeds the upgrade, the cipher and the muxer with what the link
/// gives, and carries what they say back.
///
/// The protocols are values that know no sockets; here are the link, the clock and the tasks that wait. Everything is
/// touched on the event loop alone. Answers to all that one turn of the loop brought leave in one write.
final class ConnectionDriver: LinkReceiver {
    let settings: ConnectionSettings
    let role: YamuxSession.Role
    let remoteAddress: Multiaddr
    /// Tells connections apart in logs and captures.
    let number: UInt64
    let tasks = TaskScope()
    /// Succeeds with the reason once the connection has ended.
    let ended: EventLoopPromise<ConnectionError>
    let executor: EventLoopExecutor
    let loop: any EventLoop

    var logger: Logger
    let link: any Link
    var connection: Connection?
    var upgrade: ConnectionUpgrade?
    /// Encrypts and decrypts; `nil` when the link does.
    var transport: NoiseTransport?
    var session: YamuxSession
    var keepAlive: KeepAlive
    var streams: [UInt32: StreamState] = [:]
    /// Streams whose writers wait for room in the output, in turn.
    var waitingForOutput = CircularBuffer<UInt32>(initialCapacity: 1)
    /// Proposals of the peer that were refused since the last tick.
    var refusals = 0
    var end: ConnectionError?

    /// Refusals given at once between two ticks; more than any peer needs that looks for a version in common.
    static let promptRefusals = 16

    /// Bytes of the link that the upgrade has not taken yet.
    private var received = ByteBuffer()
    /// Decrypted bytes that are not a whole header of the muxer yet.
    private var plaintext = ByteBuffer()
    private var isFlushing = false
    private var isFlushScheduled = false
    private var wake: Scheduled<Void>?
    private var wakesAt = NIODeadline.distantFuture
    private let begunAt: NIODeadline
    /// When existing streams are given no more time.
    private var drainDeadline: NIODeadline?
    private var countedResets = 0
    private var isReady = false
    /// Succeeds with the connection once it is ready for streams.
    ///
    /// Let go of then: what it holds, holds the driver.
    private var ready: EventLoopPromise<Connection>?

    private static let numbers = NIOLockedValueBox<UInt64>(0)

    init(
        link: any Link,
        settings: ConnectionSettings,
        role: YamuxSession.Role,
        remoteAddress: Multiaddr,
        expectedPeer: PeerID?,
        ready: EventLoopPromise<Connection>
    ) throws(ConnectionError) {
        self.link = link
        self.settings = settings
        self.role = role
        self.remoteAddress = remoteAddress
        number = Self.numbers.withLockedValue { last in
            last += 1
            return last
        }
        loop = link.loop
        begunAt = loop.now
        logger = settings.logger
        logger[metadataKey: "connection"] = "\(number)"
        executor = EventLoopExecutor(loop)
        self.ready = ready
        ended = loop.makePromise()
        session = YamuxSession(role: role, limits: settings.limits.yamux)
        session.tap = settings.capture.map { [loop, number] in
            FrameTap(capture: $0, connection: number, loop: loop)
        }
        keepAlive = KeepAlive(
            interval: settings.limits.pingInterval,
            timeout: settings.limits.pingTimeout,
            value: .random(in: 0...(.max)),
            now: begunAt
        )
        do {
            upgrade = try ConnectionUpgrade(
                role: role,
                keypair: settings.keypair,
                expectedPeer: expectedPeer,
                security: settings.security.filter { $0 != .tls || link is any SecurableLink }
            )
        } catch {
            ended.succeed(error)
            throw error
        }
    }

    // MARK: - The link

    func linkReceived(_ bytes: ByteBuffer) {
        guard end == nil else { return }
        keepAlive.received(at: loop.now)
        settings.metrics.bytesReceived.increment(by: bytes.readableBytes)
        if upgrade == nil, transport == nil {
            Self.append(bytes, to: &plaintext)
        } else {
            Self.append(bytes, to: &received)
        }
        do throws(ConnectionError) {
            try advance()
        } catch {
            fail(error)
        }
    }

    /// The answers of tasks that the bytes have woken leave with those of the muxer, so the write waits for them: they run in this
    /// turn of the loop.
    func linkReadCompleted() {
        handleEvents()
        scheduleFlush()
    }

    func linkBecameWritable() {
        flush()
    }

    func linkEnded(_ reason: ConnectionError) {
        fail(reason)
    }

    // MARK: - Life

    /// Says the first words; to be called once.
    func begin() {
        schedule(wakeAt: begunAt + TimeAmount(settings.limits.upgradeTimeout))
        do throws(ConnectionError) {
            guard var flight = try upgrade?.openingFlight(), flight.readableBytes > 0 else { return }
            send(&flight)
        } catch {
            fail(error)
        }
    }

    /// Takes what has been received as far as it goes.
    private func advance() throws(ConnectionError) {
        if upgrade != nil {
            var reply = ByteBuffer()
            let upgraded = Result { () throws(ConnectionError) in try upgrade?.receive(&received, reply: &reply) }
            if reply.readableBytes > 0 { send(&reply) }
            if let upgraded = try upgraded.get() {
                try finish(upgraded)
            } else if upgrade?.awaitsSecuredLink == true {
                return try secureLink()
            } else {
                return
            }
        }
        do throws(NoiseError) {
            let bytes = received
            received = ByteBuffer()
            try transport?.receive(bytes, into: &plaintext)
        } catch {
            throw .noise(error)
        }
        do throws(YamuxError) {
            try session.receive(&plaintext)
        } catch {
            throw .yamux(error)
        }
        Self.shrink(&plaintext)
    }

    private func secureLink() throws(ConnectionError) {
        guard let link = link as? any SecurableLink, let upgrade else { throw .notSupported("/tls/1.0.0") }
        let handshake: TLSHandshake
        do throws(TLSIdentityError) {
            handshake = try settings.tls.identity().makeHandler(
                isClient: role == .dialer,
                expecting: upgrade.expectedPeer
            )
        } catch {
            throw .tls(.failed(error.description))
        }
        let bytes = received
        received = ByteBuffer()
        try link.secure(with: handshake, replaying: bytes) { [weak self] result in
            self?.linkSecured(result)
        }
    }

    private func linkSecured(_ result: Result<TLSHandshake.Secured, TLSHandshakeError>) {
        guard end == nil else { return }
        do throws(ConnectionError) {
            let secured: TLSHandshake.Secured
            do { secured = try result.get() } catch { throw .tls(error) }
            var reply = ByteBuffer()
            let upgraded = try upgrade?.linkSecured(
                by: secured.remotePeer,
                isMuxerAgreed: secured.isMuxerAgreed,
                reply: &reply
            )
            if reply.readableBytes > 0 { send(&reply) }
            if let upgraded { try finish(upgraded) }
        } catch {
            fail(error)
        }
    }

    private func finish(_ upgraded: ConnectionUpgrade.Upgraded) throws(ConnectionError) {
        let security = upgrade?.agreedSecurity
        upgrade = nil
        transport = upgraded.transport
        plaintext = upgraded.rest
        logger[metadataKey: "peer"] = "\(upgraded.remotePeer)"
        let connection = Connection(driver: self, remotePeer: upgraded.remotePeer, security: security ?? .noise)
        self.connection = connection
        if let refusal = settings.admit(connection) {
            count(.refused, connection.security)
            throw refusal
        }
        logger.debug(
            "connection is ready",
            metadata: ["dialled": "\(role == .dialer)", "security": "\(connection.security.rawValue)"]
        )
        count(.ready, connection.security)
        settings.metrics.connections(isOutbound: role == .dialer).increment()
        isReady = true
        ready?.succeed(connection)
        ready = nil
        // The first ping tells the round trip, and that the peer is there.
        tick()
    }

    private func count(_ outcome: ConnectionMetrics.Outcome, _ security: SecurityProtocol?) {
        settings.metrics.handshakeEnded(
            outcome,
            isOutbound: role == .dialer,
            security: security,
            after: .nanoseconds((loop.now - begunAt).nanoseconds)
        )
    }

    // MARK: - Time

    /// Has the driver look at its deadlines by a moment at the latest.
    func schedule(wakeAt deadline: NIODeadline) {
        guard deadline < wakesAt, end == nil else { return }
        wake?.cancel()
        wakesAt = deadline
        let driver = NIOLoopBound(self, eventLoop: loop)
        wake = loop.scheduleTask(deadline: deadline) { driver.value.tick() }
    }

    /// Has the driver look soon, as often as deadlines of streams need.
    func scheduleTick() {
        schedule(wakeAt: loop.now + TimeAmount(settings.limits.tick))
    }

    private func tick() {
        guard end == nil else { return }
        wake?.cancel()
        wake = nil
        wakesAt = .distantFuture
        let now = loop.now
        guard upgrade == nil else {
            let deadline = begunAt + TimeAmount(settings.limits.upgradeTimeout)
            return now >= deadline ? fail(.timedOut) : schedule(wakeAt: deadline)
        }
        switch keepAlive.tick(at: now) {
        case .none: break
        case .ping(let value):
            session.ping(value)
            scheduleFlush()
        case .giveUp:
            return fail(.timedOut)
        }
        sendHeldReplies()
        var isNegotiating = false
        for state in streams.values {
            guard let deadline = state.deadline else { continue }
            guard deadline <= now else {
                isNegotiating = true
                continue
            }
            state.opener?.finish(.failure(.timedOut))
            if state.isInbound {
                logger.debug("a stream did not agree on a protocol in time", metadata: ["stream": "\(state.id)"])
            }
            release(state)
        }
        if let drainDeadline {
            if now >= drainDeadline || isDrained { return fail(.closed) }
            schedule(wakeAt: drainDeadline)
        }
        if isNegotiating || keepAlive.isWaiting { scheduleTick() } else { schedule(wakeAt: keepAlive.nextPing) }
    }

    /// Takes no more streams, and ends once those that are open have ended, or at the deadline.
    func goAway(by deadline: NIODeadline) {
        guard end == nil else { return }
        session.goAway(.normal)
        connection?.stopOpening()
        drainDeadline = min(deadline, drainDeadline ?? deadline)
        scheduleFlush()
        endWhenDrained()
        schedule(wakeAt: deadline)
    }

    /// Ends soon when nothing is left to do on a connection that goes away.
    func endWhenDrained() {
        if drainDeadline != nil, isDrained { schedule(wakeAt: loop.now) }
    }

    /// The last stream has ended, and what it said has left.
    private var isDrained: Bool { streams.isEmpty && session.unsentBytes == 0 }

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
        wake?.cancel()
        if upgrade != nil {
            let outcome: ConnectionMetrics.Outcome = reason == .timedOut ? .timedOut : .failed
            count(outcome, upgrade?.agreedSecurity)
        } else if isReady {
            settings.metrics.connections(isOutbound: role == .dialer).decrement()
        }
        ready?.fail(reason)
        ready = nil
        logger.debug("connection has ended", metadata: ["reason": "\(reason)"])
        // Before the tasks wake, so that none finds a connection that is no more.
        ended.succeed(reason)
        let lost = StreamError.connectionLost(reason: reason.description)
        for state in streams.values {
            if state.failure == nil { state.failure = lost }
            state.opener?.finish(.failure(.connectionOver))
            resumeReader(state)
            resumeWriter(state)
            settings.metrics.streams(isInbound: state.isInbound).decrement()
        }
        streams.removeAll()
        tasks.cancel()
        connection = nil
        link.close()
    }

    // MARK: - Input

    /// Keeps received bytes behind those that are left; alone, as they came and without a copy.
    private static func append(_ bytes: ByteBuffer, to rest: inout ByteBuffer) {
        if rest.readableBytes == 0 { rest = bytes } else { rest.writeImmutableBuffer(bytes) }
    }

    /// Lets go of the memory that a few bytes, or none, were received in.
    private static func shrink(_ buffer: inout ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = ByteBuffer()
        } else if buffer.readableBytes < YamuxHeader.size {
            buffer = ByteBuffer(bytes: buffer.readableBytesView)
        }
    }

    // MARK: - Output

    /// Sends what has gathered, at the end of this turn of the loop, so that what others add in it leaves in the same write.
    func scheduleFlush() {
        guard !isFlushScheduled, !isFlushing else { return }
        isFlushScheduled = true
        let driver = NIOLoopBound(self, eventLoop: loop)
        loop.execute {
            driver.value.isFlushScheduled = false
            driver.value.flush()
        }
    }

    private func flush() {
        guard !isFlushing, end == nil, upgrade == nil else { return }
        isFlushing = true
        defer { isFlushing = false }
        while link.isWritable, var output = session.takeOutput() {
            do throws(NoiseError) {
                try transport?.seal(&output)
            } catch {
                isFlushing = false
                return fail(.noise(error))
            }
            send(&output)
            guard end == nil else { return }
            letWritersGoOn()
        }
        countResets()
        endWhenDrained()
    }

    private func countResets() {
        guard session.resets > countedResets else { return }
        settings.metrics.resets.increment(by: session.resets - countedResets)
        countedResets = session.resets
    }

    private func send(_ bytes: inout ByteBuffer) {
        settings.metrics.bytesSent.increment(by: bytes.readableBytes)
        link.write(bytes)
        link.flush()
        bytes = ByteBuffer()
    }
}
