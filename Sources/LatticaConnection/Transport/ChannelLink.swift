import LatticaCore
import Multiformats
import NIOCore
import NIOSSL
import NIOTLS

/// The end of a channel's pipeline, as a link: a socket with whatever handlers lie between.
///
/// The connection begins once the channel is active. Writes gather in the channel until they are flushed together.
final class ChannelLink: ChannelInboundHandler, SecurableLink {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long written bytes may take to leave after the connection has ended.
    ///
    /// Short, since only a peer that has stopped reading makes them wait.
    private static let lingering = TimeAmount.seconds(1)
    private static let lingeringStep = TimeAmount.milliseconds(10)

    let loop: any EventLoop

    private let isDialer: Bool
    private let settings: ConnectionSettings
    private let remoteAddress: Multiaddr
    private let expectedPeer: PeerID?
    private let poll: AnswerPoll
    /// Let go of when the connection begins: what it will hold, holds the link.
    private var ready: EventLoopPromise<Connection>?
    private var context: ChannelHandlerContext?
    private var receiver: (any LinkReceiver)?
    private var securing: (handshake: TLSHandshake, done: (Result<TLSHandshake.Secured, TLSHandshakeError>) -> Void)?
    private var hasBegun = false
    private var isClosing = false

    /// - Parameters:
    ///   - expectedPeer: who must be at the other end; `nil` takes any.
    ///   - ready: succeeds with the connection once it is ready.
    init(
        loop: any EventLoop,
        isDialer: Bool,
        settings: ConnectionSettings,
        remoteAddress: Multiaddr,
        expecting expectedPeer: PeerID?,
        ready: EventLoopPromise<Connection>
    ) {
        self.loop = loop
        self.isDialer = isDialer
        self.settings = settings
        self.remoteAddress = remoteAddress
        self.expectedPeer = expectedPeer
        self.ready = ready
        poll = AnswerPoll(loop: loop)
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.closed)
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.closedByPeer)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(reason(of: error))
        context.close(promise: nil)
    }

    private func reason(of error: any Error) -> ConnectionError {
        if let securing { return .tls(securing.handshake.failure(error)) }
        return ConnectionError(error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiatedProtocol)? = event as? TLSUserEvent, let securing {
            self.securing = nil
            securing.done(
                Result { () throws(TLSHandshakeError) in
                    try securing.handshake.secured(negotiatedProtocol: negotiatedProtocol)
                }
            )
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        poll.hasRead(bytes.readableBytes)
        receiver?.linkReceived(bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        poll.hasFinishedRead()
        receiver?.linkReadCompleted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { receiver?.linkBecameWritable() }
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        do throws(ConnectionError) {
            let (receiver, connection) = try Connection.over(
                self,
                isDialer: isDialer,
                settings: settings,
                remoteAddress: remoteAddress,
                expecting: expectedPeer
            )
            self.receiver = receiver
            connection.cascade(to: ready)
            ready = nil
        } catch {
            end(error)
            close()
        }
    }

    private func end(_ reason: ConnectionError) {
        securing = nil
        // A connection that has not begun has nobody else to fail the promise.
        hasBegun = true
        let receiver = receiver
        self.receiver = nil
        if let receiver { receiver.linkEnded(reason) } else { ready?.fail(reason) }
        ready = nil
    }

    // MARK: - The link

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ bytes: ByteBuffer) {
        poll.hasWritten(bytes.readableBytes)
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    func flush() {
        context?.flush()
        poll.hasFlushed()
    }

    func secure(
        with handshake: TLSHandshake,
        replaying bytes: ByteBuffer,
        whenDone done: @escaping (Result<TLSHandshake.Secured, TLSHandshakeError>) -> Void
    ) throws(ConnectionError) {
        guard let context else { throw .closed }
        securing = (handshake, done)
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(handshake.handler, position: .before(self))
            guard bytes.readableBytes > 0 else { return }
            let position = try pipeline.context(handler: handshake.handler)
            handshake.handler.channelRead(context: position, data: NIOAny(bytes))
            handshake.handler.channelReadComplete(context: position)
        } catch {
            throw .transport(String(describing: error))
        }
    }

    func close() {
        guard let context, !isClosing else { return }
        isClosing = true
        context.flush()
        closeWhenEmpty(by: loop.now + Self.lingering)
    }

    /// Closes at once unless bytes wait in the channel, which closing would drop.
    private func closeWhenEmpty(by deadline: NIODeadline) {
        guard let context else { return }
        let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard waiting > 0, context.channel.isActive, loop.now < deadline else {
            return context.close(promise: nil)
        }
        let link = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.lingeringStep) { link.value.closeWhenEmpty(by: deadline) }
    }
}
