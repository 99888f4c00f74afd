import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `WebSocket handler` {
    private func withWebSocket(_ body: (SocketEnd, SocketEnd) async throws -> Void) async throws {
        try await withSocketEnds {
            [WebSocketHandler(dialing: "localhost:1")]
        } server: {
            [WebSocketHandler(dialing: nil)]
        } _: {
            try await body($0, $1)
        }
    }

    @Test(arguments: [1, 7, 500]) func `carries bytes both ways, also those written at once`(pieces: Int) async throws {
        try await withWebSocket { client, server in
            var random = SeededGenerator(seed: 3)
            let (there, back) = (random.bytes(30_000), random.bytes(200_000))
            try await client.send(there, pieces: pieces)
            #expect(try await server.received(there.count) == there)
            try await server.send(back, pieces: pieces)
            #expect(try await client.received(back.count) == back)
        }
    }

    @Test func `says farewell when this side closes`() async throws {
        try await withWebSocket { client, server in
            try await client.send([1])
            _ = try await server.received(1)
            await client.close()
            let seen = try await server.over()
            #expect(seen.error == nil)
        }
    }

    @Test func `keeps no more than a bound while it is not open`() async throws {
        try await withSocketEnds {
            [WebSocketHandler(dialing: "localhost:1")]
        } server: {
            []
        } _: { client, _ in
            await #expect(throws: (any Error).self) { try await client.send([UInt8](repeating: 0, count: 70_000)) }
            let here = try await client.over()
            #expect(here.error as? WebSocketError == .tooMuchTooEarly(limit: WebSocketHandler.mostEarlyBytes))
        }
    }

    @Test func `answers a ping, and a farewell with a farewell`() async throws {
        let request = WebSocketHandshake(dialing: "localhost", key: Array(0..<16)).openingFlight
        try await withSocketEnds {
            []
        } server: {
            [WebSocketHandler(dialing: nil)]
        } _: { client, server in
            // Masked with zeros.
            let ping: [UInt8] = [0x89, 0x83, 0, 0, 0, 0, 7, 8, 9]
            let farewell: [UInt8] = [0x88, 0x82, 0, 0, 0, 0, 3, 0xe9]
            try await client.send(Array(request.readableBytesView) + ping + farewell)
            let seen = try await client.over()
            #expect(seen.bytes.suffix(9) == [0x8a, 3, 7, 8, 9, 0x88, 2, 3, 0xe9])
            let there = try await server.over()
            #expect(there.error == nil)
        }
    }

    @Test(
        arguments: [
            ([0x81, 0x80, 0, 0, 0, 0], 1003), ([0x83, 0x80, 0, 0, 0, 0], 1002), ([0x82, 0], 1002),
            ([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0], 1009),
        ] as [([UInt8], UInt16)]
    )
    func `tells why it closes on a peer that breaks the rules`(frame: [UInt8], code: UInt16) async throws {
        let request = WebSocketHandshake(dialing: "localhost", key: Array(0..<16)).openingFlight
        try await withSocketEnds {
            []
        } server: {
            [WebSocketHandler(dialing: nil)]
        } _: { client, server in
            try await client.send(Array(request.readableBytesView) + frame)
            let seen = try await client.over()
            #expect(seen.bytes.suffix(4) == [0x88, 2, UInt8(code >> 8), UInt8(code & 0xff)])
            let there = try await server.over()
            #expect(there.error is WebSocketError)
        }
    }
}
