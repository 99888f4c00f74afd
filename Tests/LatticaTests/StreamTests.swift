import Lattica
import LatticaConnection
import LatticaCore
import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Streams between two hosts` {
    @Test func `what is sent comes back`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handleEcho()
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/echo/1"])
            #expect(stream.protocolID == "/echo/1")
            #expect(stream.remotePeer == hosts[1].peerID)
            try await stream.write(ByteBuffer(string: "hello"))
            #expect(try await stream.read(5) == ByteBuffer(string: "hello"))
            try await stream.closeWrite()
            #expect(try await stream.read() == nil)
        }
    }

    @Test func `of several protocols the first that the peer speaks is taken`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handleEcho()
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(
                to: hosts[1].peerID,
                protocols: ["/echo/3", "/echo/2", "/echo/1"]
            )
            #expect(stream.protocolID == "/echo/1")
            await #expect(throws: DialError.protocolsNotSupported(["/a", "/b"])) {
                try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/a", "/b"])
            }
        }
    }

    @Test func `a protocol that the peer does not speak ends in a reset`() async throws {
        try await withHosts(2) { hosts in
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/nothing"])
            try await stream.write(ByteBuffer(string: "hello?"))
            await #expect(throws: StreamError.resetByPeer) { try await stream.read() }
        }
    }

    @Test func `fifty streams at once do not mix`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handleEcho()
            try await hosts[0].connect(to: hosts[1].address())
            let host = hosts[0]
            let peer = hosts[1].peerID
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let stream = try await host.openStream(to: peer, protocols: ["/echo/1"])
                        for round in 0..<20 {
                            let bytes = ByteBuffer(repeating: UInt8(index), count: 1 + round * 997)
                            try await stream.write(bytes)
                            #expect(try await stream.read(bytes.readableBytes) == bytes)
                        }
                        try await stream.closeWrite()
                        #expect(try await stream.read() == nil)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `ten megabytes go both ways at once`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handleEcho()
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/echo/1"])
            async let sent: Void = {
                for index in 0..<160 { try await stream.write(ByteBuffer(repeating: UInt8(index), count: 65536)) }
                try await stream.closeWrite()
            }()
            var received = 0
            while let part = try await stream.read() {
                // The first byte of every block that was sent.
                for position in stride(from: (65536 - received % 65536) % 65536, to: part.readableBytes, by: 65536) {
                    #expect(part.getInteger(at: position) == UInt8((received + position) / 65536))
                }
                received += part.readableBytes
            }
            try await sent
            #expect(received == 160 * 65536)
        }
    }

    @Test func `a reader that stops holds the writer back`() async throws {
        try await withHosts(2) { hosts in
            let written = NIOLockedValueBox(0)
            hosts[1].handle("/flood") { stream in
                do throws(StreamError) {
                    for _ in 0..<640 {
                        try await stream.write(ByteBuffer(repeating: 1, count: 16384))
                        written.withLockedValue { $0 += 16384 }
                    }
                    try await stream.closeWrite()
                } catch {}
            }
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/flood"])
            var received = try await stream.read()?.readableBytes ?? 0
            // Until the writer has come to a stop.
            try await eventually("the writer to wait") {
                let count = written.withLockedValue { $0 }
                try await Task.sleep(for: .milliseconds(50))
                return count == written.withLockedValue { $0 }
            }
            let last = written.withLockedValue { $0 }
            // The window, and what was read and granted again.
            #expect(last <= received + 256 * 1024 + 16384)
            while let part = try await stream.read() { received += part.readableBytes }
            #expect(received == 640 * 16384)
        }
    }

    @Test func `a direction that is closed leaves the other open`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handle("/sum") { stream in
                do throws(StreamError) {
                    var count = 0
                    while let bytes = try await stream.read() { count += bytes.readableBytes }
                    try await stream.write(ByteBuffer(string: "\(count)"))
                    try await stream.closeWrite()
                } catch {}
            }
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/sum"])
            try await stream.write(ByteBuffer(repeating: 0, count: 1000))
            try await stream.closeWrite()
            await #expect(throws: StreamError.closed) { try await stream.write(ByteBuffer(string: "more")) }
            #expect(try await stream.read(4) == ByteBuffer(string: "1000"))
        }
    }

    @Test func `a reset is seen by the reader and the writer of the other side`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handle("/reset") { stream in
                _ = try? await stream.read()
                stream.reset()
            }
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/reset"])
            try await stream.write(ByteBuffer(string: "go"))
            await #expect(throws: StreamError.resetByPeer) { try await stream.read() }
            await #expect(throws: StreamError.resetByPeer) { try await stream.write(ByteBuffer(string: "on")) }
        }
    }

    @Test func `a stream that its handler lets go of is reset`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handle("/drop") { _ in }
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/drop"])
            await #expect(throws: StreamError.resetByPeer) { try await stream.read() }
        }
    }

    @Test func `a wait that is cancelled leaves the stream usable`() async throws {
        try await withHosts(2) { hosts in
            hosts[1].handleEcho()
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/echo/1"])
            for round in 0..<20 {
                let reader = Task { try await stream.read() }
                if round % 2 == 0 { await Task.yield() }
                reader.cancel()
                await #expect(throws: StreamError.cancelled) { try await reader.value }
            }
            try await stream.write(ByteBuffer(string: "still here"))
            #expect(try await stream.read(10) == ByteBuffer(string: "still here"))
        }
    }

    @Test func `a handler at work is cancelled when the connection ends`() async throws {
        try await withHosts(2) { hosts in
            let (ends, continuation) = AsyncStream<StreamError>.makeStream()
            hosts[1].handle("/wait") { stream in
                do throws(StreamError) {
                    while try await stream.read() != nil {}
                } catch {
                    continuation.yield(error)
                }
            }
            try await hosts[0].connect(to: hosts[1].address())
            let stream = try await hosts[0].openStream(to: hosts[1].peerID, protocols: ["/wait"])
            try await stream.write(ByteBuffer(string: "hello"))
            try await eventually { hosts[1].connectedPeers.contains(hosts[0].peerID) }
            hosts[0].disconnect(hosts[1].peerID)
            let end = await ends.first { _ in true }
            switch end {
            case .connectionLost, .cancelled: break
            case .resetByPeer, .closed, nil: Issue.record("ended with \(String(describing: end))")
            }
            await #expect(throws: StreamError.self) { try await stream.read() }
        }
    }
}
