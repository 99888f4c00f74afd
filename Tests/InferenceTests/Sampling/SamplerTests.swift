import Foundation
import InferenceKernels
import Testing

@testable import Inference

/// One choice with a sampler, on logits that stay as they are.
func choose(_ logits: [Float], _ sampler: Sampler) throws -> Sampler.Choice {
    var logits = logits
    var scratch = [UInt32](repeating: 0, count: logits.count)
    return unsafe try sampler.next(logits: &logits, vocabulary: logits.count, scratch: &scratch)
}

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
                sampling.minP,
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
        let half = Sampling(temperature: 1, minP: 0.45, seed: 0)
        #expect(Set(fractions.map { draw(logits, half, at: $0) }) == [1, 2, 3])
        let onlyFirst = Sampling(temperature: 1, minP: 1, seed: 0)
        #expect(Set(fractions.map { draw(logits, onlyFirst, at: $0) }) == [3])
    }

    @Test func `sharpens and flattens with the temperature`() {
        let logits: [Float] = [0, 1]
        let cold = Sampling(temperature: 0.01, topK: 0, topP: 1, seed: 0)
        #expect((0..<100).allSatisfy { draw(logits, cold, at: Double($0) / 100) == 1 })
        let hot = Sampling(temperature: 100, topK: 0, topP: 1, seed: 0)
        #expect((40...60).contains((0..<100).count { draw(logits, hot, at: Double($0) / 100) == 0 }))
    }

    @Test func `keeps and draws as a plain reading of the rules`() {
        var generator = SplitMix64(seed: 31)
        for _ in 0..<150 {
            let count = 1 + Int(generator.next() % 60)
            let logits = (0..<count).map { _ in Float(generator.nextFraction() * 8 - 4) }
            let sampling = Sampling(
                temperature: 0.3 + 2 * generator.nextFraction(),
                topK: Int(generator.next() % 3) * Int(generator.next() % 70),
                topP: generator.next() % 2 == 0 ? 1 : 0.05 + 0.95 * generator.nextFraction(),
                minP: generator.next() % 2 == 0 ? 0 : generator.nextFraction() / 2,
                seed: 0
            )
            var ranked = (0..<count).map { ($0, exp(Double(logits[$0]) / sampling.temperature)) }.sorted { $0.1 > $1.1 }
            if sampling.topK > 0 { ranked = Array(ranked.prefix(sampling.topK)) }
            let total = ranked.reduce(0) { $0 + $1.1 }
            let best = ranked[0].1
            var stays: [(id: Int, weight: Double)] = []
            var sum = 0.0
            for (id, weight) in ranked {
                guard stays.isEmpty || (sum < sampling.topP * total && weight >= sampling.minP * best) else { break }
                stays.append((id, weight))
                sum += weight
            }
            let draws = 2000
            let drawn = (0..<draws).map { draw(logits, sampling, at: (Double($0) + 0.5) / Double(draws)) }
            for (id, weight) in stays {
                let times = Double(drawn.count { $0 == id })
                #expect(abs(times - weight / sum * Double(draws)) <= 2, "\(sampling)")
            }
            #expect(Set(drawn).isSubset(of: stays.map(\.id)))
        }
    }

    @Test func `finds the largest wherever it stands`() {
        for count in [1, 15, 16, 17, 40] {
            for place in 0..<count {
                var logits = [Float](repeating: -3, count: count)
                logits[place] = 2
                if place + 3 < count { logits[place + 3] = 2 }
                if place > 0 { logits[place - 1] = .nan }
                unsafe #expect(ik_argmax(logits, UInt32(count)) == place)
            }
        }
        unsafe #expect(ik_argmax([.nan, -.infinity], 2) == 0)
    }

    @Test func `has published random numbers`() {
        // Vectors of the reference implementation for seed 1234567.
        var generator = SplitMix64(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
    }

    @Test func `chooses by what there is among infinities and what is no number`() throws {
        let warm = Sampler(Sampling(temperature: 1, seed: 3))
        #expect(try choose([.nan, -.infinity, 2, .nan], warm).token == 2)
        #expect(try choose([1, .infinity, 2, .infinity], warm).token == 1)
        for row: [Float] in [[.nan, .nan], [-.infinity, -.infinity], [.nan, -.infinity]] {
            #expect(throws: ModelError.notFinite) { try choose(row, warm) }
            #expect(throws: ModelError.notFinite) { try choose(row, Sampler(.greedy)) }
        }
    }

    @Test func `draws the same numbers however many looks are taken`() throws {
        let logits = (0..<64).map { Float($0 % 7) }
        var one = Sampler(Sampling(temperature: 1, frequencyPenalty: 0.5, seed: 11))
        var looks: [TokenID] = []
        var answer: [TokenID] = []
        for _ in 0..<32 {
            looks.append(try choose(logits, one).token)
            let token = try choose(logits, one).token
            answer.append(token)
            one.accept(token)
        }
        #expect(looks == answer)
        // A copy goes its own way.
        let copy = one
        one.accept(3)
        let again = copy
        one = copy
        #expect(try choose(logits, again).token == choose(logits, one).token)
    }
}

@Suite struct `Penalties and biases` {
    /// What the sampler makes of the logits, read back through log probabilities of a greedy choice.
    private func changed(_ logits: [Float], _ sampling: Sampling, prompt: [TokenID], said: [TokenID]) throws -> [Float]
    {
        var sampler = Sampler(sampling, prompt: prompt)
        for token in said { sampler.accept(token) }
        var logits = logits
        var scratch = [UInt32](repeating: 0, count: logits.count)
        _ = unsafe try sampler.next(logits: &logits, vocabulary: logits.count, scratch: &scratch)
        return logits
    }

