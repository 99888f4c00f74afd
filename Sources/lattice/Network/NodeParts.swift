import Foundation
import Inference
import Lattica
import LatticaCore
import Ledger
import Logging
import Multiformats
import NodeHost
import ServiceLifecycle

/// An LLM node with its engine and its peer, put together from settings.
struct NodeParts {
    let host: LatticaHost
    private let startedHost: StartedHost
    /// Held as long as the node runs: two processes with one node's keys would sign over each other.
    private let lock: FolderLock
    /// Closed by whoever stops the node.
    let engine: any ChatEngine
    /// Looks after an engine that is another program.
    private let watch: EngineWatch?
    let service: NodeService
    let name: String
    let model: String

    /// Loads the model and opens the node's folder.
    init(
        settings: Settings,
        folder: DataFolder,
        nexus: Multiaddr,
        defaultName: String = ProcessInfo.processInfo.hostName,
        logger: Logger,
        onJoin: @escaping @Sendable (NodeID) -> Void
    ) async throws {
        name = settings.text("name", default: defaultName)
        guard (1...64).contains(name.utf8.count), !name.contains("/"), !name.hasPrefix(".") else {
            throw Settings.Fault(
                description: "name is '\(name)': it must have 1 to 64 bytes and no slash. Set it with --name."
            )
        }
        let folder = try folder.folder("nodes").folder(name)
        lock = try folder.lock()
        let loaded = try await NodeEngine(settings: settings, logger: logger)
        (engine, model, watch) = (loaded.engine, loaded.model, loaded.watch)
        let keypair = try Keypair.load(orCreateAt: folder.file("p2p.key"))
        host = LatticaHost(
            configuration: LatticaConfiguration(
                keypair: keypair,
                listen: [try Multiaddr(settings.text("node.listen", default: "/ip4/127.0.0.1/tcp/0"))],
                logger: logger
            )
        )
        startedHost = try await StartedHost(host)
        let price = NodeConfiguration.defaultPrice
        service = NodeService(
            host: host,
            keypair: keypair,
            engine: engine,
            embedder: loaded.embedder,
            signer: try folder.signingKey("signer.key"),
            store: try NodeStore(path: folder.file("node.sqlite")),
            configuration: NodeConfiguration(
                nexus: nexus,
                name: name,
                model: model,
                price: TokenPrice(
                    input: try settings.amount("price.input", default: price.input),
                    output: try settings.amount("price.output", default: price.output)
                )
            ),
            logger: logger,
            onJoin: onJoin
        )
    }

    /// In the order of starting.
    var services: [any Service] { [startedHost, service] + [watch].compactMap(\.self) }
}

/// The model that comes with the project.
enum DefaultModel {
    private static let file = "lattice-tiny-q8_0.gguf"

    /// Beside the program, in the checkout it was built in, or where it is installed.
    static func path() throws -> String {
        var candidates: [String] = []
        var folder = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        if let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            folder = URL(filePath: executable).deletingLastPathComponent()
        }
        // .build/<triple>/release/lattice lies four folders below the checkout.
        for _ in 0..<5 {
            candidates.append(folder.appending(path: "Models/\(file)").path)
            candidates.append(folder.appending(path: "share/lattice/\(file)").path)
            folder = folder.deletingLastPathComponent()
        }
        guard let found = candidates.first(where: FileManager.default.fileExists) else {
            throw Settings.Fault(
                description: "the model \(file) that comes with Lattice was not found. Name a GGUF file with --model."
            )
        }
        return found
    }

    /// What a file is offered as when nothing else is said: its name without the quantisation.
    static func name(of path: String) -> String {
        let stem = URL(filePath: path).deletingPathExtension().lastPathComponent
        return URL(filePath: path).lastPathComponent == file ? "lattice-tiny" : stem
    }
}

extension Settings {
    /// A price in LAI per million tokens, such as `0.5`.
    func amount(_ key: String, default standard: Nano) throws -> Nano {
        guard let text = text(key) else { return standard }
        guard let amount = Nano(lai: text) else {
            throw Fault(
                description: "\(key) is '\(text)': it must be an amount of LAI such as 0.5, with at most nine decimals."
            )
        }
        return amount
    }
}

extension Nano {
    /// Reads an amount of LAI with at most nine decimals.
    init?(lai text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = UInt64(parts[0]) else { return nil }
        let decimals = parts.count == 2 ? String(parts[1]) : ""
        guard parts.count == 1 || !decimals.isEmpty, decimals.count <= 9, decimals.allSatisfy(\.isASCII),
            decimals.allSatisfy(\.isNumber)
        else { return nil }
        let padded = decimals + String(repeating: "0", count: 9 - decimals.count)
        let (product, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, let rest = UInt64(padded), let sum = Nano(product).adding(Nano(rest)) else { return nil }
        self = sum
    }
}
