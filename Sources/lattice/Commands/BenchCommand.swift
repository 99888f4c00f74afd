import ArgumentParser
import Foundation
import Logging

/// Measures what runs on this machine.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the gateway and the ledger on this machine.",
        subcommands: [GatewayCommand.self, LedgerBenchCommand.self]
    )

    /// The ledger.
    struct LedgerBenchCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ledger",
            abstract: "Credit, settlement, verification and hashing of the embedded ledger."
        )

        @Option(help: "Operations of each round.")
        var operations = 20_000

        @Option(help: "Rounds of each kind, in turns.")
        var rounds = 5

        @Flag(help: "Print JSON rows.")
        var json = false

        func run() async throws {
            let bench = LedgerBench(operations: max(640, operations), rounds: max(1, rounds))
            print(try await bench.rows().text(asJSON: json))
        }
    }

    /// The gateway.
    struct GatewayCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gateway",
            abstract: "Requests a second, and what Nexus adds to a direct call to the node."
        )

        @Option(help: "Requests of each kind.")
        var requests = 300

        @Option(help: "Requests in flight at once in the throughput case.")
        var inFlight = 16

        @Flag(help: "Print JSON rows.")
        var json = false

        func run() async throws {
            var logger = Logger(label: "bench") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .error
            let bench = GatewayBench(requests: max(1, requests), inFlight: max(1, inFlight), logger: logger)
            print(try await bench.rows().text(asJSON: json))
        }
    }
}
