import LatticaCore
import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import LatticaRPC

/// Speaks Lattica's dialect alone, and echoes.
private struct LatticaEcho: LatticaMethods {
    let host: MemoryHost

    init(on host: MemoryHost) {
        self.host = host
        _ = LatticaDialect.Server(host: host, methods: self)
    }

    func serves(_ method: RPCMethod) -> Bool { hasService(method.service) }

    func hasService(_ name: Substring) -> Bool { name == "Echo" }

    func answer(
        _ method: RPCMethod,
        peer: PeerID,
        metadata: [String: String],
        deadline: Duration?,
        leg: any RPCServerLeg
    ) async -> RPCStatus {
        do throws(RPCError) {
            while let message = try await leg.receive() { try await leg.send(message) }
            return .ok
        } catch {
            return RPCStatus(code: .internalError, message: "\(error)")
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `The dialect of an RPC call` {
    @Test func `a peer that speaks Lattica's alone is called by that`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            _ = LatticaEcho(on: listener)
            let client = RPCClient(host: dialer)
            let peer = listener.peerID
            for number in 0..<3 as Range<UInt8> {
                let reply = try await client.call("Echo/echo", on: peer, request: [number], deadline: .seconds(10))
                #expect(reply == [number])
            }
            let call = try await client.open("Echo/each", on: peer, deadline: .seconds(10))
            try await call.send([7])
            try await call.finish()
            #expect(try await call.receive() == [7])
            #expect(try await call.receive() == nil)
        }
    }

    @Test(arguments: [Compression.gzip, .zstd, .lz4, .brotli])
    func `long requests are compressed as the client says, where it makes them shorter`(kind: Compression) async throws
    {
        var random = SeededGenerator(seed: 61)
        let threshold = kind.threshold.bytes
        let requests: [(bytes: [UInt8], isCompressed: Bool)] = [
            ([UInt8](repeating: 7, count: threshold - 1), false), ([UInt8](repeating: 7, count: threshold), true),
            ([UInt8](repeating: 7, count: 1_000_000), true), (random.bytes(threshold + 100), false),
        ]
        try await MemoryNetwork.withPair { dialer, listener in
            let seen = NIOLockedValueBox<[(compression: Compression, size: Int)]>([])
            listener.handle(.latticaUnary) { stream in
                var whole = ByteBuffer()
                while let part = try? await stream.read() { whole.writeImmutableBuffer(part) }
                guard case .request(let id, _, let data, let compression)? = try? UnaryMessage(whole) else {
                    return stream.reset()
                }
                seen.withLockedValue { $0.append((compression, data.readableBytes)) }
                let plain = (try? compression.decompress(data, limit: .mebibytes(1))) ?? ByteBuffer()
                try? await stream.write(UnaryMessage.response(id: id, data: plain, compression: .none).encode())
                try? await stream.closeWrite()
            }
            let plainClient = RPCClient(host: dialer)
            var client = plainClient
            client.compression = kind
            for (bytes, isCompressed) in requests {
                let request = ByteBuffer(bytes: bytes)
                for (client, isDue) in [(client, isCompressed), (plainClient, false)] {
                    let reply = try await client.call(
                        "Echo/echo",
                        on: listener.peerID,
                        request: request,
                        deadline: .seconds(10)
                    )
                    #expect(reply == request)
                    let newest = seen.withLockedValue { $0.last }
                    let last = try #require(newest)
                    #expect(last.compression == (isDue ? kind : .none))
                    #expect((last.size < bytes.count) == isDue)
                }
            }
        }
    }

    @Test(arguments: [Compression.gzip, .zstd, .lz4, .brotli])
    func `a compressed request reaches the handler whole, and nothing of it a peer that speaks Lattice's`(
        kind: Compression
    ) async throws {
        let bytes = [UInt8](repeating: 3, count: 100_000)
        try await MemoryNetwork.withPair { dialer, listener in
            _ = LatticaEcho(on: listener)
            var client = RPCClient(host: dialer)
            client.compression = kind
            let peer = listener.peerID
            let reply = try await client.call("Echo/echo", on: peer, request: bytes, deadline: .seconds(10))
            #expect(reply == bytes)
            // Streams go as they are: the dialect has no compression for them.
            let call = try await client.open("Echo/each", on: peer, deadline: .seconds(10))
            try await call.send(bytes)
            try await call.finish()
            #expect(try await call.receive() == bytes)
        }
        try await withServer { client, server, peer, _ in
            server.register(RPCUnaryMethod<[UInt8], [UInt8]>("Echo/echo")) { message, _ in message }
            var client = client
            client.compression = kind
            let reply = try await client.call("Echo/echo", on: peer, request: bytes, deadline: .seconds(10))
            #expect(reply == bytes)
        }
    }

    @Test func `a name that Lattica's has no words for is told`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            _ = LatticaEcho(on: listener)
            let client = RPCClient(host: dialer)
            do {
                _ = try await client.call(
                    "lattice.v1.Echo/echo",
                    on: listener.peerID,
                    request: [],
                    deadline: .seconds(10)
                )
                Issue.record("it was called")
            } catch {
                guard case .failed(.unimplemented, _) = error as? RPCError else { throw error }
            }
        }
    }

    @Test func `a server answers both, and is called by Lattice's`() async throws {
        try await withServer { client, server, peer, host in
            let deadlines = NIOLockedValueBox<[Duration?]>([])
            server.register(RPCUnaryMethod<[UInt8], [UInt8]>("Echo/echo")) { message, context in
                deadlines.withLockedValue { $0.append(context.deadline) }
                return message
            }
            let reply = try await client.call("Echo/echo", on: peer, request: [1], deadline: .seconds(10))
            #expect(reply == [1])
            #expect(deadlines.withLockedValue { $0.count } == 1)
            #expect(host.answeredStreamCount == 1)
        }
    }

    @Test func `a server is reached by Lattica's`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            let server = RPCServer(host: listener)
            server.register(RPCUnaryMethod<[UInt8], [UInt8]>("Echo/echo"), on: .eventLoop) { message, _ in message }
            let lattica = LatticaDialect.Client(host: dialer)
            let reply = try await lattica.unary(
                "Echo/echo",
                on: listener.peerID,
                request: ByteBuffer(bytes: [9]),
                deadline: .seconds(10)
            )
            #expect(reply == ByteBuffer(bytes: [9]))
        }
    }
}
