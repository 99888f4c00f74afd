import Foundation
public import Inference
public import Lattica
public import LatticaCore
import LatticaRPC
public import Ledger
public import Logging
public import Multiformats
import NIOConcurrencyHelpers
import NodeAPI
public import ServiceLifecycle

/// Settings of one node.
public struct NodeConfiguration: Sendable {
    /// Where Nexus listens, with its peer id.
    public var nexus: Multiaddr
    /// The operator's name for the node.
    public var name: String
    /// The name under which the model is offered.
    public var model: String
    /// Nano per million prompt tokens and per million generated tokens.
    public var price: TokenPrice
    /// The node's share before stakers, in hundredths of a percent.
    public var commission: UInt64
    /// How long a caller may take nothing of an answer before the node gives it up, and its slot goes to another.
    public var readerDeadline: Duration

    /// Half a LAI per million prompt tokens and two per million generated ones: the faucet's credits last for some
    /// two million tokens.
    public static let defaultPrice = TokenPrice(input: Nano(500_000_000), output: Nano(2_000_000_000))

    /// Makes settings.
    public init(
        nexus: Multiaddr,
        name: String,
        model: String,
        price: TokenPrice = defaultPrice,
        commission: UInt64 = 2_000,
        readerDeadline: Duration = .seconds(60)
    ) {
        self.nexus = nexus
        self.name = name
        self.model = model
        self.price = price
        self.commission = commission
        self.readerDeadline = readerDeadline
    }
}

/// An LLM node: joins a Nexus, answers its requests with the engine, and keeps what it is owed.
///
/// When Nexus cannot be reached the node tries again, at first every second and then more slowly, for as long as it runs.
public final class NodeService: Service, Sendable {
    private let host: LatticaHost
    private let server: RPCServer
    private let keypair: Keypair
    private let engine: any ChatEngine
    private let embedder: (any TextEmbedder)?
    private let signer: Secp256k1Key
    private let store: NodeStore
    private let fallback: FallbackSettlement?
    private let configuration: NodeConfiguration
    private let membership: Membership
    private let load = NodeLoad()
    private let sessions = Sessions()
    private let joined = NIOLockedValueBox<Joined?>(nil)
    private let onJoin: @Sendable (NodeID) -> Void
    private let logger: Logger

    private struct Joined {
        var terms: Membership.Terms
        var node: NodeID
    }

    /// The longest pause between two tries to reach Nexus.
    private static let slowestRetry: Duration = .seconds(15)
    /// How long answers may run on after the node has left.
    private static let drainDeadline: Duration = .seconds(10)

    /// Puts a node together.
    ///
    /// The host must run beside this service.
    ///
    /// - Parameter embedder: turns texts into vectors under the engine's model's name, if the node offers that.
    /// - Parameter fallback: settles when Nexus does not; `nil` where the node reaches no ledger of its own.
    /// - Parameter onJoin: called each time Nexus has taken the node in.
    public init(
        host: LatticaHost,
        keypair: Keypair,
        engine: any ChatEngine,
        embedder: (any TextEmbedder)? = nil,
        signer: Secp256k1Key,
        store: NodeStore,
        fallback: FallbackSettlement? = nil,
        configuration: NodeConfiguration,
        logger: Logger,
        onJoin: @escaping @Sendable (NodeID) -> Void = { _ in }
    ) {
        self.host = host
        server = RPCServer(host: host, logger: logger)
        self.keypair = keypair
        self.engine = engine
        self.embedder = embedder
        self.signer = signer
        self.store = store
        self.fallback = fallback
        self.configuration = configuration
        self.logger = logger
        self.onJoin = onJoin
        membership = Membership(
            host: host,
            rpc: RPCClient(host: host),
            nexus: configuration.nexus,
            logger: logger
        )
    }

