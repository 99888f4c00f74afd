import Foundation
import LatticeTesting
import Testing

@testable import Inference
@testable import InferenceKernels

@Suite struct `Bits of the logits` {
    private func bits(threads: Int, chunk: Int, type: CacheType = .f16) throws -> [UInt32] {
        let rig = try Rig(path: Fixtures.tiny, threads: threads, chunk: chunk)
        let cache = rig.cache(type)
        let prompt = (0..<150).map { TokenID($0 * 37 % 2000) }
        var logits = try rig.run(prompt, cache)
        for token: TokenID in [5, 77, 1234] { logits = try rig.run([token], cache) }
        return logits.map(\.bitPattern)
    }

    @Test(arguments: CacheType.allCases) func `do not depend on threads and chunks`(type: CacheType) throws {
        let expected = try bits(threads: 1, chunk: 64, type: type)
        for threads in [1, 2] {
            for chunk in threads == 1 ? [1, 7, 64] : [150] {
                let found = try bits(threads: threads, chunk: chunk, type: type)
                #expect(found == expected, "\(threads) threads, chunks of \(chunk)")
            }
        }
    }

    @Test(arguments: CacheType.allCases) func `do not depend on the processor`(type: CacheType) throws {
        let expected = try bits(threads: 1, chunk: 64, type: type)
        let file = try GGUFFile(path: Fixtures.tiny)
        for path in availablePaths {
            let pool = try KernelPool(threads: 1, path: path)
            let rig = try Rig(file: file, pool: pool, chunk: 64)
            let cache = rig.cache(type)
            var logits = try rig.run((0..<150).map { TokenID($0 * 37 % 2000) }, cache)
            for token: TokenID in [5, 77, 1234] { logits = try rig.run([token], cache) }
            #expect(logits.map(\.bitPattern) == expected, "\(path)")
        }
    }

    @Test(.enabled(if: Fixtures.has("models/lattice-tiny")), arguments: ["q8_0", "q4_0", "q4_k_m", "f16"])
    func `do not depend on where weights are kept`(kind: String) throws {
        let path = "models/lattice-tiny/lattice-tiny-\(kind).gguf"
        let file = try GGUFFile(path: Fixtures.shared.appending(path: path).path)
        let found = try WeightStorage.allCases.map { storage in
            let pool = try KernelPool(threads: 2)
            let rig = try Rig(file: file, pool: pool, chunk: 64, storage: storage)
            #expect((rig.transformer.size == 0) == (storage == .mapped))
            let cache = rig.cache(.f16)
            var logits = try rig.run((0..<100).map { TokenID($0 * 37 % 2000) }, cache)
            logits = try rig.run([5], cache)
            return logits.map(\.bitPattern)
        }
        #expect(found[0] == found[1])
    }

    /// Sequences of random lengths advance by random counts, several in a batch, in pages of one memory.
    @Test(arguments: CacheType.allCases) func `do not depend on what else is in the batch`(type: CacheType) throws {
        let file = try GGUFFile(path: Fixtures.tiny)
        let pool = try KernelPool(threads: 2)
        let transformer = try Transformer(file: file, pool: pool)
        let alone = try Rig(file: file, pool: pool, chunk: 64)
        let workspace = try Workspace(for: transformer, capacity: 64, rows: 8)
        var random = SeededGenerator(seed: 11)
        for round in 0..<2 {
            let memory = PageMemory(for: transformer, type: type, pages: 8 * 3)
            let sequences = (0..<1 + Int(random.next() % 8)).map { _ in
                (0..<1 + Int(random.next() % 150)).map { _ in TokenID(random.next() % 2000) }
            }
            for page in 0..<PageID(sequences.count * 3) { try memory.prepare(page) }
            var done = sequences.map { _ in 0 }
            while done != sequences.map(\.count) {
                var segments: [Segment] = []
                var asked: [Int] = []
                var last: [Int] = []
                var filled = 0
                for index in sequences.indices.shuffled(using: &random) where random.next() % 3 > 0 {
                    let left = min(sequences[index].count - done[index], workspace.capacity - filled)
                    guard left > 0 else { continue }
                    let count = 1 + Int(random.next() % UInt64(min(left, 20)))
                    let tokens = sequences[index][done[index]..<done[index] + count]
                    transformer.embed(tokens, into: workspace, at: filled)
                    let pages = (0..<3).map { PageID($0 * sequences.count + index) }
                    segments.append(Segment(pages: pages, position: done[index], count: count))
                    done[index] += count
                    filled += count
                    if done[index] == sequences[index].count {
                        asked.append(index)
                        last.append(filled - 1)
                    }
                }
                transformer.forward(segments, memory: memory, workspace: workspace, pool: pool)
                transformer.logits(after: last, workspace: workspace, pool: pool)
                for (row, index) in asked.enumerated() {
                    let expected = try alone.run(sequences[index], alone.cache(type)).map(\.bitPattern)
                    #expect(workspace.copyLogits(row).map(\.bitPattern) == expected, "round \(round), \(index)")
                }
            }
        }
    }

    @Test(arguments: 1...5) func `do not depend on how layers are split`(parts: Int) throws {
        let expected = try bits(threads: 1, chunk: 64)
        let file = try GGUFFile(path: Fixtures.tiny)
        let pool = try KernelPool(threads: 1)
        let borders = (0...parts).map { $0 * 6 / parts }
        let stages = try zip(borders, borders.dropFirst()).map { first, last in
            let transformer = try Transformer(file: file, layers: first..<last, pool: pool)
            return (
                transformer, try Workspace(for: transformer, capacity: 64), KVCache(for: transformer, capacity: 256)
            )
        }
        func run(_ tokens: ArraySlice<TokenID>) throws -> [Float] {
            for (index, (transformer, workspace, cache)) in stages.enumerated() {
                if index == 0 {
                    transformer.embed(tokens, into: workspace)
                } else {
                    let before = stages[index - 1].1
                    unsafe workspace.hidden.update(from: before.hidden, count: tokens.count * transformer.shape.width)
                }
                try transformer.forward(tokens.count, cache: cache, workspace: workspace, pool: pool)
            }
            let (transformer, workspace, _) = try #require(stages.last)
            transformer.logits(after: tokens.count - 1, workspace: workspace, pool: pool)
            return workspace.copyLogits()
        }
        let prompt = (0..<150).map { TokenID($0 * 37 % 2000) }
        var logits: [Float] = []
        for start in stride(from: 0, to: 150, by: 64) { logits = try run(prompt[start..<min(start + 64, 150)]) }
        for token: TokenID in [5, 77, 1234] { logits = try run([token]) }
        #expect(logits.map(\.bitPattern) == expected)
    }
}
