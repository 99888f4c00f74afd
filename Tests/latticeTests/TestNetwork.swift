import Foundation
import Inference
import LatticeTesting
import Ledger
import LedgerEmbedded
import Logging
import Multiformats
import Nexus
import NexusHTTP
import ServiceLifecycle
import Testing

@testable import lattice

/// A Nexus with its ledger on real sockets and free ports, and nodes that join it over the network.
final class TestNetwork: Sendable {
    let folder: DataFolder
    let parts: NexusParts
    let join: Multiaddr
    let logger: Logger

    /// Starts a Nexus in a folder, runs the body, and stops everything in order.
    static func run(
        in path: String,
        _ body: @escaping @Sendable (TestNetwork) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let folder = try DataFolder(path)
        let settings = try await Settings(
            flags: ["port": "0", "p2p.listen": "/ip4/127.0.0.1/tcp/0"],
            file: nil
        )
        let parts = try await NexusParts(
            settings: settings,
            folder: folder,
            metrics: PrometheusRegistry(),
            logger: logger
        )
        let network = TestNetwork(
            folder: folder,
            parts: parts,
            join: try #require(parts.joinAddress),
            logger: logger
        )
        try await running(parts.services(), logger) {
            _ = await parts.listening.port()
            try await body(network)
        }
    }

    private init(folder: DataFolder, parts: NexusParts, join: Multiaddr, logger: Logger) {
        self.folder = folder
        self.parts = parts
        self.join = join
        self.logger = logger
    }

    var kernel: Kernel { parts.kernel }

    /// Runs a node beside the body; it leaves the network when the body returns.
    func withNode(
        _ name: String,
        flags: [String: String] = [:],
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let settings = try await Settings(flags: flags.merging(["name": name]) { $1 }, file: nil)
        let node = try await NodeParts(settings: settings, folder: folder, nexus: join, logger: logger) { _ in }
        try await Self.running(node.services, logger) {
            try await eventually("node \(name) is live") {
                await self.kernel.nodes().contains { $0.name == name && $0.state == .live }
            }
            try await body()
        }
        await node.engine.close()
    }

    /// A fresh account with the faucet's credits.
    func enrol() async throws -> AccountID {
        AccountID(user: try await kernel.enrol(label: UUID().uuidString).user)
    }

    /// Asks and reads the answer to its end.
    func ask(
        _ prompt: String,
        for account: AccountID,
        maxTokens: Int? = 40
    ) async throws -> (text: String, summary: ChatSummary, node: NodeListing) {
        let answer = try await kernel.chat(Self.request(prompt, maxTokens: maxTokens), for: account)
        var text = ""
        while let event = try await answer.next() {
            switch event {
            case .delta(let delta): text += delta.text
            case .finished(let summary): return (text, summary, answer.node)
            }
        }
        throw NexusError.nodeFailed("the answer has no end")
    }

    static func request(_ prompt: String, maxTokens: Int? = 40) -> ChatRequest {
        ChatRequest(
            model: "lattice-tiny",
            messages: [ChatMessage(role: "user", content: prompt)],
            maxTokens: maxTokens,
            sampling: Nexus.Sampling(temperature: 0)
        )
    }

    /// Every token is somewhere: the sum of all balances is the supply.
    func isConserved() async throws -> Bool {
        try await parts.ledger.balances().areConserved(contracts: parts.ledger.contracts)
    }

    private static func running(
        _ services: [any Service],
        _ logger: Logger,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let group = ServiceGroup(services: services, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body()
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
