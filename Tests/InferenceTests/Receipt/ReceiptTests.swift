import Foundation
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2))) struct `Receipts of computation` {
    private struct Work {
        var receipt: ComputationReceipt
        var prompt: [TokenID]
        var tokens: [TokenID]
        var grammar: Grammar?
    }

    private func engine(_ change: (inout EngineOptions) -> Void = { _ in }) async throws -> Engine {
        var options = EngineOptions()
        change(&options)
        return try await Engine.load(path: Fixtures.tiny, options: options)
    }

    private func work(
        _ engine: Engine,
        _ sampling: Sampling,
        maxTokens: Int = 60,
        stop: [String] = [],
        grammar: Grammar? = nil
    ) async throws -> Work {
        let prompt = try engine.prompt(for: [ChatTurn(role: "user", content: "What is Lattice?")])
        let request = GenerationRequest(
            promptTokens: prompt,
            maxTokens: maxTokens,
            sampling: sampling,
            stop: stop,
            grammar: grammar,
            wantsReceipt: true
        )
        let generation = try engine.generate(request)
        var completion = 0
        for try await event in generation {
            if case .finished(_, _, let count, _, _) = event { completion = count }
        }
        let receipt = try #require(generation.receipt)
        #expect(receipt.tokens == completion && generation.answerTokens.count == completion)
        #expect(receipt.model == engine.fingerprint && receipt.promptTokens == prompt.count)
        return Work(receipt: receipt, prompt: prompt, tokens: generation.answerTokens, grammar: grammar)
    }

    private func verify(_ engine: Engine, _ work: Work) async throws(ReceiptFault) {
        try await engine.verify(work.receipt, prompt: work.prompt, tokens: work.tokens, grammar: work.grammar)
    }

    private var samplings: [Sampling] {
        [
            .greedy, Sampling(temperature: 1, seed: 3),
            Sampling(temperature: 2, topK: 20, topP: 0.9, minP: 0.01, seed: .max),
            Sampling(
                temperature: 0.8,
                repetitionPenalty: 1.3,
                penaltyWindow: nil,
                presencePenalty: 0.5,
                frequencyPenalty: -0.25,
                logitBias: [3: 2.5, 70: -.infinity],
                logprobs: 2,
                seed: 1
            ),
        ]
    }

    @Test func `are believed by another engine, however it is busy`() async throws {
        let first = try await engine()
        let second = try await engine { ($0.threads, $0.slots, $0.guessesAhead) = (2, 8, false) }
        for sampling in samplings {
            let work = try await work(first, sampling)
            let text = String(decoding: try JSONEncoder().encode(work.receipt), as: UTF8.self)
            var read = work
            read.receipt = try JSONDecoder().decode(ComputationReceipt.self, from: Data(text.utf8))
            #expect(read.receipt == work.receipt)
            async let beside = self.work(second, Sampling(temperature: 1, seed: 77))
            try await verify(second, read)
            _ = try await beside
            try await verify(first, work)
            let again = try await self.work(second, sampling)
            #expect(again.receipt == work.receipt && again.tokens == work.tokens)
        }
    }

    @Test func `cover answers that end in any way`() async throws {
        let engine = try await engine()
        let whole = try await work(engine, .greedy, maxTokens: 400)
        try await verify(engine, whole)
        try await verify(engine, try await work(engine, .greedy, maxTokens: 1))
        try await verify(engine, try await work(engine, .greedy, maxTokens: 400, stop: ["e"]))
        let grammar = try Grammar(
            jsonSchema: #"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#
        )
        let object = try await work(engine, Sampling(temperature: 1, seed: 6), grammar: grammar)
        try await verify(engine, object)
        var without = object
        without.grammar = nil
        await #expect(throws: ReceiptFault.grammar) { try await verify(engine, without) }
        without.grammar = .jsonObject
        await #expect(throws: ReceiptFault.grammar) { try await verify(engine, without) }
    }

    @Test func `are not believed when anything was changed`() async throws {
        let engine = try await engine()
        let honest = try await work(engine, Sampling(temperature: 1, logitBias: [5: 1], seed: 3))
        func fault(_ change: (inout Work) -> Void) async -> ReceiptFault? {
            var work = honest
            change(&work)
            do {
                try await verify(engine, work)
                return nil
            } catch { return error }
        }
        #expect(await fault { _ in } == nil)
        let zeros = String(repeating: "0", count: 64)
        #expect(await fault { $0.receipt.chain = zeros } == .chain)
        #expect(await fault { $0.receipt.model = zeros } == .model(claimed: zeros, loaded: engine.fingerprint))
        #expect(await fault { $0.receipt.cache = $0.receipt.cache == .q8 ? .f16 : .q8 } != nil)
        #expect(await fault { $0.prompt[2] += 1 } == .prompt)
        #expect(
            await fault { $0.tokens.removeLast() }
                == .tokens(claimed: honest.tokens.count, given: honest.tokens.count - 1)
        )
        for position in [0, 7, honest.tokens.count - 1] {
            let other = (honest.tokens[position] + 1) % 100
            #expect(
                await fault { $0.tokens[position] = other }
                    == .choice(position: position, claimed: other, chosen: honest.tokens[position])
            )
        }
        #expect(await fault { $0.receipt.sampling.seed += 1 } != nil)
        #expect(await fault { $0.receipt.sampling.temperature = 1.0000001 } == .chain)
        #expect(await fault { $0.receipt.sampling.logitBias[5] = 0.9999 } != nil)
        #expect(await fault { $0.receipt.sampling.topP = 0 } == .invalid("top_p 0.0 is outside 0 to 1"))
        #expect(
            await fault { work in
                work.tokens.removeLast(3)
                work.receipt.tokens -= 3
            } == .chain
        )
        #expect(await fault { $0.tokens[4] = -1 } == .failed(.unknownToken(-1)))
        let long = [TokenID](repeating: 1, count: engine.contextLength)
        #expect(
            await fault { work in
                work.tokens = long
                work.receipt.tokens = long.count
            }
                == .failed(
                    .contextOverflow(
                        promptTokens: long.count + honest.prompt.count,
                        contextLength: engine.contextLength
                    )
                )
        )
    }

    @Test func `have logits in them, bit by bit`() {
        let origin = ReceiptOrigin(model: "m", cache: .f32)
        func chain(_ rows: [[Float]], _ tokens: [TokenID]) -> String {
            var recorder = ReceiptRecorder(origin: origin, prompt: [1, 2], sampling: .greedy, grammar: nil)
            for (row, token) in zip(rows, tokens) {
                var row = row
                unsafe recorder.look(&row, vocabulary: row.count)
                recorder.append(token)
            }
            return recorder.written.chain
        }
        let rows: [[Float]] = [[1, 2, 3], [4, 5, 6]]
        let first = chain(rows, [0, 1])
        #expect(first == chain(rows, [0, 1]))
        #expect(first != chain(rows, [1, 1]) && first != chain(rows.reversed(), [0, 1]))
        #expect(first != chain([[1, 2, 3], [4, 5, Float(6).nextUp]], [0, 1]))
        // Computed with hashlib from the rules in `ComputationReceipt`.
        #expect(first == "e5957fc72523683252565020cbc68729294e99cff1189a91cdddcba69fb17293")
    }

    @Test func `of another version or with faulty values are refused`() throws {
        func read(_ text: String) -> ComputationReceipt? {
            try? JSONDecoder().decode(ComputationReceipt.self, from: Data(text.utf8))
        }
        let good = """
            {"version":1,"model":"m","cache":"f16","promptHash":"p","promptTokens":1,"tokens":2,"chain":"c",
             "sampling":{"temperature":0.5,"seed":"18446744073709551615","logitBias":{"7":null,"9":1.5}}}
            """
        let receipt = try #require(read(good))
        #expect(receipt.sampling.seed == .max && receipt.sampling.logitBias == [7: -.infinity, 9: 1.5])
        #expect(read(good.replacing("\"version\":1", with: "\"version\":2")) == nil)
        #expect(read(good.replacing("f16", with: "f64")) == nil)
        #expect(read(good.replacing("18446744073709551615", with: "18446744073709551616")) == nil)
        #expect(read(good.replacing("\"7\"", with: "\"x\"")) == nil)
        for length in 0..<good.utf8.count {
            #expect(read(String(decoding: good.utf8.prefix(length), as: UTF8.self)) == nil)
        }
    }
}
