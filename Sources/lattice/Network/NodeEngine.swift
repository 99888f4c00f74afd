import EngineAdapters
import Foundation
import Inference
import Logging
import ServiceLifecycle

/// What answers for a node: the embedded engine with a model's file, or another program that `engine` names.
struct NodeEngine {
    let engine: any ChatEngine
    /// Turns texts into vectors, if the model is one for that.
    let embedder: (any TextEmbedder)?
    /// The name under which the model is offered.
    let model: String
    /// Looks after another program.
    let watch: EngineWatch?

    /// Loads the model, or finds out what the other program serves.
    init(settings: Settings, logger: Logger) async throws {
        let context = try settings.optionalNumber("context", in: 2...16_777_216)
        if let url = settings.text("engine") {
            guard settings.text("model") == nil else {
                throw Settings.Fault(
                    description: "either --model, for a file, or --engine, for another program that has its own model"
                )
            }
            let key = try Self.key(settings)
            let slots = try settings.optionalNumber("slots", in: 1...4096)
            let remote: RemoteEngine
            do throws(ChatEngineError) {
                remote = try await RemoteEngine.connect(
                    url: url,
                    model: settings.text("engine.model"),
                    apiKey: key,
                    options: RemoteEngineOptions(slots: slots, contextLength: context)
                )
            } catch {
                throw Settings.Fault(description: "--engine \(url): \(error)")
            }
            engine = remote
            embedder = nil
            watch = EngineWatch(engine: remote, logger: logger)
            model = settings.text("model.name") ?? remote.profile.model
        } else {
            let store = ModelStore(settings: settings)
            let file = try settings.text("model").map { try store.model($0) } ?? ModelStore.bundled()
            let threads = try settings.optionalNumber("threads", in: 1...64)
            if try ModelSummary(of: GGUFFile(path: file.path)).isEmbedder {
                let model = try await EmbeddingModel.load(path: file.path, options: EmbeddingOptions(threads: threads))
                (engine, embedder) = (EmbeddingOnlyEngine(model), model)
            } else {
                let processors = ProcessInfo.processInfo.activeProcessorCount
                engine = try await Engine.load(
                    path: file.path,
                    options: EngineOptions(
                        threads: threads,
                        slots: try settings.number("slots", default: min(64, max(4, processors * 2)), in: 1...64),
                        contextLength: context,
                        cacheType: try settings.choice("cache.type", default: .f16),
                        weights: try settings.choice("weights", default: .repacked)
                    )
                )
                embedder = nil
            }
            watch = nil
            model = settings.text("model.name") ?? file.offeredName
        }
        guard (1...128).contains(model.utf8.count) else {
            throw Settings.Fault(description: "model.name must have 1 to 128 bytes. Set it with --model-name.")
        }
    }

    /// The key in the file that is named, without the line's end.
    private static func key(_ settings: Settings) throws -> String? {
        guard let path = settings.text("engine.key.file") else { return nil }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Settings.Fault(
                description: "the API key in \(path) cannot be read. Name a file with --engine-key-file."
            )
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Asks an engine that is another program from time to time whether it still serves its model, and says when that changes.
///
/// The node stays in the network meanwhile: requests that the engine cannot take go to other nodes.
struct EngineWatch: Service {
    let engine: RemoteEngine
    let logger: Logger

    /// Often enough that an operator sees a death in the log before users tell of it.
    private static let interval: Duration = .seconds(30)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var isThere = true
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
                do throws(ChatEngineError) {
                    try await engine.check()
                    if !isThere { logger.info("the engine answers again", metadata: ["engine": "\(engine.address)"]) }
                    isThere = true
                } catch {
                    if isThere, !Task.isCancelled {
                        logger.warning("the engine does not answer", metadata: ["error": "\(error)"])
                    }
                    isThere = false
                }
            }
        }
    }
}