    @Test func `repetition divides what is positive and multiplies the rest, in prompt and answer`() throws {
        var sampling = Sampling.greedy
        sampling.repetitionPenalty = 2
        #expect(try changed([4, 4, -4, 4], sampling, prompt: [0], said: [2]) == [2, 4, -8, 4])
        sampling.penaltyWindow = 2
        #expect(try changed([4, 4, 4, 4], sampling, prompt: [0, 1], said: [2]) == [4, 2, 2, 4])
        #expect(try changed([4, 4, 4, 4], sampling, prompt: [0], said: [1, 2, 2, 3, 3]) == [4, 4, 4, 2])
        sampling.penaltyWindow = 0
        #expect(try changed([4, 4], sampling, prompt: [0], said: [1]) == [4, 4])
        sampling.penaltyWindow = nil
        #expect(try changed([4, 4, 4], sampling, prompt: [0], said: Array(repeating: 1, count: 500)) == [2, 2, 4])
    }

    @Test func `presence and frequency look at the answer only`() throws {
        var sampling = Sampling.greedy
        sampling.presencePenalty = 0.5
        sampling.frequencyPenalty = 0.25
        #expect(try changed([4, 4, 4], sampling, prompt: [0], said: [1, 1, 2]) == [4, 3, 3.25])
        sampling.presencePenalty = -0.5
        sampling.frequencyPenalty = 0
        #expect(try changed([4, 4, 4], sampling, prompt: [0], said: [1, 1]) == [4, 4.5, 4])
    }

    @Test func `a bias is added, and minus infinity forbids`() throws {
        var sampling = Sampling.greedy
        sampling.logitBias = [0: -100, 2: 1, 9: 3]
        #expect(try changed([4, 4, 4], sampling, prompt: [], said: []) == [-96, 4, 5])
        sampling.temperature = 5
        sampling.logitBias = [1: -.infinity]
        for seed in 0..<100 {
            sampling.seed = UInt64(seed)
            #expect(try choose([1, 9, 1], Sampler(sampling)).token != 1)
        }
    }

    @Test func `refuses values out of range`() {
        let faulty: [(inout Sampling) -> Void] = [
            { $0.temperature = .nan }, { $0.temperature = 101 }, { $0.topK = -1 }, { $0.topP = 0 }, { $0.minP = 1.5 },
            { $0.minP = -.ulpOfOne }, { $0.repetitionPenalty = 0 }, { $0.repetitionPenalty = .infinity },
            { $0.penaltyWindow = -1 }, { $0.presencePenalty = 2.5 }, { $0.frequencyPenalty = -.infinity },
            { $0.logitBias = [1: 101] }, { $0.logitBias = [1: .nan] }, { $0.logitBias = [-1: 1] },
            { $0.logitBias = [1: .infinity] }, { $0.logprobs = 21 }, { $0.logprobs = -1 },
            { $0.logitBias = Dictionary(uniqueKeysWithValues: (0...TokenID(Sampling.biasLimit)).map { ($0, 1) }) },
        ]
        for change in faulty {
            var sampling = Sampling.greedy
            #expect(sampling.fault == nil)
            change(&sampling)
            #expect(sampling.fault != nil)
        }
    }
}

@Suite struct `Log probabilities` {
    @Test func `are the model's, whatever the sampling changes`() throws {
        let odds = [0.5, 0.125, 0.25, 0.125]
        let logits = odds.map { Float(ik_log($0)) + 7 }
        var sampling = Sampling(temperature: 3, logitBias: [0: -100], seed: 5)
        sampling.logprobs = 3
        let choice = try choose(logits, Sampler(sampling))
        let report = try #require(choice.logprob)
        #expect(report.token == choice.token && choice.token != 0)
        #expect(report.top.map(\.token) == [0, 2, 1])
        for entry in report.top { #expect(abs(Double(entry.logprob) - log(odds[Int(entry.token)])) < 1e-6) }
        #expect(abs(Double(report.logprob) - log(odds[Int(choice.token)])) < 1e-6)
    }

    @Test func `name as many alternatives as asked for and there are`() throws {
        for wanted in [0, 1, 2, 20] {
            var sampling = Sampling.greedy
            sampling.logprobs = wanted
            let report = try #require(try choose([1, 5, 3], Sampler(sampling)).logprob)
            #expect(report.top.map(\.token) == Array([1, 2, 0].prefix(wanted)))
        }
        #expect(try choose([1, 5, 3], Sampler(.greedy)).logprob == nil)
    }

    @Test func `sum up over any number of logits`() {
        var generator = SystemRandomNumberGenerator()
        for count in [1, 2, 7, 8, 9, 100, 1001] {
            let logits = (0..<count).map { _ in Float.random(in: -20...20, using: &generator) }
            let expected = log(logits.map { exp(Double($0)) }.reduce(0, +))
            unsafe #expect(abs(ik_log_total(logits, UInt32(count)) - expected) < 1e-12 * max(1, abs(expected)) * 10)
        }
    }

    @Test func `ranks like sorting`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let count = Int.random(in: 1...60, using: &generator)
            let logits = (0..<count).map { _ in Float(Int.random(in: 0...9, using: &generator)) }
            let wanted = Int.random(in: 1...count, using: &generator)
            var ids = [UInt32](repeating: 0, count: wanted)
            unsafe ik_largest(logits, UInt32(count), UInt32(wanted), &ids)
            let ranked = (0..<count).sorted { (logits[$1], $0) < (logits[$0], $1) }
            #expect(ids.map(Int.init) == Array(ranked.prefix(wanted)))
        }
    }
}