    /// Serves until the service group shuts down, then says goodbye.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let fallback {
                group.addTask { [store] in await fallback.run(store) { UInt64(Date().timeIntervalSince1970) } }
            }
            try await serve()
            group.cancelAll()
        }
    }

    private func serve() async throws {
        try await cancelWhenGracefulShutdown {
            var pause: Duration = .seconds(1)
            while !Task.isCancelled {
                do {
                    try await self.join()
                    pause = .seconds(1)
                    try await self.announceUntilLost()
                } catch let error as NodeStore.StoreError {
                    throw error
                } catch is CancellationError {
                    break
                } catch {
                    // A call that the shutdown interrupts ends with an error of its own.
                    if Task.isCancelled { break }
                    self.logger.warning(
                        "nexus cannot be reached; trying again",
                        metadata: ["address": "\(self.configuration.nexus)", "pause": "\(pause)", "error": "\(error)"]
                    )
                }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Self.slowestRetry)
            }
        }
        if let joined = joined.withLockedValue({ $0 }) { await membership.leave(joined.terms.nexus) }
        await finishAnswers()
    }

    /// Lets answers that are under way come to their end, for a while.
    private func finishAnswers() async {
        let deadline = ContinuousClock.now + Self.drainDeadline
        while load.open > 0, ContinuousClock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private var offer: NodeAnnouncement.ModelOffer {
        let profile = engine.profile
        return NodeAnnouncement.ModelOffer(
            name: configuration.model,
            fingerprint: fingerprint,
            contextLength: profile.contextLength,
            price: configuration.price,
            engine: profile.engine,
            capabilities: ModelCapabilities(profile.capabilities).union(embedder == nil ? [] : .embeddings),
            dimensions: embedder?.dimensions ?? 0
        )
    }

    private var fingerprint: Bytes32 {
        Bytes32(hex: engine.profile.fingerprint) ?? .zero
    }

    private func join() async throws {
        let terms = try await membership.hello()
        try await store.bind(to: terms.domain)
        let node = try await membership.register(
            model: fingerprint,
            signer: signer,
            commission: configuration.commission,
            with: terms
        )
        if let before = joined.withLockedValue({ $0 }), before.node == node, before.terms.nexus == terms.nexus {
            try await announce(before)
            return
        }
        let now: @Sendable () -> UInt64 = { UInt64(Date().timeIntervalSince1970) }
        let desk = PaymentDesk(node: node, signer: signer, domain: terms.domain, store: store, now: now)
        if let embedder {
            EmbedService(
                embedder: embedder,
                nexus: terms.nexus,
                desk: desk,
                node: node,
                sessions: sessions,
                load: load,
                logger: logger,
                now: now
            ).register(on: server)
        }
        ChatService(
            engine: engine,
            offer: offer,
            node: node,
            nexus: terms.nexus,
            signer: signer,
            domain: terms.domain,
            desk: desk,
            sessions: sessions,
            load: load,
            logger: logger,
            now: now,
            readerDeadline: configuration.readerDeadline,
            creditWindow: ChatService.creditWindow
        ).register(on: server)
        let fresh = Joined(terms: terms, node: node)
        joined.withLockedValue { $0 = fresh }
        try await announce(fresh)
        logger.info("joined", metadata: ["node": "\(node)", "nexus": "\(terms.nexus)"])
        onJoin(node)
    }

    private func announceUntilLost() async throws {
        guard let joined = joined.withLockedValue({ $0 }) else { return }
        while true {
            try await Task.sleep(for: joined.terms.announceInterval)
            try await announce(joined)
        }
    }

    private func announce(_ joined: Joined) async throws {
        let announcement = NodeAnnouncement(
            sequence: UInt64(Date().timeIntervalSince1970 * 1000),
            peer: host.peerID,
            addresses: host.listenAddresses,
            node: joined.node,
            signer: signer.address,
            name: configuration.name,
            models: [offer],
            capacity: engine.profile.slots
        )
        try await membership.announce(announcement, keypair: keypair, active: load.writing, to: joined.terms.nexus)
    }
}

extension ModelCapabilities {
    /// What an engine says of itself, as it travels.
    init(_ capabilities: EngineProfile.Capabilities) {
        self = []
        if capabilities.contains(.isBitExact) { insert(.isBitExact) }
        if capabilities.contains(.tools) { insert(.tools) }
        if capabilities.contains(.schemas) { insert(.schemas) }
        if capabilities.contains(.grammars) { insert(.grammars) }
        if capabilities.contains(.logprobs) { insert(.logprobs) }
        if capabilities.contains(.estimatesTokens) { insert(.estimatesTokens) }
        if capabilities.contains(.embedsOnly) { insert(.embedsOnly) }
    }
}
