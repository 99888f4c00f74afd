import ArgumentParser
import Foundation
import Ledger
import LedgerEVM
import LedgerEmbedded
import Logging
import Nexus

/// Looks at the embedded ledger without trusting whoever wrote it.
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Verify the embedded ledger, or list the balances of any.",
        subcommands: [Verify.self, ListBalances.self]
    )

    /// The ledger's file in the data folder.
    struct Place: ParsableArguments {
        @Option(help: "The ledger's file (default: nexus/ledger.sqlite in the data folder).")
        var file: String?

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        func path() async throws -> String {
            if let file { return file }
            let settings = try await Settings(flags: common.flags, file: common.config)
            return settings.text("data.dir", default: DataFolder.standardPath) + "/nexus/ledger.sqlite"
        }

        /// Replays the whole ledger, with progress where a person is watching.
        func replay() async throws -> VerificationReport {
            let isWatched = !json && isatty(STDERR_FILENO) == 1
            let report = try await EmbeddedLedger.verify(path: try await path()) { block, last in
                guard isWatched else { return }
                StandardError.print("\rverifying block \(block) of \(last)", terminator: "")
            }
            if isWatched { StandardError.print("\r\u{1B}[K", terminator: "") }
            return report
        }
    }

    /// Replays it.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replay every command from the first block and compare all that is stored.",
            discussion: "Reads only; a running Nexus is not disturbed. Exit status 1 if anything differs."
        )

        @OptionGroup var place: Place

        func run() async throws {
            let report = try await place.replay()
            let summary = Summary(report)
            print(place.json ? try JSON.text(summary) : summary.text)
            guard report.isSound else { throw ExitCode.failure }
        }

        private struct Summary: Encodable {
            var verified: Bool
            var blocks: UInt64
            var commands: UInt64
            var events: UInt64
            var head: String
            var fault: String?

            init(_ report: VerificationReport) {
                verified = report.isSound
                blocks = report.blocks
                commands = report.commands
                events = report.events
                head = "\(report.head)"
                fault = report.fault.map { "\($0)" }
            }

            var text: String {
                let found = "\(blocks) blocks, \(commands) commands, \(events) events, head \(head)"
                guard let fault else { return "The ledger verifies: \(found)." }
                return "The ledger does NOT verify: \(fault)\nSound up to there: \(found).\n"
                    + "Do not write to it. Restore the newest backup that verifies."
            }
        }
    }

    /// Lists who has what.
    struct ListBalances: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "balances",
            abstract: "List every balance and their sum, which must be the supply.",
            discussion: """
                The embedded ledger is replayed first, so that the figures are proven. On a chain each figure is read from the
                contracts, in the newest block that no reorganisation can take back. Reads only.
                """
        )

        @OptionGroup var place: Place
        @OptionGroup var ledger: LedgerOptions

        func run() async throws {
            let settings = try await Settings(
                flags: place.common.flags.merging(ledger.flags) { $1 },
                file: place.common.config
            )
            let sheet =
                switch try settings.choice("ledger", default: OpenedLedger.Choice.local) {
                case .local: try await replayed()
                case .evm: try await read(settings)
                }
            print(place.json ? try JSON.text(sheet) : sheet.text)
            guard sheet.isConserved else { throw ExitCode.failure }
        }

        /// The figures of a chain; nothing is sent.
        private func read(_ settings: Settings) async throws -> BalanceSheet {
            let path = FileManager.default.temporaryDirectory.appending(path: "lattice-\(UUID().uuidString).sqlite")
                .path
            defer { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) } }
            let chain = try await OpenedLedger.chain(
                settings,
                path: path,
                Keyring(),
                try CommonOptions.logger(settings, label: "ledger")
            )
            defer { chain.close() }
            return BalanceSheet(try await chain.balances(), contracts: chain.contracts, roles: nil)
        }

        private func replayed() async throws -> BalanceSheet {
            let report = try await place.replay()
            if let fault = report.fault { throw Settings.Fault(description: "the ledger does not verify: \(fault)") }
            guard let balances = report.balances, let contracts = report.contracts else {
                throw Settings.Fault(description: "the ledger is empty")
            }
            return BalanceSheet(
                balances,
                contracts: contracts,
                roles: NexusRoles(clusterPublicKey: report.publicKey)
            )
        }
    }
}
