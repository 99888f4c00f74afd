import Foundation
import Testing

@testable import Inference

@Suite struct `Answers of llama.cpp` {
    /// How far a logit may be off: rounding of activations differs between engines where weights are quantised.
    private func check(_ path: String, _ golden: URL, tolerance: Float) throws {
        let rig = try Rig(path: path)
        let tokenizer = try Tokenizer(metadata: GGUFFile(path: path).metadata)
        for example in try Golden.read(golden) {
            let tokens = tokenizer.encode(example.prompt, parsingSpecial: true, addingBOS: tokenizer.addsBOS)
            #expect(tokens == example.tokens, "\(example.prompt)")
            let cache = rig.cache()
            var logits = try rig.run(example.tokens, cache)
            for logit in example.top10 {
                #expect(abs(logits[logit.id] - logit.value) < tolerance, "\(example.prompt): \(logit.id)")
            }
            for (step, expected) in example.greedy.enumerated() {
                let next = try #require(logits.indices.max { logits[$0] < logits[$1] })
                if next != Int(expected) {
                    #expect(example.gaps[step] < tolerance, "\(example.prompt): step \(step)")
                    break
                }
                if cache.count == cache.capacity { break }
                logits = try rig.run([expected], cache)
            }
        }
    }

    @Test func `come from the shipped model`() throws {
        try check(Fixtures.tiny, Fixtures.tinyGolden, tolerance: 0.3)
    }

    @Test(
        .enabled(if: Fixtures.has("models/lattice-tiny"), "needs the shared model folder"),
        arguments: [("f16", Float(0.02)), ("q4_0", 0.3), ("q4_k_m", 0.3)]
    )
    func `come from lattice-tiny in other types`(type: String, tolerance: Float) throws {
        let folder = Fixtures.shared.appending(path: "models/lattice-tiny")
        let name = "lattice-tiny-\(type)"
        try check(
            folder.appending(path: name + ".gguf").path,
            folder.appending(path: name + ".golden.json"),
            tolerance: tolerance
        )
    }

    @Test(
        .enabled(if: Fixtures.has("models/arch-fixtures"), "needs the shared model folder"),
        arguments: [
            ("llama-q8_0", Float(0.3)), ("llama-mixed", 0.3), ("llama-spm-f16", 0.02), ("qwen2-q4_k_m", 0.3),
            ("qwen3-q8_0", 0.3),
        ]
    )
    func `come from every architecture`(name: String, tolerance: Float) throws {
        let folder = Fixtures.shared.appending(path: "models/arch-fixtures")
        try check(
            folder.appending(path: name + ".gguf").path,
            folder.appending(path: name + ".golden.json"),
            tolerance: tolerance
        )
    }
}
