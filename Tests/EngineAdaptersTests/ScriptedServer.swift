import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server in this process whose answers a test writes.
final class ScriptedServer: Sendable {
    /// What was asked.
    struct Request: Sendable {
        var method: String
        /// Path and query.
        var target: String
        var headers: HTTPHeaders
        var body: String

        var path: String { String(target.prefix { $0 != "?" }) }
    }

    /// What is answered.
    struct Reply: Sendable {
        enum Step: Sendable {
            case text(String)
            /// The same text again and again, as fast as it is taken.
            case flood(String)
            /// Nothing more, and no end.
            case hang
            /// Not even the head, and no end.
            case withhold
            /// The end of the connection in the middle of the answer.
            case close
        }

        var status = HTTPResponseStatus.ok
        var contentType = "application/json"
        var headers: HTTPHeaders = [:]
        var steps: [Step]

        static func json(_ text: String, status: HTTPResponseStatus = .ok) -> Reply {
            Reply(status: status, steps: [.text(text)])
        }

        static func stream(_ steps: Step...) -> Reply { Reply(contentType: "text/event-stream", steps: steps) }

        static let notFound = json(#"{"error":{"message":"File Not Found","code":404}}"#, status: .notFound)
    }

    struct Record: Sendable {
        var requests: [Request] = []
        /// Connections that the client closed before the answer's end.
        var abandoned = 0
        var connections = 0
        /// Bytes of floods that went out.
        var flooded = 0
    }

    fileprivate let record = NIOLockedValueBox(Record())
    fileprivate let answer: @Sendable (Request) -> Reply
    private let channel = NIOLockedValueBox<(any Channel)?>(nil)

    private init(_ answer: @escaping @Sendable (Request) -> Reply) { self.answer = answer }

    /// Runs a server while `body` uses its address.
    static func run<Result>(
        _ answer: @escaping @Sendable (Request) -> Reply,
        _ body: (ScriptedServer, String) async throws -> Result
    ) async throws -> Result {
        let server = ScriptedServer(answer)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 8 << 10, high: 16 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            let result = try await body(server, "http://127.0.0.1:\(channel.localAddress?.port ?? 0)")
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }

    var seen: Record { record.withLockedValue(\.self) }

    /// The requests for a path.
    func requests(for path: String) -> [Request] { seen.requests.filter { $0.path == path } }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: ScriptedServer
    private var request: ScriptedServer.Request?
    private var flood: String?
    private var isAnswering = false

    init(_ server: ScriptedServer) { self.server = server }

    func channelActive(context: ChannelHandlerContext) {
        server.record.withLockedValue { $0.connections += 1 }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isAnswering { server.record.withLockedValue { $0.abandoned += 1 } }
        flood = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            request = .init(method: head.method.rawValue, target: head.uri, headers: head.headers, body: "")
        case .body(let bytes): request?.body += String(buffer: bytes)
        case .end:
            guard let request else { return }
            server.record.withLockedValue { $0.requests.append(request) }
            play(server.answer(request), context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { pour(context) }

    private func play(_ reply: ScriptedServer.Reply, _ context: ChannelHandlerContext) {
        isAnswering = true
        var headers = reply.headers
        headers.add(name: "Content-Type", value: reply.contentType)
        headers.add(name: "Transfer-Encoding", value: "chunked")
        write(.head(HTTPResponseHead(version: .http1_1, status: reply.status, headers: headers)), context)
        for step in reply.steps {
            switch step {
            case .text(let text): write(.body(.byteBuffer(ByteBuffer(string: text))), context)
            case .flood(let text):
                flood = text
                return pour(context)
            case .hang: return context.flush()
            case .withhold: return
            case .close:
                isAnswering = false
                context.flush()
                return context.close(promise: nil)
            }
        }
        isAnswering = false
        write(.end(nil), context)
        context.flush()
    }

    private func pour(_ context: ChannelHandlerContext) {
        while let flood, context.channel.isWritable {
            server.record.withLockedValue { $0.flooded += flood.utf8.count }
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: flood)))), promise: nil)
        }
    }

    private func write(_ part: HTTPServerResponsePart, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(part), promise: nil)
    }
}
