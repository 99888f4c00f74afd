import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `Private network` {
    let key = PreSharedKey()
    /// What a dialer of libp2p says first.
    let hello = PrivateNetworkProtector.header + Array("\u{7}/noise\n".utf8)

    @Test(arguments: [1, 3, 200]) func `carries bytes both ways between peers with the same key`(
        pieces: Int
    ) async throws {
        try await withSocketEnds {
            [PrivateNetworkProtector(key: key)]
        } server: {
            [PrivateNetworkProtector(key: key)]
        } _: { client, server in
            var random = SeededGenerator(seed: 1)
            let (there, back) = (hello + random.bytes(100_000), hello + random.bytes(70_000))
            try await client.send(there, pieces: pieces)
            #expect(try await server.received(there.count) == there)
            try await server.send(back, pieces: pieces)
            #expect(try await client.received(back.count) == back)
        }
    }

    @Test func `both sides send their nonce before anything else`() async throws {
        try await withSocketEnds {
            []
        } server: {
            [PrivateNetworkProtector(key: key)]
        } _: { client, _ in
            let nonce = try await client.received(24)
            #expect(nonce.count == 24)
        }
    }

    @Test func `what passes looks like noise`() async throws {
        try await withSocketEnds {
            [PrivateNetworkProtector(key: key)]
        } server: {
            []
        } _: { client, server in
            try await client.send(hello)
            let bytes = try await server.received(24 + hello.count)
            #expect(bytes.count == 24 + hello.count)
            #expect(bytes.suffix(hello.count) != hello[...])
            var stream = Salsa20Stream(key: key, xSalsa20Nonce: Array(bytes.prefix(24)))
            var rest = ByteBuffer(bytes: bytes.dropFirst(24))
            stream.apply(to: &rest)
            #expect(Array(rest.readableBytesView) == hello)
        }
    }

    @Test func `peers with different keys part at once`() async throws {
        let start = ContinuousClock.now
        try await withSocketEnds {
            [PrivateNetworkProtector(key: key)]
        } server: {
            [PrivateNetworkProtector(key: PreSharedKey())]
        } _: { client, server in
            try await client.send(hello)
            let (there, here) = try await (server.over(), client.over())
            #expect(there.error as? PrivateNetworkError == .wrongKey)
            #expect(there.bytes.isEmpty)
            #expect(here.error as? PrivateNetworkError == .closedByPeer)
        }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func `a peer without a key is told from one with another`() async throws {
        try await withSocketEnds {
            []
        } server: {
            [PrivateNetworkProtector(key: key)]
        } _: { client, server in
            try await client.send(hello)
            let there = try await server.over()
            #expect(there.error as? PrivateNetworkError == .notPrivate)
            #expect(there.bytes.isEmpty)
        }
    }

    @Test(arguments: 0..<20) func `random bytes end the connection`(seed: UInt64) async throws {
        try await withSocketEnds {
            []
        } server: {
            [PrivateNetworkProtector(key: key)]
        } _: { client, server in
            var random = SeededGenerator(seed: seed)
            try? await client.send(random.bytes(44 + Int(seed) * 40))
            let there = try await server.over()
            #expect(there.error as? PrivateNetworkError == .wrongKey)
        }
    }
}
