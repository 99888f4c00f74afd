import Foundation
import LatticeTesting
import Testing

@testable import Inference

@Suite struct `Damaged models` {
    /// Flips bits where the sizes of the model and of its tensors are, and among the weights.
    @Test func `are refused or run`() throws {
        let whole = try Data(contentsOf: URL(filePath: Fixtures.tiny))
        let start = try GGUFFile(path: Fixtures.tiny).tensors.map(\.range.lowerBound).min() ?? 0
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "damaged.gguf")
        var random = SplitMix64(seed: 8)
        var ran = 0
        for round in 0..<120 {
            var damaged = whole
            for _ in 0..<2 {
                let regions = [0..<1200, start - 3600..<start, start..<whole.count]
                let region = regions[round % regions.count]
                let at = region.lowerBound + Int(random.next() % UInt64(region.count))
                damaged[at] ^= 1 << UInt8(random.next() % 8)
            }
            try damaged.write(to: path)
            guard let rig = try? Rig(path: path.path, chunk: 4) else { continue }
            let tokens = [TokenID](repeating: 1, count: min(5, rig.transformer.shape.contextLength))
            _ = try rig.run(tokens, rig.cache())
            ran += 1
        }
        #expect(ran > 0 && ran < 120)
    }

    /// No number among the weights, in a matrix and in a norm, would make every answer noise.
    @Test(arguments: ["blk.1.ffn_up.weight", "blk.0.attn_norm.weight"], [WeightStorage.repacked, .mapped])
    func `with a weight that is no number are refused by name`(tensor: String, storage: WeightStorage) async throws {
        let file = try GGUFFile(path: Fixtures.tiny)
        let damaged = try #require(file.tensors.first { $0.name == tensor })
        var bytes = try Data(contentsOf: URL(filePath: Fixtures.tiny))
        // The scale of the first block of Q8_0, or the lower half of the first F32.
        let noNumber: [UInt8] = damaged.type == .q8_0 ? [0x00, 0x7e] : [0, 0, 0xc0, 0x7f]
        bytes.replaceSubrange(damaged.range.lowerBound..<damaged.range.lowerBound + noNumber.count, with: noNumber)
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).gguf")
        defer { try? FileManager.default.removeItem(at: path) }
        try bytes.write(to: path)
        var options = EngineOptions()
        options.weights = storage
        let expected = ModelError.file(
            GGUFError(file: path.lastPathComponent, field: tensor, problem: .notFinite)
        )
        await #expect(throws: expected) { try await Engine.load(path: path.path, options: options) }
    }

    /// The same for an encoder, and for the words of its tokenizer.
    @Test func `are refused or embed`() throws {
        let whole = RandomBert(type: .q8_0).writer.bytes
        var random = SplitMix64(seed: 21)
        var ran = 0
        try withTemporaryDirectory { folder in
            let path = folder + "/damaged.gguf"
            for round in 0..<200 {
                var damaged = whole
                let region = round % 2 == 0 ? 0..<3000 : 0..<whole.count
                for _ in 0..<2 { damaged[Int(random.next() % UInt64(region.count))] ^= 1 << UInt8(random.next() % 8) }
                try Data(damaged).write(to: URL(filePath: path))
                guard let file = try? GGUFFile(path: path), let pooling = Pooling(rawValue: 1),
                    let tokenizer = try? Tokenizer(metadata: file.metadata),
                    let computer = try? EncoderComputer(
                        file: file,
                        pooling: pooling,
                        maxTokens: nil,
                        pool: KernelPool(threads: 1)
                    )
                else { continue }
                let tokens = tokenizer.encode("hello a world", parsingSpecial: false, addingBOS: true)
                    .prefix(computer.maxTokens).filter { Int($0) < computer.vocabulary }
                guard !tokens.isEmpty else { continue }
                _ = try computer.vectors(of: [Array(tokens)], while: { true })
                ran += 1
            }
        }
        #expect(ran > 0 && ran < 200)
    }
}
