import Foundation
import Testing

@testable import Inference

/// What a generation gave.
private struct Answer: Equatable {
    var text = ""
    var tokens = 0
    var reason: FinishReason?
    var prompt = 0
    var completion = 0

    init(_ generation: Generation) async throws {
        for try await event in generation {
            switch event {
            case .text(let more, let count):
                text += more
                tokens += count
            case .finished(let reason, let prompt, let completion, let prefill, let decode):
                self.reason = reason
                self.prompt = prompt
                self.completion = completion
                #expect(prefill >= .zero && decode >= .zero)
            }
        }
    }
}

private func engine(_ change: (inout EngineOptions) -> Void = { _ in }) async throws -> Engine {
    var options = EngineOptions()
    change(&options)
    return try await Engine.load(path: Fixtures.tiny, options: options)
}

private func question(_ engine: Engine, _ text: String = "What is Lattice?") throws -> [TokenID] {
    try engine.prompt(for: [ChatTurn(role: "user", content: text)])
}

@Suite(.timeLimit(.minutes(2))) struct `Inference engine` {
    @Test func `knows its model`() async throws {
        let engine = try await engine()
        #expect(engine.modelName == "Lattice Tiny")
        #expect(engine.contextLength == 2048)
        #expect(engine.fingerprint == "933040bb687e436531a0369903872c9932caf18ffc47ddc4b40399f6ae43dc84")
        #expect(engine.slots == 4)
        #expect(engine.threads == 1)
    }

    @Test func `makes the prompts of the recorded conversations`() async throws {
        struct Case: Decodable {
            struct Message: Decodable { let role, content: String }
            let messages: [Message]?
            let tokens: [TokenID]
        }
        struct File: Decodable { let cases: [Case] }
        let engine = try await engine()
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: Fixtures.tinyGolden))
        for example in file.cases {
            guard let messages = example.messages else { continue }
            let turns = messages.map { ChatTurn(role: $0.role, content: $0.content) }
            #expect(try engine.prompt(for: turns) == example.tokens)
        }
    }

    @Test func `answers as recorded`() async throws {
        let engine = try await engine()
        for example in try Golden.read(Fixtures.tinyGolden).prefix(6) {
            let request = GenerationRequest(promptTokens: example.tokens, maxTokens: example.greedy.count)
            let answer = try await Answer(engine.generate(request))
            // Beyond a close call engines may part; so far the text must be equal.
            let sure = example.gaps.firstIndex { $0 < 0.3 } ?? example.gaps.count
            var decoder = TokenDecoder(tokenizer: engine.tokenizer)
            let spoken = example.greedy.prefix(sure).prefix { !engine.tokenizer.endTokens.contains($0) }
            let expected = spoken.map { decoder.append($0) }.joined()
            #expect(!expected.isEmpty)
            #expect(answer.text.hasPrefix(expected))
            #expect(answer.prompt == example.tokens.count)
        }
    }

    @Test func `stops at the end of its answer`() async throws {
        let engine = try await engine()
        let answer = try await Answer(engine.generate(GenerationRequest(promptTokens: question(engine))))
        #expect(answer.reason == .stop)
        #expect(answer.completion == answer.tokens + 1)
        #expect(!answer.text.contains("<|"))
    }

    @Test func `stops after as many tokens as were asked for`() async throws {
        let engine = try await engine()
        let request = GenerationRequest(promptTokens: try question(engine), maxTokens: 7)
        let answer = try await Answer(engine.generate(request))
        #expect(answer.reason == .length && answer.completion == 7)
    }

    @Test func `stops before a stop string across tokens`() async throws {
        let engine = try await engine()
        let prompt = try question(engine)
        let whole = try await Answer(engine.generate(GenerationRequest(promptTokens: prompt))).text
        let start = whole.index(whole.startIndex, offsetBy: 13)
        let stop = String(whole[start...].prefix(9))
        let answer = try await Answer(engine.generate(GenerationRequest(promptTokens: prompt, stop: [stop])))
        #expect(answer.reason == .stop)
        #expect(answer.text == String(whole[..<(whole.firstRange(of: stop)?.lowerBound ?? whole.endIndex)]))
    }

    @Test func `reports log probabilities of all tokens of an answer`() async throws {
        let engine = try await engine { $0.readAhead = 3 }
        var sampling = Sampling.greedy
        sampling.logprobs = 2
        let request = GenerationRequest(promptTokens: try question(engine), sampling: sampling)
        let generation = try engine.generate(request)
        var reports: [TokenLogprob] = []
        var count = 0
        var text = ""
        while let event = try await generation.next() {
            reports += generation.logprobs
            if case .text(let more, _) = event { text += more }
            if case .finished(_, _, let completion, _, _) = event { count = completion }
        }
        #expect(reports.count == count)
        #expect(reports.allSatisfy { $0.top.first?.token == $0.token && $0.logprob == $0.top[0].logprob })
        #expect(reports.allSatisfy { $0.logprob <= 0 && $0.top.count == 2 && $0.top[1].logprob <= $0.logprob })
        var decoder = TokenDecoder(tokenizer: engine.tokenizer)
        #expect(reports.map { decoder.append($0.token) }.joined() == text)
    }

    @Test func `ends at the end of the context`() async throws {
        let engine = try await engine { $0.contextLength = 32 }
        let prompt = try question(engine)
        let answer = try await Answer(engine.generate(GenerationRequest(promptTokens: prompt)))
        #expect(answer.reason == .length && answer.completion == 32 - prompt.count)
        let long = [TokenID](repeating: 1, count: 32)
        #expect(throws: GenerationError.contextOverflow(promptTokens: 32, contextLength: 32)) {
            try engine.generate(GenerationRequest(promptTokens: long))
        }
        let one = try await Answer(engine.generate(GenerationRequest(promptTokens: Array(long.dropLast()))))
        #expect(one.completion == 1)
    }

    @Test func `refuses requests that make no sense`() async throws {
        let engine = try await engine()
        #expect(throws: GenerationError.emptyPrompt) { try engine.generate(GenerationRequest(promptTokens: [])) }
        #expect(throws: GenerationError.unknownToken(5000)) {
            try engine.generate(GenerationRequest(promptTokens: [1, 5000]))
        }
        #expect(throws: GenerationError.unknownToken(-1)) { try engine.generate(GenerationRequest(promptTokens: [-1])) }
        #expect(throws: GenerationError.self) {
            try engine.generate(GenerationRequest(promptTokens: [1], maxTokens: 0))
        }
        #expect(throws: GenerationError.self) {
            try engine.generate(GenerationRequest(promptTokens: [1], sampling: Sampling(temperature: .nan)))
        }
        #expect(throws: GenerationError.self) { try engine.generate(GenerationRequest(promptTokens: [1], stop: [""])) }
    }

    @Test func `gives the same answer whatever else runs`() async throws {
        let engine = try await engine { $0.slots = 3 }
        let sampling = Sampling(temperature: 4, topK: 40, topP: 0.9, seed: 42)
        let request = GenerationRequest(promptTokens: try question(engine), maxTokens: 40, sampling: sampling)
        let alone = try await Answer(engine.generate(request))
        let other = try question(engine, "Tell me about nodes.")
        let answers = try await withThrowingTaskGroup(of: Answer?.self) { group in
            for index in 0..<8 {
                group.addTask {
                    let noise = GenerationRequest(
                        promptTokens: other,
                        maxTokens: 30,
                        sampling: Sampling(temperature: 4, seed: UInt64(index))
                    )
                    let answer = try await Answer(engine.generate(index % 2 == 0 ? request : noise))
                    return index % 2 == 0 ? answer : nil
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.compactMap(\.self)
        }
        #expect(answers == Array(repeating: alone, count: 4))
    }

    @Test func `gives other answers for other seeds`() async throws {
        let engine = try await engine()
        let prompt = try question(engine)
        var texts: Set<String> = []
        for seed: UInt64 in 0..<4 {
            let sampling = Sampling(temperature: 4, seed: seed)
            let request = GenerationRequest(promptTokens: prompt, maxTokens: 30, sampling: sampling)
            texts.insert(try await Answer(engine.generate(request)).text)
        }
        #expect(texts.count > 1)
    }

    @Test func `pauses for a slow reader and goes on`() async throws {
        let engine = try await engine { $0.readAhead = 4 }
        let sampling = Sampling(temperature: 4, seed: 7)
        let request = GenerationRequest(promptTokens: try question(engine), maxTokens: 60, sampling: sampling)
        let fast = try await Answer(engine.generate(request))
        let slow = try engine.generate(request)
        // While the slow one is paused the engine serves others.
        _ = try await Answer(engine.generate(request))
        var text = ""
        while let event = try await slow.next() {
            guard case .text(let more, let tokens) = event else { continue }
            // The tokens that completed a character or a held text come on top.
            #expect(tokens <= 4 + 8)
            text += more
            for _ in 0..<20 { await Task.yield() }
        }
        #expect(text == fast.text)
    }

    @Test func `ends a cancelled generation`() async throws {
        let engine = try await engine { $0.readAhead = 4 }
        let request = GenerationRequest(promptTokens: try question(engine), sampling: Sampling(temperature: 2, seed: 1))
        let generation = try engine.generate(request)
        _ = try await generation.next()
        generation.cancel()
        let answer = try await Answer(generation)
        #expect(answer.reason == .cancelled)
        #expect(try await generation.next() == nil)
    }

    @Test func `ends the generation of a cancelled task`() async throws {
        let engine = try await engine()
        let request = GenerationRequest(promptTokens: [1, 2, 3], sampling: Sampling(temperature: 5, seed: 1))
        let task = Task { try await Answer(engine.generate(request)) }
        task.cancel()
        #expect(try await task.value.reason == .cancelled)
    }

    @Test func `frees the slot of a generation that was let go`() async throws {
        let engine = try await engine { options in
            options.slots = 1
            options.readAhead = 1
        }
        let request = GenerationRequest(promptTokens: try question(engine), maxTokens: 20)
        for _ in 0..<5 { _ = try engine.generate(request) }
        #expect(try await Answer(engine.generate(request)).reason != nil)
    }

    @Test func `refuses more than may wait`() async throws {
        let engine = try await engine { options in
            options.slots = 1
            options.queueLimit = 2
            options.readAhead = 1
        }
        let request = GenerationRequest(promptTokens: try question(engine), maxTokens: 20)
        let running = try engine.generate(request)
        // Its first text says that it left the queue.
        _ = try await running.next()
        let waiting = [try engine.generate(request), try engine.generate(request)]
        #expect(throws: GenerationError.busy(waiting: 2)) { try engine.generate(request) }
        waiting[0].cancel()
        #expect(try await Answer(waiting[0]).reason == .cancelled)
        running.cancel()
        #expect(try await Answer(waiting[1]).completion > 0)
    }

    @Test func `tells readers when it is closed`() async throws {
        let engine = try await engine { $0.readAhead = 1 }
        let request = GenerationRequest(promptTokens: try question(engine))
        let generation = try engine.generate(request)
        _ = try await generation.next()
        engine.close()
        await #expect(throws: GenerationError.closed) { while try await generation.next() != nil {} }
        #expect(throws: GenerationError.closed) { try engine.generate(request) }
    }

    @Test func `says what is wrong with a file`() async throws {
        await #expect(throws: ModelError.self) { try await Engine.load(path: "/nowhere.gguf") }
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let cut = folder.appending(path: "cut.gguf")
        let whole = try Data(contentsOf: URL(filePath: Fixtures.tiny))
        for length in [0, 3, 100, 40_000, whole.count - 1] {
            try whole.prefix(length).write(to: cut)
            await #expect(throws: ModelError.self, "\(length)") { try await Engine.load(path: cut.path) }
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct `Engine's cache` {
    @Test func `serves a prompt that it has seen`() async throws {
        let engine = try await engine()
        let prompt = try question(engine, String(repeating: "What is Lattice? ", count: 40))
        let request = GenerationRequest(promptTokens: prompt, maxTokens: 5)
        let first = try engine.generate(request)
        let cold = try await Answer(first)
        #expect(first.cachedPromptTokens == 0)
        let second = try engine.generate(request)
        #expect(try await Answer(second) == cold)
        #expect(second.cachedPromptTokens == (prompt.count - 1) / 64 * 64)
        #expect(second.cachedPromptTokens > 0)
        let hashes = Engine.prefixHashes(of: prompt)
        #expect(hashes.count == prompt.count / 64)
        #expect(Set(hashes).isSubset(of: await engine.cachedPrefixes()))
        engine.close()
        #expect(await engine.cachedPrefixes().isEmpty)
    }

    @Test func `bounds the context`() async throws {
        let page = 2 * 2 * 64 * 64 * 2 * 6
        let engine = try await engine { $0.cacheBytes = 3 * page + 5 }
        #expect(engine.contextLength == 192)
        #expect(engine.usage.pageLimit == 3)
        #expect(throws: GenerationError.contextOverflow(promptTokens: 192, contextLength: 192)) {
            try engine.generate(GenerationRequest(promptTokens: [TokenID](repeating: 1, count: 192)))
        }
        let whole = try await Answer(engine.generate(GenerationRequest(promptTokens: [1, 2, 3])))
        #expect(whole.completion > 0)
        #expect(engine.usage.cacheBytes <= 3 * page)
    }

    @Test func `may hold other numbers than halves`() async throws {
        var sizes: [CacheType: Int] = [:]
        for type in CacheType.allCases {
            let engine = try await engine { $0.cacheType = type }
            let answer = try await Answer(engine.generate(GenerationRequest(promptTokens: question(engine))))
            #expect(answer.reason == .stop)
            sizes[type] = engine.usage.cacheBytes
        }
        #expect(sizes[.f32].map { $0 / 2 } == sizes[.f16])
    }

    @Test func `lets guesses change nothing`() async throws {
        let text = String(repeating: "one two three four five six seven eight ", count: 12)
        var answers: [[Answer]] = []
        for isGuessing in [true, false] {
            let engine = try await engine { $0.guessesAhead = isGuessing }
            let prompt = try question(engine, text)
            var some: [Answer] = []
            for temperature in [0, 0.5, 2] {
                let sampling = Sampling(temperature: temperature, seed: 9)
                let request = GenerationRequest(promptTokens: prompt, maxTokens: 60, sampling: sampling)
                some.append(try await Answer(engine.generate(request)))
            }
            answers.append(some)
            if !isGuessing { #expect(engine.usage.guesses == 0) }
        }
        #expect(answers[0] == answers[1])
    }
}
