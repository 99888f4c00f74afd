import Testing

@testable import Inference
@testable import InferenceKernels

@Suite struct `Bits of the logits` {
    private func bits(threads: Int, chunk: Int) throws -> [UInt32] {
        let rig = try Rig(path: Fixtures.tiny, threads: threads, chunk: chunk)
        let cache = rig.cache()
        let prompt = (0..<150).map { TokenID($0 * 37 % 2000) }
        var logits = try rig.run(prompt, cache)
        for token: TokenID in [5, 77, 1234] { logits = try rig.run([token], cache) }
        return logits.map(\.bitPattern)
    }

    @Test func `do not depend on threads and chunks`() throws {
        let expected = try bits(threads: 1, chunk: 64)
        for threads in [1, 2] {
            for chunk in [1, 7, 64] {
                #expect(try bits(threads: threads, chunk: chunk) == expected, "\(threads) threads, chunks of \(chunk)")
            }
        }
    }

    @Test func `do not depend on the processor`() throws {
        let expected = try bits(threads: 1, chunk: 64)
        let file = try GGUFFile(path: Fixtures.tiny)
        for path in [IK_PATH_PORTABLE, IK_PATH_AVX2, IK_PATH_AVX512] where ik_path_available(path) {
            let pool = try KernelPool(threads: 1, path: path)
            let rig = try Rig(file: file, pool: pool, chunk: 64)
            let cache = rig.cache()
            var logits = try rig.run((0..<150).map { TokenID($0 * 37 % 2000) }, cache)
            for token: TokenID in [5, 77, 1234] { logits = try rig.run([token], cache) }
            #expect(logits.map(\.bitPattern) == expected, "\(path)")
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
