import Crypto
import FoundationEssentials
import LatticaCore
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `TLS handshake` {
    let alice = Keypair()
    let bob = Keypair()

    @Test func `proves each side to the other, and settles the muxer`() async throws {
        let (client, server) = try await handshake(client: ours(alice, expecting: bob), server: ours(bob))
        #expect(client == .success(.init(remotePeer: bob.peerID, isMuxerAgreed: true)))
        #expect(server == .success(.init(remotePeer: alice.peerID, isMuxerAgreed: true)))
    }

    @Test func `fails where another peer answers`() async throws {
        let (client, server) = try await handshake(client: ours(alice, expecting: alice), server: ours(bob))
        let reason = TLSCertificateError.wrongPeer(
            expected: alice.peerID.description,
            actual: bob.peerID.description
        )
        #expect(client == .failure(.certificate(reason)))
        #expect(server.isFailure)
    }

    @Test func `fails for a client without a certificate`() async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["libp2p"]
        let (_, server) = try await handshake(client: foreign(configuration), server: ours(bob))
        guard case .failure(.failed) = server else {
            Issue.record("the server took a client without a certificate: \(server)")
            return
        }
    }

    @Test func `fails for a client with a chain of certificates`() async throws {
        let other = try TLSCertificate(for: Keypair(), at: Date())
        let configuration = try clientConfiguration(chain: [TLSCertificate(for: alice, at: Date()), other])
        let (_, server) = try await handshake(client: foreign(configuration), server: ours(bob))
        #expect(server == .failure(.certificate(.notOneCertificate(count: 2))))
    }

    @Test func `fails for a client that speaks TLS 1.2 at most`() async throws {
        var configuration = try clientConfiguration(chain: [TLSCertificate(for: alice, at: Date())])
        configuration.maximumTLSVersion = .tlsv12
        let (_, server) = try await handshake(client: foreign(configuration), server: ours(bob))
        guard case .failure(.failed) = server else {
            Issue.record("the server took TLS 1.2: \(server)")
            return
        }
    }

    @Test func `fails for a client that speaks another protocol over TLS`() async throws {
        var configuration = try clientConfiguration(chain: [TLSCertificate(for: alice, at: Date())])
        configuration.applicationProtocols = ["h2"]
        let (_, server) = try await handshake(client: foreign(configuration), server: ours(bob))
        #expect(server == .failure(.noCommonApplicationProtocol))
    }

    @Test func `leaves the muxer open for a peer that names none`() async throws {
        let configuration = try clientConfiguration(chain: [TLSCertificate(for: alice, at: Date())])
        let (_, server) = try await handshake(client: foreign(configuration), server: ours(bob))
        #expect(server == .success(.init(remotePeer: alice.peerID, isMuxerAgreed: false)))
    }

    @Test func `prefers the muxer of the client's list`() async throws {
        var configuration = try clientConfiguration(chain: [TLSCertificate(for: alice, at: Date())])
        configuration.applicationProtocols = ["/mplex/6.7.0", "/yamux/1.0.0", "libp2p"]
        let (_, server) = try await handshake(client: foreign(configuration), server: ours(bob))
        #expect(server == .success(.init(remotePeer: alice.peerID, isMuxerAgreed: true)))
    }

    // MARK: - Two ends

    typealias Outcome = Result<TLSHandshake.Secured, TLSHandshakeError>
    typealias MakeHandler = @Sendable () throws -> HandshakeRecorder

    private func ours(_ keypair: Keypair, expecting peer: Keypair) throws -> MakeHandler {
        let identity = try TLSIdentity(keypair: keypair)
        return { HandshakeRecorder(try identity.makeHandler(isClient: true, expecting: peer.peerID)) }
    }

    private func ours(_ keypair: Keypair) throws -> MakeHandler {
        let identity = try TLSIdentity(keypair: keypair)
        return { HandshakeRecorder(try identity.makeHandler(isClient: false, expecting: nil)) }
    }

    private func foreign(_ configuration: TLSConfiguration) throws -> MakeHandler {
        let context = try NIOSSLContext(configuration: configuration)
        return {
            let proof = TLSHandshake.Proof(expectedPeer: nil)
            return HandshakeRecorder(
                TLSHandshake(try NIOSSLClientHandler(context: context, serverHostname: nil), proof)
            )
        }
    }

    private func clientConfiguration(chain: [TLSCertificate]) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["libp2p"]
        configuration.certificateChain = try chain.map {
            .certificate(try NIOSSLCertificate(bytes: $0.der, format: .der))
        }
        configuration.privateKey = try chain.first.map {
            .privateKey(try NIOSSLPrivateKey(bytes: $0.privateKey, format: .der))
        }
        return configuration
    }

    /// What both sides make of a handshake over a socket.
    private func handshake(
        client: @escaping MakeHandler,
        server: @escaping MakeHandler
    ) async throws -> (client: Outcome, server: Outcome) {
        let group = MultiThreadedEventLoopGroup.singleton
        let serverOutcome = group.any().makePromise(of: Outcome.self)
        let clientOutcome = group.any().makePromise(of: Outcome.self)
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let recorder = try server()
                    recorder.outcome = serverOutcome
                    try channel.pipeline.syncOperations.addHandlers([recorder.handshake.handler, recorder])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let recorder = try client()
                    recorder.outcome = clientOutcome
                    try channel.pipeline.syncOperations.addHandlers([recorder.handshake.handler, recorder])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let outcomes = try await (clientOutcome.futureResult.get(), serverOutcome.futureResult.get())
        try? await channel.close()
        try await listener.close()
        return outcomes
    }
}

/// Tells how a handshake ended.
final class HandshakeRecorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let handshake: TLSHandshake
    var outcome: EventLoopPromise<`TLS handshake`.Outcome>?

    init(_ handshake: TLSHandshake) {
        self.handshake = handshake
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let name) = event as? TLSUserEvent else { return }
        finish(Result { () throws(TLSHandshakeError) in try handshake.secured(negotiatedProtocol: name) })
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(handshake.failure(error)))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(.failed("closed")))
    }

    private func finish(_ result: `TLS handshake`.Outcome) {
        outcome?.succeed(result)
        outcome = nil
    }
}

extension Result {
    fileprivate var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
