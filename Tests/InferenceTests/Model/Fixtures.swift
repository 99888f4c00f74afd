import Foundation

@testable import Inference

/// Where test models lie: the one in the repository, and larger sets beside it.
enum Fixtures {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The folder of models that are not in the repository; tests that need it are skipped where it is absent.
    static let shared: URL = {
        if let path = ProcessInfo.processInfo.environment["LATTICE_SHARED"] { return URL(filePath: path) }
        return root.deletingLastPathComponent().appending(path: "shared")
    }()

    static let tiny = root.appending(path: "Models/lattice-tiny-q8_0.gguf").path
    static let tinyGolden = root.appending(path: "Tests/InferenceTests/Vectors/lattice-tiny-q8_0.golden.json")

    static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: shared.appending(path: path).path)
    }
}

/// What llama.cpp computed for one prompt.
struct GoldenCase: Decodable {
    struct Logit: Decodable {
        let id: Int
        let value: Float

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            id = try container.decode(Int.self)
            value = try container.decode(Float.self)
        }
    }

    let name: String?
    let prompt: String
    let tokens: [TokenID]
    let top10: [Logit]
    let greedy: [TokenID]
    let gaps: [Float]
    let text: String?
}

/// A file of cases, either bare or with a head.
struct Golden: Decodable {
    let cases: [GoldenCase]

    private enum Key: CodingKey { case cases }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            cases = try container.decode([GoldenCase].self, forKey: .cases)
        } else {
            cases = try decoder.singleValueContainer().decode([GoldenCase].self)
        }
    }

    static func read(_ url: URL) throws -> [GoldenCase] {
        try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url)).cases
    }
}

/// A model with the memory to run one sequence after the other.
struct Rig {
    let pool: KernelPool
    let transformer: Transformer
    let workspace: Workspace

    init(path: String, threads: Int = 1, chunk: Int = 64) throws {
        try self.init(file: GGUFFile(path: path), pool: KernelPool(threads: threads), chunk: chunk)
    }

    init(file: GGUFFile, pool: KernelPool, chunk: Int, storage: WeightStorage = .repacked) throws {
        self.pool = pool
        transformer = try Transformer(file: file, pool: pool, storage: storage)
        workspace = try Workspace(for: transformer, capacity: chunk)
    }

    func cache(_ type: CacheType = .f16) -> KVCache {
        KVCache(for: transformer, capacity: transformer.shape.contextLength, type: type)
    }

    /// Appends `tokens` in chunks and answers the logits after the last.
    func run(_ tokens: [TokenID], _ cache: KVCache) throws -> [Float] {
        var rest = tokens[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(workspace.capacity)
            rest = rest.dropFirst(chunk.count)
            transformer.embed(chunk, into: workspace)
            try transformer.forward(chunk.count, cache: cache, workspace: workspace, pool: pool)
            if rest.isEmpty { transformer.logits(after: chunk.count - 1, workspace: workspace, pool: pool) }
        }
        return workspace.copyLogits()
    }
}
