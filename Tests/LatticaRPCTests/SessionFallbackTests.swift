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
