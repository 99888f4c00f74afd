internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Drives a ``ConnectionPolicy`` on one connection and tells the request in progress when its client leaves.
///
/// Everything here runs on the connection's event loop; a token costs two comparisons.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private static let ping = ByteBuffer(string: ": ping\n\n")

    private var policy: ConnectionPolicy
    private var timer: Scheduled<Void>?
    private var timerTime: NIODeadline?
    private var context: ChannelHandlerContext?
    private var departure: AsyncStream<Void>.Continuation?
    private var hasDeparted = false

    init(limits: ConnectionPolicy.Limits) {
        policy = ConnectionPolicy(limits: limits)
    }

    /// Finishes `continuation` as soon as the client has closed its side; at once where it has already.
    ///
    /// A closed inbound half counts as gone: a client that has closed its socket looks the same until something is sent.
    /// Call it on the connection's event loop. A later call takes the place of the one before.
    func watch(_ continuation: AsyncStream<Void>.Continuation) {
        departure = continuation
        if hasDeparted { clientLeft() }
    }

    private func clientLeft() {
        hasDeparted = true
        guard let departure else { return }
        self.departure = nil
        departure.finish()
        // Frees a writer that waits for a socket which nobody reads.
        context?.close(promise: nil)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { apply(.opened, context: context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        clientLeft()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        apply(.opened, context: context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        clientLeft()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { clientLeft() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        apply(.writable(context.channel.isWritable), context: context)
        context.fireChannelWritabilityChanged()
    }

    // MARK: Parts

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let drops = policy.dropsInbound
        switch unwrapInboundIn(data) {
        case .head(let head):
            let expectsContinue = head.headerFields[.expect]?.lowercased() == "100-continue"
            let length = head.headerFields[.contentLength].flatMap { Int($0) }
            apply(.requestHead(expectsContinue: expectsContinue, declaredLength: length), context: context)
        case .body(let buffer):
            apply(.requestBody(buffer.readableBytes), context: context)
        case .end:
            apply(.requestEnd, context: context)
        }
        if !drops { context.fireChannelRead(data) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.status.kind != .informational {
                let type = head.headerFields[.contentType] ?? ""
                let closes = head.headerFields[.connection]?.lowercased() == "close"
                apply(
                    .responseHead(isEventStream: type.hasPrefix("text/event-stream"), closes: closes),
                    context: context
                )
            }
            context.write(data, promise: promise)
        case .body:
            apply(.responseBody, context: context)
            context.write(data, promise: promise)
        case .end:
            departure = nil
            let action = policy.handle(.responseEnd, at: context.eventLoop.now)
            schedule(context: context)
            switch action {
            case .closeAfterFlush: finish(.all, data: data, promise: promise, context: context)
            case .linger: finish(.output, data: data, promise: promise, context: context)
            case .none, .close, .ping, .sayContinue: context.write(data, promise: promise)
            }
        }
    }

    /// Writes the last part and closes `mode` once it is sent.
    private func finish(
        _ mode: CloseMode,
        data: NIOAny,
        promise: EventLoopPromise<Void>?,
        context: ChannelHandlerContext
    ) {
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.cascade(to: promise)
        let channel = context.channel
        sent.futureResult.whenComplete { _ in channel.close(mode: mode, promise: nil) }
        context.writeAndFlush(data, promise: sent)
    }

    // MARK: Decisions

    private func apply(_ event: ConnectionPolicy.Event, context: ChannelHandlerContext) {
        let action = policy.handle(event, at: context.eventLoop.now)
        schedule(context: context)
        switch action {
        case .none:
            break
        case .close, .closeAfterFlush, .linger:
            context.close(promise: nil)
        case .ping:
            context.writeAndFlush(wrapOutboundOut(.body(Self.ping)), promise: nil)
        case .sayContinue:
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
    }

    /// Keeps one timer that fires no later than the policy wants; it is moved forward when it fires, not with each part.
    private func schedule(context: ChannelHandlerContext) {
        guard let wakeTime = policy.wakeTime else { return }
        if let timerTime, timerTime <= wakeTime { return }
        timer?.cancel()
        timerTime = wakeTime
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: wakeTime) { [weak self] in
            guard let self, let context = self.context else { return }
            self.timerTime = nil
            self.apply(.timerFired, context: context)
        }
    }
}
