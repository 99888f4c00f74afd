import ArgumentParser
import Foundation
import Ledger
import Nexus
import NexusHTTP

/// Which ledger, as flags.
struct LedgerOptions: ParsableArguments {
    @Option(help: "local for the embedded ledger, evm for contracts on a chain (LATTICE_LEDGER; default: local).")
    var ledger: String?

    @Option(help: "With evm: one Ethereum endpoint, or two with a comma between (LATTICE_LEDGER_ENDPOINT).")
    var ledgerEndpoint: String?

    @Option(help: "With evm: the file of the contracts' addresses (LATTICE_LEDGER_DEPLOYMENT).")
    var ledgerDeployment: String?

    var flags: [String: String?] {
        ["ledger": ledger, "ledger.endpoint": ledgerEndpoint, "ledger.deployment": ledgerDeployment]
    }
}

/// Settings of a Nexus as flags.
struct NexusOptions: ParsableArguments {
    @Option(help: "The address of the API and the page (LATTICE_HOST; default: 127.0.0.1).")
    var host: String?

    @Option(help: "Their port; 0 takes a free one (LATTICE_PORT; default: 8484).")
    var port: Int?

    @Option(help: "Where nodes connect (LATTICE_P2P_LISTEN; default: /ip4/127.0.0.1/tcp/8485).")
    var p2pListen: String?

    @OptionGroup var ledger: LedgerOptions

    @Flag(help: "Listen on an address that other machines reach. Keys then travel the network: put TLS in front.")
    var allowPublic = false

    var flags: [String: String?] {
        [
            "host": host, "port": port.map(String.init), "p2p.listen": p2pListen,
            "allow.public": allowPublic ? "true" : nil,
        ].merging(ledger.flags) { $1 }
    }
}

/// A Nexus; nodes join from elsewhere.
struct NexusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nexus",
        abstract: "Run a Nexus by itself.",
        subcommands: [Start.self, RolesCommand.self]
    )

    /// Says by whom a Nexus acts on a chain, before it is started for the first time.
    struct RolesCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "roles",
            abstract: "The addresses of this Nexus' keys on a chain, for the deployment of the contracts.",
            discussion: """
                Draws the keys that are not there yet. Each address needs the chain's money for its transactions.
                """
        )

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let settings = try await Settings(flags: common.flags, file: common.config)
            let folder = try DataFolder(settings.text("data.dir", default: DataFolder.standardPath)).folder("nexus")
            let roles = try RoleKeys(in: folder).roles
            let names = [
                "administrator": roles.administrator, "registrar": roles.registrar,
                "faucetSigner": roles.faucetSigner, "settler": roles.settler,
            ].mapValues(\.description)
            if json { return print(try JSON.text(names)) }
            for (name, address) in names.sorted(by: { $0.key < $1.key }) {
                print(name.padding(toLength: 16, withPad: " ", startingAt: 0) + address)
            }
        }
    }

    /// Starts it.
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Start a Nexus.")

        @OptionGroup var nexus: NexusOptions
        @OptionGroup var common: CommonOptions

        @Flag(help: "Print where everything is as one JSON object, once it is ready.")
        var json = false

        func run() async throws {
            let settings = try await Settings(flags: common.flags.merging(nexus.flags) { $1 }, file: common.config)
            let logger = try CommonOptions.logger(settings, label: "nexus")
            let folder = try DataFolder(settings.text("data.dir", default: DataFolder.standardPath))
            let parts = try await NexusParts(
                settings: settings,
                folder: folder,
                metrics: PrometheusRegistry.bootstrapped(),
                logger: logger
            )
            guard let join = parts.joinAddress else { throw Settings.Fault(description: "p2p.listen names no address") }
            let json = json
            try await Process.run(parts.services(), logger: logger) {
                guard let port = await parts.listening.port() else { return }
                let base = settings.ownURL(port: port)
                let credentials = try await parts.credentials(in: folder, baseURL: base + "/v1")
                let welcome = Welcome(
                    page: base,
                    credentials: credentials,
                    join: "\(join)",
                    model: "MODEL",
                    folder: folder
                )
                print(json ? try JSON.text(welcome) : welcome.text)
                fflush(nil)
            }
        }
    }
}
