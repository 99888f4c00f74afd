import LatticaCore
import LatticeTesting
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

/// What holds for connections over every link and with every security.
@Suite(.timeLimit(.minutes(2))) struct `Connections` {
    private func echoing() -> StreamHandlers {
        let handlers = StreamHandlers()
        handlers.register("/echo/1") { stream in
            do throws(StreamError) {
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                try await stream.closeWrite()
            } catch {}
        }
        return handlers
    }

    private func echo(_ bytes: ByteBuffer, over connection: Connection) async throws -> ByteBuffer {
        let stream = try await connection.openStream(["/echo/1"])
        async let sent: Void = {
            try await stream.write(bytes)
            try await stream.closeWrite()
        }()
        var all = ByteBuffer()
        while let part = try await stream.read() { all.writeImmutableBuffer(part) }
        try await sent
        return all
    }

    @Test(arguments: Wire.allCases) func `both sides know each other and what secures them`(wire: Wire) async throws {
        try await ConnectionPair.with(wire) { pair in
            #expect(pair.dialer.isOutbound && !pair.listener.isOutbound)
            #expect(pair.dialer.remotePeer != pair.listener.remotePeer)
            let expected: SecurityProtocol = wire == .tcpWithTLS ? .tls : .noise
            #expect(pair.dialer.security == expected)
            #expect(pair.listener.security == expected)
            #expect(pair.dialer.number != pair.listener.number)
        }
    }

    @Test(arguments: Wire.allCases) func `64 streams with bulk data at once never stall`(wire: Wire) async throws {
        try await ConnectionPair.with(wire, handlers: echoing()) { pair in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<64 {
                    group.addTask {
                        let bytes = ByteBuffer(repeating: UInt8(index), count: 300_000 + index)
                        let echoed = try await echo(bytes, over: pair.dialer)
                        #expect(echoed == bytes)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: Wire.allCases) func `many short streams, one after another`(wire: Wire) async throws {
        try await ConnectionPair.with(wire, handlers: echoing()) { pair in
            for index in 0..<600 {
                let bytes = ByteBuffer(integer: UInt32(index))
                let echoed = try await echo(bytes, over: pair.dialer)
                #expect(echoed == bytes)
            }
        }
    }

    @Test(arguments: Wire.allCases) func `a slow reader holds the sender back, and gets everything`(wire: Wire)
        async throws
    {
        let (chunks, size) = (5000, 1000)
        let handlers = StreamHandlers()
        handlers.register("/flood/1") { stream in
            do throws(StreamError) {
                for index in 0..<chunks {
                    try await stream.write(ByteBuffer(repeating: UInt8(truncatingIfNeeded: index), count: size))
                }
                try await stream.closeWrite()
            } catch {}
        }
        try await ConnectionPair.with(wire, handlers: handlers) { pair in
            let stream = try await pair.dialer.openStream(["/flood/1"])
            // The proposal leaves with what is written first, and this reader writes nothing.
            try await stream.closeWrite()
            var received = ByteBuffer()
            var most = 0
            while let part = try await stream.read() {
                received.writeImmutableBuffer(part)
                most = max(most, try await pair.dialer.unread())
            }
            #expect(received.readableBytes == chunks * size)
            #expect(received.readableBytesView.enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: $0 / size) })
            #expect(most <= YamuxLimits().largestWindow)
        }
    }

    @Test(arguments: Wire.allCases) func `a writer waits while nobody reads`(wire: Wire) async throws {
        let handlers = StreamHandlers()
        let isDone = NIOLockedValueBox(false)
        handlers.register("/flood/1") { stream in
            do throws(StreamError) {
                try await stream.write(ByteBuffer(repeating: 1, count: 1 << 20))
                isDone.withLockedValue { $0 = true }
                try await stream.closeWrite()
            } catch {}
        }
        try await ConnectionPair.with(wire, handlers: handlers) { pair in
            let stream = try await pair.dialer.openStream(["/flood/1"])
            try await stream.closeWrite()
            try await eventually("a full window") {
                try await pair.dialer.unread() > YamuxLimits.initialWindow / 2
            }
            #expect(!isDone.withLockedValue { $0 })
            var count = 0
            while let part = try await stream.read() { count += part.readableBytes }
            #expect(count == 1 << 20)
        }
    }

    @Test(arguments: Wire.allCases) func `going away lets open streams end and takes no more`(wire: Wire) async throws {
        try await ConnectionPair.with(wire, handlers: echoing()) { pair in
            let stream = try await pair.dialer.openStream(["/echo/1"])
            try await stream.write(ByteBuffer(string: "one"))
            #expect(try await stream.read() == ByteBuffer(string: "one"))
            pair.listener.goAway(within: .seconds(30))
            try await eventually("the word that the peer goes away") { !pair.dialer.acceptsStreams }
            await #expect(throws: StreamOpenError.connectionOver) { try await pair.dialer.openStream(["/echo/1"]) }
            try await stream.write(ByteBuffer(string: "two"))
            #expect(try await stream.read() == ByteBuffer(string: "two"))
            try await stream.closeWrite()
            #expect(try await stream.read() == nil)
            // The last stream has ended, so the connection does.
            #expect(await pair.listener.waitForEnd() == .closed)
            _ = await pair.dialer.waitForEnd()
        }
    }

    @Test(arguments: Wire.allCases) func `going away ends at the deadline`(wire: Wire) async throws {
        try await ConnectionPair.with(wire, handlers: echoing()) { pair in
            let stream = try await pair.dialer.openStream(["/echo/1"])
            try await stream.write(ByteBuffer(string: "one"))
            #expect(try await stream.read() == ByteBuffer(string: "one"))
            await pair.listener.closeGracefully(within: .milliseconds(50))
            await #expect(throws: StreamError.self) {
                while try await stream.read() != nil {}
            }
        }
    }

    @Test(arguments: Wire.allCases) func `the last words arrive before the end`(wire: Wire) async throws {
        let handlers = StreamHandlers()
        handlers.register("/last/1") { stream in
            do throws(StreamError) {
                try await stream.write(ByteBuffer(repeating: 7, count: 200_000))
                try await stream.closeWrite()
            } catch {}
        }
        try await ConnectionPair.with(wire, handlers: handlers) { pair in
            let stream = try await pair.dialer.openStream(["/last/1"])
            try await stream.closeWrite()
            var count = 0
            while let part = try await stream.read() {
                if count == 0 { pair.listener.goAway(within: .seconds(30)) }
                count += part.readableBytes
            }
            #expect(count == 200_000)
        }
    }

    @Test func `a peer that speaks Noise alone is met with Noise`() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let keypair = Keypair()
        for (dialer, listener) in [([.tls, .noise], [.noise]), ([.noise], [.tls, .noise])]
            as [(
                [SecurityProtocol], [SecurityProtocol]
            )]
        {
            let listening = ConnectionSettings(
                keypair: keypair,
                limits: ConnectionPair.patient,
                logger: ConnectionPair.quiet,
                security: listener
            )
            let bound = try await TCPTransport(settings: listening, group: group).listen(at: .localhost)
            let dialing = ConnectionSettings(
                keypair: Keypair(),
                limits: ConnectionPair.patient,
                logger: ConnectionPair.quiet,
                security: dialer
            )
            let connection = try await TCPTransport(settings: dialing, group: group).dial(bound.address)
            #expect(connection.security == .noise)
            #expect(connection.remotePeer == keypair.peerID)
            await connection.closeAndWait()
            await bound.close()
        }
    }

    @Test(arguments: [[SecurityProtocol.tls], [.noise]]) func `another peer than the one dialled is refused`(
        security: [SecurityProtocol]
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listening = ConnectionSettings(
            keypair: Keypair(),
            limits: ConnectionPair.patient,
            logger: ConnectionPair.quiet
        )
        let bound = try await TCPTransport(settings: listening, group: group).listen(at: .localhost)
        let dialing = ConnectionSettings(
            keypair: Keypair(),
            limits: ConnectionPair.patient,
            logger: ConnectionPair.quiet,
            security: security
        )
        let expected = Keypair().peerID
        do {
            _ = try await TCPTransport(settings: dialing, group: group).dial(bound.address, expecting: expected)
            Issue.record("the wrong peer was let in")
        } catch {
            #expect("\(error)".contains("\(expected)"))
        }
        await bound.close()
    }

    @Test func `peers without a security in common do not connect`() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listening = ConnectionSettings(
            keypair: Keypair(),
            limits: ConnectionPair.patient,
            logger: ConnectionPair.quiet,
            security: [.noise]
        )
        let bound = try await TCPTransport(settings: listening, group: group).listen(at: .localhost)
        let dialing = ConnectionSettings(
            keypair: Keypair(),
            limits: ConnectionPair.patient,
            logger: ConnectionPair.quiet,
            security: [.tls]
        )
        await #expect(throws: ConnectionError.notSupported("/tls/1.0.0")) {
            try await TCPTransport(settings: dialing, group: group).dial(bound.address)
        }
        await bound.close()
    }
}

extension Connection {
    /// What the peers have sent on all streams and nobody has read.
    func unread() async throws -> Int {
        try await loop.submit { self.driverHere?.session.unreadBytes ?? 0 }.get()
    }
}
