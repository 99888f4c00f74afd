import ArgumentParser
import Foundation
import Logging
import Multiformats
import NexusHTTP
import ServiceLifecycle
import UnixSignals

/// A whole small network in one process: Nexus, embedded ledger, one LLM node, each part with its own peer and real
/// sockets between them.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start a whole network on this machine: Nexus, ledger, one LLM node.",
        discussion: "Prints the address of the page, an API key and a line to try. Ctrl-C stops everything in order."
    )

    @OptionGroup var nexus: NexusOptions
    @OptionGroup var node: EngineOptionGroup
    @OptionGroup var common: CommonOptions

    @Option(help: "The name of the node (LATTICE_NAME; default: local).")
    var name: String?

    @Flag(help: "Print where everything is as one JSON object, once it is ready.")
    var json = false

    func run() async throws {
        let settings = try await Settings(
            flags: common.flags.merging(nexus.flags) { $1 }.merging(node.flags) { $1 }.merging(["name": name]) { $1 },
            file: common.config
        )
        let logger = try CommonOptions.logger(settings, label: "lattice")
        let folder = try DataFolder(settings.text("data.dir", default: DataFolder.standardPath))
        let metrics = PrometheusRegistry.bootstrapped()
        let parts = try await NexusParts(settings: settings, folder: folder, metrics: metrics, logger: logger)
        guard let join = parts.joinAddress else { throw Settings.Fault(description: "p2p.listen names no address") }
        let (joins, joined) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let nodeParts = try await NodeParts(
            settings: settings,
            folder: folder,
            nexus: join,
            defaultName: "local",
            logger: logger
        ) { _ in
            joined.yield()
        }
        let json = json
        try await Process.run(parts.services(with: nodeParts.services), logger: logger) {
            guard let port = await parts.listening.port() else { return }
            for await _ in joins { break }
            let base = settings.ownURL(port: port)
            let credentials = try await parts.credentials(in: folder, baseURL: base + "/v1")
            let welcome = Welcome(
                page: base,
                credentials: credentials,
                join: "\(join)",
                model: nodeParts.model,
                folder: folder
            )
            print(json ? try JSON.text(welcome) : welcome.text)
            fflush(nil)
        }
    }
}

/// What is printed when a network is ready.
struct Welcome: Encodable {
    var page: String
    var base_url: String
    var api_key: String
    var join: String
    var model: String
    private let chat: String

    enum CodingKeys: CodingKey {
        case page, base_url, api_key, join, model
    }

    init(page: String, credentials: Credentials, join: String, model: String, folder: DataFolder) {
        chat = folder.path == DataFolder.standardPath ? "" : " --data-dir \(folder.path)"
        self.page = "\(page)/#key=\(credentials.apiKey)"
        base_url = credentials.baseURL
        api_key = credentials.apiKey
        self.join = join
        self.model = model
    }

    var text: String {
        """
        Lattice is up.

          Page     \(page)
          API      \(base_url)
          API key  \(api_key)

          Chat     lattice chat "What is a knowledge hub?"\(chat)
          Try      curl \(base_url)/chat/completions -H 'Authorization: Bearer \(api_key)' \\
                     -H 'Content-Type: application/json' \\
                     -d '{"model":"\(model)","messages":[{"role":"user","content":"What is Lattice?"}]}'
          Join     lattice node start --join \(join)

        Ctrl-C stops it.
        """
    }
}

/// Runs services until one fails or a signal asks them to stop.
enum Process {
    /// How long a graceful stop may take before what is left is cancelled.
    private static let stopDeadline: Duration = .seconds(20)

    static func run(
        _ services: [any Service],
        logger: Logger,
        whenStarted: @escaping @Sendable () async throws -> Void
    ) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0,
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup
                )
            } + [
                .init(
                    service: Announcement(say: whenStarted),
                    successTerminationBehavior: .ignore,
                    failureTerminationBehavior: .gracefullyShutdownGroup
                )
            ],
            gracefulShutdownSignals: [.sigterm, .sigint, .sighup],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = stopDeadline
        try await ServiceGroup(configuration: configuration).run()
    }

    /// Says once that everything is ready.
    private struct Announcement: Service {
        let say: @Sendable () async throws -> Void

        func run() async throws {
            try await cancelWhenGracefulShutdown { try await say() }
        }
    }
}
