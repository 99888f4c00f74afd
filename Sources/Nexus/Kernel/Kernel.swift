import Foundation
public import Lattica
import LatticaCore
import LatticaRPC
public import Ledger
public import Logging
public import ServiceLifecycle

/// Nexus: admits requests, routes them to nodes, has them paid, and settles.
///
/// All of its state is either on disk (``NexusStore``, the ledger) or an observation that a new process makes anew.
public final class Kernel: Service, Sendable {
    let host: LatticaHost
    private let server: RPCServer
    let ledger: any Ledger
    let store: NexusStore
    let registry: NodeRegistry
    let credit = Credit()
    let jobs = BackgroundJobs()
    let keys: KeyRing
    let book: VoucherBook
    let sessions: SessionPool
    let starter: CallStarter
    let settlement: Settlement
    let enrolment: Enrolment
    let configuration: NexusConfiguration
    let logger: Logger

    /// Puts a Nexus together.
    ///
    /// The host must be running, or run beside this service.
    public init(
        host: LatticaHost,
        ledger: any Ledger,
        store: NexusStore,
        vault: Vault,
        configuration: NexusConfiguration,
        logger: Logger
    ) {
        let now: @Sendable () -> UInt64 = { UInt64(Date().timeIntervalSince1970) }
        let commands = LedgerCommands(ledger: ledger) {
            var generator = SystemRandomNumberGenerator()
            return SubmissionID(.random(using: &generator))
        }
        let rpc = RPCClient(host: host)
        server = RPCServer(host: host, logger: logger)
        self.host = host
        self.ledger = ledger
        self.store = store
        self.configuration = configuration
        self.logger = logger
        registry = NodeRegistry(announceInterval: configuration.announceInterval)
        keys = KeyRing(store: store, vault: vault)
        book = VoucherBook(store: store, keys: keys, credit: credit, ledger: ledger, now: now)
        sessions = SessionPool(rpc: rpc, book: book, domain: ledger.domain, now: now)
        starter = CallStarter(rpc: rpc)
        settlement = Settlement(
            commands: commands,
            book: book,
            credit: credit,
            settler: configuration.roles.settler,
            policy: configuration.settlement,
            now: now,
            logger: logger
        )
        enrolment = Enrolment(
            commands: commands,
            store: store,
            keys: keys,
            vault: vault,
            roles: configuration.roles,
            now: now
        )
        RegistryService(
            ledger: ledger,
            registry: registry,
            sponsor: Sponsor(
                commands: commands,
                roles: configuration.roles,
                ownsNodes: configuration.ownsSponsoredNodes
            ),
            announceInterval: configuration.announceInterval,
            logger: logger
        ).register(on: server)
    }

    /// Takes up what an earlier run left.
    ///
    /// Call it before ``run()`` and before the first request.
    public func restore() async throws {
        try await book.restore()
    }

    /// Watches nodes, settles, and does what requests leave behind, until the service group shuts down; then settles
    /// once more.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await self.jobs.run() }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    await withDiscardingTaskGroup { loops in
                        loops.addTask { await self.watchConnections() }
                        loops.addTask { await self.every(self.configuration.probeInterval) { await self.probe() } }
                        loops.addTask { await self.every(self.configuration.settleInterval) { await self.settle() } }
                    }
                }
                // Answers that were stopped by the shutdown are still billed.
                self.jobs.finish()
            }
        }
        await settle()
    }

    /// Enrols somebody and gives them an API key, shown this once.
    public func enrol(label: String) async throws -> (user: UserID, apiKey: String) {
        var generator = SystemRandomNumberGenerator()
        return try await enrolment.enrol(
            issuer: "\(host.peerID)",
            subject: label,
            label: label,
            cap: configuration.keyCap,
            using: &generator
        )
    }

    private func watchConnections() async {
        for await event in host.events() {
            if case .disconnected(let peer) = event { registry.disconnected(peer) }
        }
    }

    private func probe() async {
        registry.sweep()
        await withDiscardingTaskGroup { group in
            for node in registry.snapshot.nodes where node.state == .live {
                group.addTask {
                    guard let roundTrip = try? await self.host.ping(node.peer) else { return }
                    self.registry.sawPing(node.id, roundTrip)
                }
            }
        }
    }

    private func settle() async {
        do {
            try await settlement.settleDue()
        } catch {
            // Vouchers stay; the next round tries again.
            logger.error("settlement failed and will be tried again", metadata: ["error": "\(error)"])
        }
    }

    private func every(_ interval: Duration, _ work: @Sendable () async -> Void) async {
        while !Task.isCancelled {
            await work()
            try? await Task.sleep(for: interval)
        }
    }
}

extension Bytes32 {
    /// Thirty-two random bytes.
    static func random(using generator: inout some RandomNumberGenerator) -> Bytes32 {
        Bytes32((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }) ?? .zero
    }
}
