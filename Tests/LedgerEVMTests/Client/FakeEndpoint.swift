import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server in this process that answers as a test says: right, wrong, late or not at all.
final class FakeEndpoint: Sendable {
    /// What is answered to one request.
    enum Reply: Sendable {
        /// A body with status 200.
        case body(String)
        /// Another status.
        case status(UInt)
        /// The beginning of a body, and then the end of the connection.
        case cut(String)
        /// The same text again and again, as fast as it is taken.
        case flood(String)
        /// Nothing, and no end.
        case silence
        /// The end of the connection.
        case hangUp
        /// A redirect elsewhere.
        case redirect(String)

        static func result(_ json: String, id: Int) -> Reply {
            .body(#"{"jsonrpc":"2.0","id":\#(id),"result":\#(json)}"#)
        }

        static func error(_ code: Int, _ message: String, id: Int) -> Reply {
            .body(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":\#(code),"message":"\#(message)"}}"#)
        }
    }

    struct Question: Sendable, Decodable {
        var id: Int
        var method: String
    }

    fileprivate let answer: @Sendable (Question) -> Reply
    fileprivate let asked = NIOLockedValueBox<[String]>([])

    private init(_ answer: @escaping @Sendable (Question) -> Reply) { self.answer = answer }

    /// The methods that were asked, in order.
    var methods: [String] { asked.withLockedValue(\.self) }

    /// Runs a server while `body` uses its address.
    static func run<Result>(
        _ answer: @escaping @Sendable (Question) -> Reply,
        _ body: (FakeEndpoint, String) async throws -> Result
    ) async throws -> Result {
        let endpoint = FakeEndpoint(answer)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 8 << 10, high: 16 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(endpoint))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            let result = try await body(endpoint, "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/key-in-path")
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let endpoint: FakeEndpoint
    private var body = ByteBuffer()
    private var flood: String?

    init(_ endpoint: FakeEndpoint) { self.endpoint = endpoint }

    func channelInactive(context: ChannelHandlerContext) { flood = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: body.clear()
        case .body(var bytes): body.writeBuffer(&bytes)
        case .end:
            let data = Data(body.readableBytesView)
            guard let question = try? JSONDecoder().decode(FakeEndpoint.Question.self, from: data) else {
                return play(.status(400), context)
            }
            endpoint.asked.withLockedValue { $0.append(question.method) }
            play(endpoint.answer(question), context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { pour(context) }

    private func play(_ reply: FakeEndpoint.Reply, _ context: ChannelHandlerContext) {
        switch reply {
        case .body(let text):
            begin(.ok, context, length: text.utf8.count)
            write(.body(.byteBuffer(ByteBuffer(string: text))), context)
            write(.end(nil), context)
            context.flush()
        case .status(let code):
            begin(HTTPResponseStatus(statusCode: Int(code)), context, length: 0)
            write(.end(nil), context)
            context.flush()
        case .redirect(let place):
            var headers: HTTPHeaders = ["Location": place]
            headers.add(name: "Content-Length", value: "0")
            write(.head(HTTPResponseHead(version: .http1_1, status: .temporaryRedirect, headers: headers)), context)
            write(.end(nil), context)
            context.flush()
        case .cut(let text):
            begin(.ok, context, length: text.utf8.count + 1_000)
            write(.body(.byteBuffer(ByteBuffer(string: text))), context)
            context.flush()
            context.close(promise: nil)
        case .flood(let text):
            begin(.ok, context, length: nil)
            flood = text
            pour(context)
        case .silence: return
        case .hangUp: context.close(promise: nil)
        }
    }

    private func begin(_ status: HTTPResponseStatus, _ context: ChannelHandlerContext, length: Int?) {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if let length {
            headers.add(name: "Content-Length", value: "\(length)")
        } else {
            headers.add(name: "Transfer-Encoding", value: "chunked")
        }
        write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)), context)
    }

    private func pour(_ context: ChannelHandlerContext) {
        guard let flood, context.channel.isWritable else { return }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: flood)))), promise: nil)
        // One piece a turn, so that the loop hears when the other side has had enough.
        let again = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute { again.value.0.pour(again.value.1) }
    }

    private func write(_ part: HTTPServerResponsePart, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(part), promise: nil)
    }
}
