import ArgumentParser
import Foundation
import Inference
import Lattica
import Ledger
import Multiformats

/// Settings of a node's engine as flags.
struct EngineOptionGroup: ParsableArguments {
    @Option(
        help: "A model of 'lattice models', or a GGUF file (LATTICE_MODEL; default: the one that comes with Lattice)."
    )
    var model: String?

    @Option(
        help:
            "Another engine that answers instead: llama.cpp, Ollama, vLLM or an OpenAI-compatible URL (LATTICE_ENGINE)."
    )
    var engine: String?

    @Option(help: "Which of the other engine's models (LATTICE_ENGINE_MODEL; needed where it has several).")
    var engineModel: String?

    @Option(help: "A file with the other engine's API key (LATTICE_ENGINE_KEY_FILE).")
    var engineKeyFile: String?

    @Option(help: "The name under which the model is offered (LATTICE_MODEL_NAME; default: the file's).")
    var modelName: String?

    @Option(help: "Threads that compute (LATTICE_THREADS; default: as the model's size asks for).")
    var threads: Int?

    @Option(help: "Requests answered at once (LATTICE_SLOTS; default: two for each processor, at least four).")
    var slots: Int?

    @Option(
        help: "Positions of a conversation (LATTICE_CONTEXT; default: the model's, up to 4096; the other engine's)."
    )
    var context: Int?

    @Option(
        help:
            "Where weights are: 'repacked' in memory, or 'mapped' in the file, slower (LATTICE_WEIGHTS; default: repacked)."
    )
    var weights: String?

    @Option(help: "How keys and values are kept: f16, f32 or q8 (LATTICE_CACHE_TYPE; default: f16).")
    var cacheType: String?

    @Option(help: "LAI per million prompt tokens (LATTICE_PRICE_INPUT; default: 0.5).")
    var priceInput: String?

    @Option(help: "LAI per million generated tokens (LATTICE_PRICE_OUTPUT; default: 2).")
    var priceOutput: String?

    var flags: [String: String?] {
        [
            "model": model, "model.name": modelName, "threads": threads.map(String.init),
            "slots": slots.map(String.init), "context": context.map(String.init),
            "engine": engine, "engine.model": engineModel, "engine.key.file": engineKeyFile,
            "weights": weights, "cache.type": cacheType,
            "price.input": priceInput, "price.output": priceOutput,
        ]
    }
}

/// A node that works for a Nexus.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Run a node that answers for a Nexus.",
        subcommands: [Start.self]
    )

    /// Starts it.
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Join a Nexus and answer with a GGUF model on this machine's processor, or with another engine."
        )

        @Option(help: "The address that 'lattice up' prints: /ip4/…/tcp/…/p2p/… (LATTICE_JOIN).")
        var join: String?

        @Option(
            help: "The node's name; its keys and earnings are kept under it (LATTICE_NAME; default: the host's name)."
        )
        var name: String?

        @Option(help: "Where other peers reach the node (LATTICE_NODE_LISTEN; default: /ip4/127.0.0.1/tcp/0).")
        var nodeListen: String?

        @Flag(help: "Print the node's number and peer as one JSON object, once it has joined.")
        var json = false

        @OptionGroup var engine: EngineOptionGroup
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let settings = try await Settings(
                flags: common.flags.merging(engine.flags) { $1 }
                    .merging(["join": join, "name": name, "node.listen": nodeListen]) { $1 },
                file: common.config
            )
            let logger = try CommonOptions.logger(settings, label: "node")
            guard let address = settings.text("join") else {
                throw Settings.Fault(
                    description: "which Nexus? Give the address that 'lattice up' prints: --join /ip4/…/tcp/…/p2p/…"
                )
            }
            let folder = try DataFolder(settings.text("data.dir", default: DataFolder.standardPath))
            let (joins, joined) = AsyncStream.makeStream(of: UInt64.self, bufferingPolicy: .bufferingNewest(1))
            let parts: NodeParts
            do {
                parts = try await NodeParts(
                    settings: settings,
                    folder: folder,
                    nexus: try Multiaddr(address),
                    logger: logger
                ) { joined.yield($0.number) }
            } catch let error as MultiaddrError {
                throw Settings.Fault(
                    description:
                        "'\(address)' is not an address (\(error)). It looks like /ip4/127.0.0.1/tcp/8485/p2p/12D3…"
                )
            }
            let json = json
            try await Process.run(parts.services, logger: logger) {
                var number: UInt64?
                for await joined in joins {
                    number = joined
                    break
                }
                guard let number else { return }
                let profile = parts.engine.profile
                let report = Report(
                    node: number,
                    peer: "\(parts.host.peerID)",
                    name: parts.name,
                    model: parts.model,
                    engine: profile.engine,
                    bit_exact: profile.capabilities.contains(.isBitExact)
                )
                print(json ? try JSON.text(report) : report.text)
                fflush(nil)
            }
        }

        private struct Report: Encodable {
            var node: UInt64
            var peer: String
            var name: String
            var model: String
            var engine: String
            var bit_exact: Bool

            var text: String {
                let how = bit_exact ? "" : " by \(engine), not bit-exact"
                return "Node \(node) (\(name)) answers with \(model)\(how). Ctrl-C takes it out of the network."
            }
        }
    }
}
