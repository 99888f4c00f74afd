import LatticaCore
import LatticaProtocols
import LatticeTesting
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Ping` {
    @Test func `measures the way there and back, on one stream`() async throws {
        try await MemoryNetwork.withPair(chunk: 7) { dialer, listener in
            _ = PingService(host: listener)
            let service = PingService(host: dialer)
            let times = try await service.ping(listener.peerID, count: 5)
            #expect(times.count == 5)
            #expect(times.allSatisfy { $0 > .zero && $0 < .seconds(5) })
            _ = try await service.ping(listener.peerID)
            #expect(dialer.openedStreamCount == 1)
        }
    }

    @Test func `goes on over a new stream when the old one has ended`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            _ = PingService(host: listener)
            let service = PingService(host: dialer)
            _ = try await service.ping(listener.peerID)
            listener.disconnect()
            _ = try await service.ping(listener.peerID)
            #expect(dialer.openedStreamCount == 2)
        }
    }

    @Test func `gives a silent peer up after twenty seconds`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            listener.handle(.ping) { stream in while (try? await stream.read()) != nil {} }
            let clock = ManualClock()
            let service = PingService(host: dialer, clock: clock)
            async let times = service.ping(listener.peerID)
            // First the dial has its deadline, then the ping; only the second one is still waiting in the end.
            try await eventually { dialer.openedStreamCount == 1 && listener.answeredStreamCount == 1 }
            try await eventually("the end") {
                clock.advance(by: .seconds(1))
                return listener.answeredStreamCount == 0
            }
            do {
                _ = try await times
                Issue.record("a silent peer answered")
            } catch {
                #expect(error as? PingError == .timedOut)
            }
        }
    }

    @Test func `notices other bytes than it sent`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            listener.handle(.ping) { stream in
                try? await stream.write(ByteBuffer(repeating: 0, count: 32))
                while (try? await stream.read()) != nil {}
            }
            let service = PingService(host: dialer)
            await #expect(throws: PingError.wrongEcho) { try await service.ping(listener.peerID) }
        }
    }

    @Test func `says when the peer is unknown`() async throws {
        try await MemoryNetwork.withPair { dialer, _ in
            let service = PingService(host: dialer)
            let stranger = Keypair().peerID
            await #expect(throws: PingError.notReached(.noAddress(peer: "\(stranger)"))) {
                try await service.ping(stranger)
            }
        }
    }

    @Test func `answers two streams of a peer and no more`() async throws {
        try await MemoryNetwork.withPair { dialer, listener in
            _ = PingService(host: listener)
            var streams: [any MuxedStream] = []
            for _ in 0..<2 {
                let stream = try await dialer.openStream(to: listener.peerID, protocols: [.ping])
                try await stream.write(ByteBuffer(repeating: 1, count: 32))
                #expect(try await stream.read() == ByteBuffer(repeating: 1, count: 32))
                streams.append(stream)
            }
            let third = try await dialer.openStream(to: listener.peerID, protocols: [.ping])
            await #expect(throws: StreamError.resetByPeer) { try await third.read() }
            streams[0].reset()
            try await eventually { listener.answeredStreamCount == 1 }
            let fourth = try await dialer.openStream(to: listener.peerID, protocols: [.ping])
            try await fourth.write(ByteBuffer(repeating: 2, count: 32))
            #expect(try await fourth.read() == ByteBuffer(repeating: 2, count: 32))
            streams[1].reset()
        }
    }
}
