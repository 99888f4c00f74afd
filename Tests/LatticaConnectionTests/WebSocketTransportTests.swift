import LatticaCore
import LatticeTesting
import Logging
import Multiformats
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `WebSocket transport` {
    let keypair = Keypair()

    private func settings(
        _ keypair: Keypair = Keypair(),
        limits: ConnectionLimits = .init(),
        security: [SecurityProtocol] = [.tls, .noise]
    ) -> ConnectionSettings {
        let handlers = StreamHandlers()
        handlers.register("/echo/1.0.0") { stream in
            while let bytes = try? await stream.read() { try? await stream.write(bytes) }
            try? await stream.closeWrite()
        }
        return ConnectionSettings(
            keypair: keypair,
            limits: limits,
            handlers: handlers,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            security: security
        )
    }

    private func transport(
        _ settings: ConnectionSettings,
        tls: WebSocketTLS = .init(),
        key: PreSharedKey? = nil
    ) throws -> WebSocketTransport {
        try WebSocketTransport(
            settings: settings,
            group: MultiThreadedEventLoopGroup.singleton,
            tls: tls,
            privateNetwork: key
        )
    }

    /// A listener with an echo, until the test is over.
    private func withListener(
        at address: String = "/ip4/127.0.0.1/tcp/0/ws",
        limits: ConnectionLimits = .init(),
        tls: WebSocketTLS = .init(),
        key: PreSharedKey? = nil,
        _ body: (Multiaddr) async throws -> Void
    ) async throws {
        let listener = try await transport(settings(keypair, limits: limits), tls: tls, key: key)
            .listen(at: Multiaddr(address))
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(listener.address)) } catch { outcome = .failure(error) }
        await listener.close()
        try outcome.get()
    }

    /// Sends some bytes there and back over a stream.
    private func useEcho(on connection: Connection, byteCount: Int = 300_000) async throws {
        var random = SeededGenerator(seed: 7)
        let bytes = random.bytes(byteCount)
        let stream = try await connection.openStream(["/echo/1.0.0"])
        async let sent: Void = {
            try await stream.write(ByteBuffer(bytes: bytes))
            try await stream.closeWrite()
        }()
        var echoed: [UInt8] = []
        while let part = try await stream.read() { echoed += part.readableBytesView }
        try await sent
        #expect(echoed == bytes)
        await connection.closeAndWait()
    }

    @Test(arguments: SecurityProtocol.allCases)
    func `carries a connection that is secured either way`(security: SecurityProtocol) async throws {
        try await withListener { address in
            #expect(address.components.last == .ws)
            let dialer = try transport(settings(security: [security]))
            let connection = try await dialer.dial(address.appending(keypair.peerID))
            #expect(connection.remotePeer == keypair.peerID)
            #expect(connection.remoteAddress == address)
            try await useEcho(on: connection)
        }
    }

    @Test func `a listener tells that its peers came by WebSocket`() async throws {
        let (peers, continuation) = AsyncStream<Multiaddr>.makeStream()
        var settings = settings(keypair)
        settings.admit = { connection in
            continuation.yield(connection.remoteAddress)
            return nil
        }
        let listener = try await transport(settings).listen(at: Multiaddr("/ip4/127.0.0.1/tcp/0/ws"))
        let connection = try await transport(self.settings()).dial(listener.address)
        #expect(await peers.first { _ in true }?.components.last == .ws)
        await connection.closeAndWait()
        await listener.close()
    }

    @Test func `another peer than the one that was dialled is refused`() async throws {
        try await withListener { address in
            let other = Keypair().peerID
            await #expect(throws: ConnectionError.self) {
                try await transport(settings()).dial(address.appending(other))
            }
        }
    }

    @Test(arguments: ["/wss", "/tls/ws", "/tls/sni/localhost/ws"])
    func `carries a connection over the TLS of web servers`(suffix: String) async throws {
        try await withTemporaryDirectory { folder in
            let files = try WebSocketCertificates(in: folder)
            let served = WebSocketTLS(certificateFile: files.certificateFile, privateKeyFile: files.privateKeyFile)
            try await withListener(at: "/ip4/127.0.0.1/tcp/0\(suffix)", tls: served) { address in
                let dialer = try transport(settings(), tls: WebSocketTLS(roots: .file(files.rootFile)))
                try await useEcho(on: dialer.dial(address.appending(keypair.peerID)))
                let byName = Multiaddr([.dns4("localhost")] + address.components.dropFirst())
                try await useEcho(on: dialer.dial(byName), byteCount: 10)
            }
        }
    }

    @Test func `a server with a certificate of a strange authority is refused`() async throws {
        try await withTemporaryDirectory { folder in
            let files = try WebSocketCertificates(in: folder)
            let served = WebSocketTLS(certificateFile: files.certificateFile, privateKeyFile: files.privateKeyFile)
            try await withListener(at: "/ip4/127.0.0.1/tcp/0/wss", tls: served) { address in
                let error = await #expect(throws: ConnectionError.self) {
                    try await transport(settings()).dial(address)
                }
                #expect("\(error, default: "")".contains("TLS failed"))
            }
        }
    }

    @Test func `a server with the certificate of another name is refused`() async throws {
        try await withTemporaryDirectory { folder in
            let files = try WebSocketCertificates(in: folder, addresses: [])
            let served = WebSocketTLS(certificateFile: files.certificateFile, privateKeyFile: files.privateKeyFile)
            try await withListener(at: "/ip4/127.0.0.1/tcp/0/tls/ws", tls: served) { address in
                let dialer = try transport(settings(), tls: WebSocketTLS(roots: .file(files.rootFile)))
                let named = Multiaddr(address.components.prefix(2) + [.tls, .sni("example.org"), .ws])
                await #expect(throws: ConnectionError.self) { try await dialer.dial(named) }
            }
        }
    }

    @Test func `listening at wss needs a certificate`() async throws {
        let transport = try transport(settings())
        let address = try Multiaddr("/ip4/127.0.0.1/tcp/0/wss")
        #expect(!transport.canListen(at: address))
        #expect(transport.canDial(address))
        await #expect(throws: ListenError.self) { try await transport.listen(at: address) }
    }

    @Test func `files that are no certificates are named`() throws {
        try withTemporaryDirectory { folder in
            let missing = folder + "/missing.pem"
            for tls in [
                WebSocketTLS(certificateFile: missing, privateKeyFile: missing), WebSocketTLS(roots: .file(missing)),
            ] {
                let error = #expect(throws: WebSocketTLSError.self) { try transport(settings(), tls: tls) }
                #expect("\(error, default: "")".contains(missing))
            }
            #expect(throws: WebSocketTLSError.incomplete) {
                try transport(settings(), tls: WebSocketTLS(certificateFile: missing))
            }
        }
    }

    @Test func `a web server that opens no WebSocket is told as such`() async throws {
        let answer = ByteBuffer(string: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        try await withSocketEnds(client: { [] }, server: { [Greeter(answer)] }) { client, _ in
            let port = try #require(client.seen.channel?.remoteAddress?.port)
            let error = await #expect(throws: ConnectionError.self) {
                try await transport(settings()).dial(Multiaddr("/ip4/127.0.0.1/tcp/\(port)/ws"))
            }
            #expect("\(error, default: "")".contains("404"))
        }
    }

    // MARK: - Private networks

    @Test func `inside a private network carries a connection`() async throws {
        let key = PreSharedKey()
        try await withListener(key: key) { address in
            try await useEcho(on: transport(settings(), key: key).dial(address))
        }
    }

    @Test func `of another private network is refused before the deadline`() async throws {
        try await withListener(key: PreSharedKey()) { address in
            let error = await #expect(throws: ConnectionError.self) {
                try await transport(settings(), key: PreSharedKey()).dial(address)
            }
            #expect("\(error, default: "")".contains("swarm.key"))
        }
    }

    @Test func `a peer of no private network is refused before the deadline`() async throws {
        try await withListener(key: PreSharedKey()) { address in
            let error = await #expect(throws: ConnectionError.self) { try await transport(settings()).dial(address) }
            #expect(error != .timedOut)
        }
    }

    // MARK: - Strangers

    @Test(arguments: 0..<24) func `random bytes close the connection and harm nobody`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        // With a part of a true beginning, the nonsense meets the next layer.
        if seed % 3 > 0 {
            bytes += WebSocketHandshake(dialing: "localhost", key: random.bytes(16)).openingFlight.readableBytesView
        }
        var nonsense = ByteBuffer(bytes: random.bytes(Int.random(in: 1...20_000, using: &random)))
        if seed % 3 > 1 {
            nonsense = WebSocketFrames(isClient: true).frames(for: nonsense)[0]
        }
        bytes += nonsense.readableBytesView
        var limits = ConnectionLimits()
        // Nonsense may look like the beginning of something long, which is waited for.
        limits.upgradeTimeout = .milliseconds(500)
        limits.handshakes = 1
        try await withListener(limits: limits) { address in
            let stranger = SocketEnd()
            let port = Int(try #require(address.webSocketEndpoint).port)
            _ = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { $0.pipeline.addHandler(stranger) }
                .connect(host: "127.0.0.1", port: port).get()
            try? await stranger.send(bytes, pieces: 1 + Int(seed))
            _ = try await stranger.over()
            // The only place is free again, though perhaps not at once.
            try await eventually("a connection") {
                guard let connection = try? await transport(settings()).dial(address) else { return false }
                await connection.closeAndWait()
                return true
            }
        }
    }

    @Test(arguments: ["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"])
    func `a stranger that stops in the middle is closed at the deadline`(beginning: String) async throws {
        var limits = ConnectionLimits()
        limits.upgradeTimeout = .milliseconds(200)
        try await withListener(limits: limits) { address in
            let stranger = SocketEnd()
            let port = Int(try #require(address.webSocketEndpoint).port)
            _ = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { $0.pipeline.addHandler(stranger) }
                .connect(host: "127.0.0.1", port: port).get()
            // On a busy machine the deadline may come first.
            try? await stranger.send(Array(beginning.utf8))
            _ = try await stranger.over()
        }
    }
}

/// Answers whatever comes first.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    let answer: ByteBuffer

    init(_ answer: ByteBuffer) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
}
