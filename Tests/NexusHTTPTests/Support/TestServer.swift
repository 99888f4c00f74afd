import Logging
import NIOCore
import NIOPosix
import Nexus
import NexusHTTP

/// A server on a free port for the length of `body`.
func withServer<Result: Sendable>(
    _ backend: ScriptedBackend = ScriptedBackend(),
    configure: (inout HTTPConfiguration) -> Void = { _ in },
    _ body: @Sendable @escaping (Int) async throws -> Result
) async throws -> Result {
    var configuration = HTTPConfiguration(port: 0)
    configure(&configuration)
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let server = try NexusHTTPServer(
        backend: backend,
        configuration: configuration,
        logger: .silent,
        onListening: { continuation.yield($0) }
    )
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            try await server.run()
            return nil
        }
        group.addTask {
            for await port in ports { return try await body(port) }
            return nil
        }
        defer { group.cancelAll() }
        while let result = try await group.next() {
            if let result { return result }
        }
        throw ServerEnded()
    }
}

struct ServerEnded: Error {}

/// A TCP connection that sends and reads raw bytes.
final class RawConnection {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let channel: any Channel
    private var received: [UInt8] = []

    private init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        channel: any Channel
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
        self.channel = channel
    }

    /// Connects for the length of `body`.
    static func with<Result>(_ port: Int, _ body: (RawConnection) async throws -> Result) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.so_rcvbuf), value: 64 * 1024)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(inbound: inbound, outbound: outbound, channel: channel.channel))
        }
    }

    func send(_ text: String) async throws {
        try await send([UInt8](text.utf8))
    }

    /// Sends and lets the event loop notice a full or closed socket before more is sent.
    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
        try await channel.eventLoop.submit {}.get()
    }

    /// Everything received since the start, once it contains `text`.
    @discardableResult
    func read(until text: String) async throws -> String {
        while !contents.contains(text) {
            guard let buffer = try await inbound.next(isolation: #isolation) else { break }
            received += buffer.readableBytesView
        }
        return contents
    }

    /// Reads what has arrived and forgets it.
    func readSome() async throws {
        _ = try await inbound.next(isolation: #isolation)
    }

    /// Everything until the server closes.
    func readToEnd() async throws -> String {
        do {
            while let buffer = try await inbound.next(isolation: #isolation) { received += buffer.readableBytesView }
        } catch is IOError {
            // A reset ends what can be read as a close does.
        }
        return contents
    }

    var contents: String { String(decoding: received, as: UTF8.self) }

    /// Closes; the server may have done so already.
    func close() async {
        try? await channel.close()
    }
}

extension Logger {
    /// Writes nothing.
    static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}
