import NIOCore
import NIOSSL

/// Carries the bytes of a connection in the frames of a WebSocket.
///
/// What is written before the WebSocket is open waits, within a bound. Pings are answered unless the peer does not read;
/// either side's farewell ends the connection, since half of one is of no use.
final class WebSocketHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What a dialer says at once is a hundred bytes.
    static let mostEarlyBytes = 1 << 16

    private enum State {
        case opening(WebSocketHandshake, early: [(ByteBuffer, EventLoopPromise<Void>?)])
        case open(WebSocketFrames)
        case closed
    }

    private let isClient: Bool
    private var state: State
    private var received = ByteBuffer()
    private var hasBegun = false

    /// - Parameter host: what a client asks for, with the port; `nil` on the side that listens.
    init(dialing host: String?) {
        isClient = host != nil
        let key = (0..<16).map { _ in UInt8.random(in: 0...255) }
        state = .opening(host.map { WebSocketHandshake(dialing: $0, key: key) } ?? WebSocketHandshake(), early: [])
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard !hasBegun, case .opening(let handshake, _) = state else { return }
        hasBegun = true
        guard isClient else { return }
        context.writeAndFlush(wrapOutboundOut(handshake.openingFlight), promise: nil)
    }

    // MARK: - Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
        do throws(WebSocketError) {
            if case .opening = state { try open(context) }
            try readFrames(context)
        } catch {
            fail(context, error)
        }
    }

    private func open(_ context: ChannelHandlerContext) throws(WebSocketError) {
        guard case .opening(var handshake, let early) = state else { return }
        var reply = ByteBuffer()
        let outcome = Result { () throws(WebSocketError) in try handshake.receive(&received, reply: &reply) }
        if reply.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(reply), promise: nil) }
        guard try outcome.get() else {
            state = .opening(handshake, early: early)
            return
        }
        state = .open(WebSocketFrames(isClient: isClient))
        for (bytes, promise) in early { write(context: context, data: wrapOutboundOut(bytes), promise: promise) }
        context.flush()
    }

    private func readFrames(_ context: ChannelHandlerContext) throws(WebSocketError) {
        // What an event sets off may end the WebSocket.
        while case .open(var frames) = state {
            let event = try frames.next(&received)
            state = .open(frames)
            switch event {
            case .bytes(let bytes):
                context.fireChannelRead(wrapInboundOut(bytes))
            case .ping(let content):
                // A peer that asks and does not listen would make the answers gather.
                guard context.channel.isWritable else { continue }
                context.writeAndFlush(wrapOutboundOut(frames.pong(content)), promise: nil)
            case .pong:
                continue
            case .close(let code):
                sayFarewell(context, code: code ?? 1000)
                context.close(promise: nil)
            case nil:
                if received.readableBytes == 0 { received.clear() }
                return
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOSSLError.uncleanShutdown:
            // The cipher inside knows its own end; what closes without ceremony is a closed connection, no more.
            break
        case let error as NIOSSLError:
            dropEarly()
            context.fireErrorCaught(WebSocketError.tls("\(error)"))
        case let error as NIOSSLExtraError:
            dropEarly()
            context.fireErrorCaught(WebSocketError.tls(error.description))
        default:
            context.fireErrorCaught(error)
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ error: WebSocketError) {
        sayFarewell(context, code: error.closeCode)
        dropEarly()
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    private func sayFarewell(_ context: ChannelHandlerContext, code: UInt16) {
        guard case .open(let frames) = state else { return }
        state = .closed
        context.writeAndFlush(wrapOutboundOut(frames.close(code: code)), promise: nil)
    }

    // MARK: - Outbound

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        switch state {
        case .opening(let handshake, var early):
            guard early.reduce(bytes.readableBytes, { $0 + $1.0.readableBytes }) <= Self.mostEarlyBytes else {
                let error = WebSocketError.tooMuchTooEarly(limit: Self.mostEarlyBytes)
                promise?.fail(error)
                return fail(context, error)
            }
            early.append((bytes, promise))
            state = .opening(handshake, early: early)
        case .open(let frames):
            var frames = frames.frames(for: bytes)[...]
            guard let last = frames.popLast() else {
                promise?.succeed()
                return
            }
            for frame in frames { context.write(wrapOutboundOut(frame), promise: nil) }
            context.write(wrapOutboundOut(last), promise: promise)
        case .closed:
            promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        sayFarewell(context, code: 1000)
        context.close(mode: mode, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        dropEarly()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        dropEarly()
    }

    private func dropEarly() {
        let before = state
        state = .closed
        guard case .opening(_, let early) = before else { return }
        for (_, promise) in early { promise?.fail(ChannelError.ioOnClosedChannel) }
    }
}
