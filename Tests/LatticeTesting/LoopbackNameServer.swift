import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A server of the DNS on this machine, which answers questions for text records as a test wishes (RFC 1035, §4).
///
/// It listens at one port for datagrams and for connections. What does not fit into a datagram is answered cut short, so that
/// whoever asks comes again over TCP.
public final class LoopbackNameServer: Sendable {
    /// What a name is answered.
    public enum Answer: Sendable {
        /// Records, each cut into strings of 255 bytes.
        case texts([[UInt8]])
        /// The name is not there.
        case noSuchName
        /// The server will not say.
        case refused
        /// Nothing at all.
        case silence
        /// These bytes, behind the number of the question.
        case bytes([UInt8])

        /// Records that are texts.
        public static func texts(_ texts: [String]) -> Answer { .texts(texts.map { [UInt8]($0.utf8) }) }
    }

    /// A question as it arrived.
    public struct Question: Hashable, Sendable {
        /// In lower case, without the dot at the end.
        public let name: String
        /// Whether it came over a connection.
        public let isOverTCP: Bool
    }

    /// What the oldest systems take in a datagram.
    private static let datagramSize = 512
    private static let textRecord: UInt16 = 16

    private let answer: @Sendable (String) -> Answer
    private let asked = NIOLockedValueBox<[Question]>([])
    private let channels = NIOLockedValueBox<[any Channel]>([])

    private init(_ answer: @escaping @Sendable (String) -> Answer) {
        self.answer = answer
    }

    /// Runs a test with a server.
    ///
    /// - Parameter answer: gets the name in lower case.
    public static func with(
        _ answer: @escaping @Sendable (String) -> Answer,
        _ body: (LoopbackNameServer) async throws -> Void
    ) async throws {
        let server = LoopbackNameServer(answer)
        let outcome: Result<Void, any Error>
        do {
            try await server.start()
            outcome = .success(try await body(server))
        } catch {
            outcome = .failure(error)
        }
        for channel in server.channels.withLockedValue({ $0 }) { try? await channel.close() }
        return try outcome.get()
    }

    /// Where it answers.
    public var port: Int { channels.withLockedValue { $0.first?.localAddress?.port } ?? 0 }

    /// What was asked so far.
    public var questions: [Question] { asked.withLockedValue { $0 } }

    private func start() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        var attempts = 0
        while true {
            let datagrams = try await DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(DatagramAnswerer(server: self))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            do {
                let connections = try await ServerBootstrap(group: group)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(ConnectionAnswerer(server: self))
                        }
                    }
                    .bind(host: "127.0.0.1", port: datagrams.localAddress?.port ?? 0).get()
                return channels.withLockedValue { $0 = [datagrams, connections] }
            } catch {
                // A port that is free for datagrams may be taken for connections.
                try? await datagrams.close()
                attempts += 1
                guard attempts < 20 else { throw error }
            }
        }
    }

    /// The whole message that answers another.
    fileprivate func reply(to query: ByteBuffer, isOverTCP: Bool) -> ByteBuffer? {
        var query = query
        guard let number = query.readInteger(as: UInt16.self), query.readSlice(length: 10) != nil else { return nil }
        let body = query
        var labels: [String] = []
        while let length = query.readInteger(as: UInt8.self), length > 0 {
            guard let label = query.readString(length: Int(length)) else { return nil }
            labels.append(label.lowercased())
        }
        guard let type = query.readInteger(as: UInt16.self), query.readInteger(as: UInt16.self) != nil,
            let question = body.getSlice(at: body.readerIndex, length: body.readableBytes - query.readableBytes)
        else { return nil }
        let name = labels.joined(separator: ".")
        asked.withLockedValue { $0.append(Question(name: name, isOverTCP: isOverTCP)) }
        guard type == Self.textRecord else { return Self.message(number, code: 0, question, []) }
        switch answer(name) {
        case .silence: return nil
        case .bytes(let bytes): return ByteBuffer(bytes: [UInt8(number >> 8), UInt8(number & 0xff)] + bytes)
        case .noSuchName: return Self.message(number, code: 3, question, [])
        case .refused: return Self.message(number, code: 5, question, [])
        case .texts(let texts):
            // No message is longer than its length can say.
            var (records, size) = ([[UInt8]](), 0)
            for text in texts {
                size += text.count + text.count / 255 + 13
                if size > Int(UInt16.max) - 300 { break }
                records.append(text)
            }
            let whole = Self.message(number, code: 0, question, records)
            guard !isOverTCP, whole.readableBytes > Self.datagramSize else { return whole }
            return Self.message(number, code: 0, question, [], isCut: true)
        }
    }

    private static func message(
        _ number: UInt16,
        code: UInt16,
        _ question: ByteBuffer,
        _ records: [[UInt8]],
        isCut: Bool = false
    ) -> ByteBuffer {
        // An answer, recursion wanted and given.
        let flags: UInt16 = 0x8180 | (isCut ? 0x0200 : 0) | code
        var message = ByteBuffer()
        for field in [number, flags, 1, UInt16(records.count), 0, 0] { message.writeInteger(field) }
        message.writeImmutableBuffer(question)
        for record in records {
            let strings = stride(from: 0, to: max(1, record.count), by: 255).map { record.dropFirst($0).prefix(255) }
            // The name stands behind the header; the class is the Internet's.
            for field in [0xc00c, textRecord, 1] { message.writeInteger(field) }
            message.writeInteger(60, as: UInt32.self)
            message.writeInteger(UInt16(record.count + strings.count))
            for string in strings {
                message.writeInteger(UInt8(string.count))
                message.writeBytes(string)
            }
        }
        return message
    }
}

private final class DatagramAnswerer: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let server: LoopbackNameServer

    init(server: LoopbackNameServer) {
        self.server = server
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let query = unwrapInboundIn(data)
        guard let reply = server.reply(to: query.data, isOverTCP: false) else { return }
        let envelope = AddressedEnvelope(remoteAddress: query.remoteAddress, data: reply)
        context.writeAndFlush(wrapOutboundOut(envelope), promise: nil)
    }
}

private final class ConnectionAnswerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: LoopbackNameServer
    private var received = ByteBuffer()

    init(server: LoopbackNameServer) {
        self.server = server
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        while let query = received.readLengthPrefixedSlice(as: UInt16.self) {
            guard let reply = server.reply(to: query, isOverTCP: true) else { continue }
            var framed = ByteBuffer(integer: UInt16(reply.readableBytes))
            framed.writeImmutableBuffer(reply)
            context.writeAndFlush(wrapOutboundOut(framed), promise: nil)
        }
    }
}
