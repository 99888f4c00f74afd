import InferenceKernels
import Testing

@testable import Inference

@Suite struct `Choice of tokens` {
    private func draw(_ logits: [Float], _ sampling: Sampling, at fraction: Double) -> Int {
        var scratch = [UInt32](repeating: 0, count: logits.count)
        return unsafe Int(
            ik_sample(
                logits,
                UInt32(logits.count),
                sampling.temperature,
                UInt32(sampling.topK),
                sampling.topP,
                fraction,
                &scratch
            )
        )
    }

    @Test func `takes the lowest of equal logits`() {
        unsafe #expect(ik_argmax([1, 3, 3, 2], 4) == 1)
        unsafe #expect(ik_argmax([.nan, 1, .nan], 3) == 1)
        #expect(draw([3, 3, 3], Sampling(temperature: 1, topK: 1, topP: 1, seed: 0), at: 0.99) == 0)
    }

    @Test func `draws in proportion to the probabilities`() {
        let logits = [0.1, 0.2, 0.3, 0.4].map { Float(ik_log($0)) }
        let all = Sampling(temperature: 1, topK: 0, topP: 1, seed: 0)
        let drawn = (0..<100).map { draw(logits, all, at: (Double($0) + 0.5) / 100) }
        #expect((0..<4).map { id in drawn.count { $0 == id } } == [10, 20, 30, 40])
    }

    @Test func `keeps the most likely ones only`() {
        let logits = [0.1, 0.2, 0.3, 0.4].map { Float(ik_log($0)) }
        let fractions = (0..<100).map { Double($0) / 100 }
        let two = Sampling(temperature: 1, topK: 2, topP: 1, seed: 0)
        #expect(Set(fractions.map { draw(logits, two, at: $0) }) == [2, 3])
        let most = Sampling(temperature: 1, topK: 0, topP: 0.65, seed: 0)
        #expect(Set(fractions.map { draw(logits, most, at: $0) }) == [2, 3])
        let both = Sampling(temperature: 1, topK: 3, topP: 0.4, seed: 0)
        #expect(Set(fractions.map { draw(logits, both, at: $0) }) == [3])
    }

    @Test func `sharpens and flattens with the temperature`() {
        let logits: [Float] = [0, 1]
        let cold = Sampling(temperature: 0.01, topK: 0, topP: 1, seed: 0)
        #expect((0..<100).allSatisfy { draw(logits, cold, at: Double($0) / 100) == 1 })
        let hot = Sampling(temperature: 100, topK: 0, topP: 1, seed: 0)
        #expect((40...60).contains((0..<100).count { draw(logits, hot, at: Double($0) / 100) == 0 }))
    }

    @Test func `has published random numbers`() {
        // Vectors of the reference implementation for seed 1234567.
        var generator = SplitMix64(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
    }
}
