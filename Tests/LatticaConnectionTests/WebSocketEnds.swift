import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import LatticaConnection

/// One end of a socket in a test: what came out of the handlers over it, and how it ended.
final class SocketEnd: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    struct Seen {
        var bytes: [UInt8] = []
        var error: (any Error)?
        var isOver = false
        var channel: (any Channel)?
    }

    private let state = NIOLockedValueBox(Seen())

    var seen: Seen { state.withLockedValue { $0 } }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        state.withLockedValue { $0.channel = channel }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        state.withLockedValue { $0.bytes += bytes.readableBytesView }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        state.withLockedValue { if $0.error == nil { $0.error = error } }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        state.withLockedValue { $0.isOver = true }
    }

    /// Sends bytes, in so many pieces of about the same length.
    func send(_ bytes: [UInt8], pieces: Int = 1) async throws {
        guard let channel = seen.channel else { return }
        let size = max(1, (bytes.count + pieces - 1) / pieces)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
        }
    }

    func received(_ count: Int) async throws -> [UInt8] {
        try await eventually("\(count) bytes") { self.seen.bytes.count >= count || self.seen.isOver }
        return seen.bytes
    }

    /// Waits until the socket is closed.
    func over() async throws -> Seen {
        try await eventually("the end") { self.seen.isOver }
        return seen
    }

    func close() async {
        try? await seen.channel?.close()
    }
}

/// Connects two ends over a socket, with handlers between, and takes them down again.
func withSocketEnds(
    client: @escaping @Sendable () throws -> [any ChannelHandler],
    server: @escaping @Sendable () throws -> [any ChannelHandler],
    _ body: (SocketEnd, SocketEnd) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let (clientEnd, serverEnd) = (SocketEnd(), SocketEnd())
    let listener = try await ServerBootstrap(group: group)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers(try server() + [serverEnd])
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    let channel = try await ClientBootstrap(group: group)
        .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers(try client() + [clientEnd])
            }
        }
        .connect(host: "127.0.0.1", port: listener.localAddress?.port ?? 0).get()
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(clientEnd, serverEnd)) } catch { outcome = .failure(error) }
    try? await channel.close()
    await serverEnd.close()
    try await listener.close()
    try outcome.get()
}
