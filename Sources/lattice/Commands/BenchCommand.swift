import ArgumentParser
import Foundation
import Logging

/// Measures what runs on this machine.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the gateway and the engine on this machine.",
        subcommands: [GatewayCommand.self, EngineCommand.self]
    )

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

    /// The engine.
    struct EngineCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "engine",
            abstract: "Prompt and generation speed of the engine."
        )

        @Option(help: "A GGUF file; the model that comes with Lattice if left out.")
        var model: String?

        @Option(parsing: .upToNextOption, help: "Numbers of threads to measure.")
        var threads: [Int] = [1, 2]

        @Option(help: "Tokens of the prompt.")
        var prompt = 512

        @Option(help: "Tokens to generate.")
        var generate = 128

        @Option(help: "Runs of each case; the median is printed.")
        var runs = 5

        @Flag(help: "Print JSON rows.")
        var json = false

        func run() async throws {
            let bench = EngineBench(
                path: try model ?? DefaultModel.path(),
                threads: threads,
                promptTokens: max(1, prompt),
                answerTokens: max(1, generate),
                runs: max(1, runs)
            )
            print(try await bench.rows().text(asJSON: json))
        }
    }
}
