import Foundation
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(240))) struct `Answers under a grammar` {
    private func answer(
        _ engine: Engine,
        _ prompt: String,
        _ grammar: Grammar,
        _ sampling: Sampling = .greedy,
        maxTokens: Int = 400
    ) async throws -> (text: String, reason: FinishReason?, tokens: Int) {
        let request = GenerationRequest(
            promptTokens: try engine.prompt(for: [ChatTurn(role: "user", content: prompt)]),
            maxTokens: maxTokens,
            sampling: sampling,
            grammar: grammar
        )
        var text = ""
        var reason: FinishReason?
        var tokens = 0
        for try await event in try engine.generate(request) {
            switch event {
            case .text(let more, _): text += more
            case .finished(let why, _, let completion, _, _): (reason, tokens) = (why, completion)
            }
        }
        return (text, reason, tokens)
    }

    @Test func `are texts of it, greedy and drawn, and end when they are whole`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny)
        let yes = try Grammar(gbnf: #"root ::= "yes" | "no""#)
        for temperature in [0, 1, 5.0] {
            let (text, reason, tokens) = try await answer(
                engine,
                "Is it raining?",
                yes,
                Sampling(temperature: temperature, seed: 9)
            )
            #expect(["yes", "no"].contains(text) && reason == .stop && tokens <= 3)
        }
        let words = try Grammar(gbnf: "root ::= [A-Z] [a-z ]* \".\"")
        let sentence = try await answer(engine, "What is Lattice?", words)
        #expect(accepts(words, sentence.text) || sentence.reason == .length)
        let open = try Grammar(gbnf: "root ::= \"a\"+")
        let end = try await answer(
            engine,
            "Say a",
            open,
            Sampling(temperature: 1, logitBias: [:], seed: 4),
            maxTokens: 20
        )
        #expect(!end.text.isEmpty && end.text.allSatisfy { $0 == "a" })
        let object = try await answer(engine, "Give me an object", .jsonObject, Sampling(temperature: 1, seed: 2))
        #expect(accepts(.jsonObject, object.text) || object.reason == .length)
    }

    @Test func `hold characters whole that tokens cut`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny)
        let grammar = try Grammar(gbnf: "root ::= [α-ω😀-😏漢]{6}")
        for seed in 0..<8 {
            let (text, reason, _) = try await answer(
                engine,
                "Greek",
                grammar,
                Sampling(temperature: 2, seed: UInt64(seed))
            )
            #expect(reason == .stop && text.unicodeScalars.count == 6 && accepts(grammar, text), "\(text)")
        }
    }

    @Test func `are the same whatever was asked before and is asked beside`() async throws {
        let schema = RandomSchema.text(3)
        let grammar = try Grammar(jsonSchema: schema)
        let first = try await Engine.load(path: Fixtures.tiny)
        let alone = try await answer(first, "An object", grammar, Sampling(temperature: 1.2, seed: 8))
        let second = try await Engine.load(path: Fixtures.tiny)
        for seed in 0..<12 {
            async let beside = answer(
                second,
                "Another",
                grammar,
                Sampling(temperature: 1.5, seed: UInt64(seed)),
                maxTokens: 60
            )
            async let other = answer(
                second,
                "Other",
                .jsonObject,
                Sampling(temperature: 1.5, seed: UInt64(seed)),
                maxTokens: 60
            )
            _ = try await (beside, other)
        }
        let again = try await answer(
            second,
            "An object",
            try Grammar(jsonSchema: schema),
            Sampling(temperature: 1.2, seed: 8)
        )
        #expect(again.text == alone.text && again.reason == alone.reason)
    }

    @Test(.enabled(if: Fixtures.has("models/arch-fixtures")))
    func `are texts of it with any kind of vocabulary`() async throws {
        let folder = Fixtures.shared.appending(path: "models/arch-fixtures")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".gguf") }
        for file in files.sorted() {
            let engine = try await Engine.load(path: folder.appending(path: file).path)
            let prompt = engine.tokenizer.encode("Hello", parsingSpecial: false, addingBOS: true)
            let grammar = try Grammar(jsonSchema: #"{"enum":["one two","é漢😀",{"a":[1,null]}]}"#)
            let spaced = try Grammar(gbnf: "root ::= [a-z]{3} (\" \" [a-zé]{2}){2}")
            for grammar in [grammar, spaced] {
                for seed in 0..<4 {
                    var text = ""
                    let request = GenerationRequest(
                        promptTokens: prompt,
                        maxTokens: 60,
                        sampling: Sampling(temperature: 1, seed: UInt64(seed)),
                        grammar: grammar
                    )
                    for try await event in try engine.generate(request) {
                        if case .text(let more, _) = event { text += more }
                    }
                    #expect(accepts(grammar, text), "\(file): \(text)")
                }
            }
        }
    }

    @Test func `fail where the model has no token for them`() async throws {
        let engine = try await Engine.load(path: Fixtures.tiny)
        var sampling = Sampling.greedy
        sampling.logitBias = [TokenID(engine.tokenizer.vocabularySize): 1]
        await #expect(throws: GenerationError.unknownToken(TokenID(engine.tokenizer.vocabularySize))) {
            try await answer(engine, "x", .jsonObject, sampling)
        }
    }

    @Test func `parse and are valid under random schemas`() async throws {
        let isLong = ProcessInfo.processInfo.environment["LATTICE_LONG"] != nil
        let count = isLong ? 10_000 : 200
        let engine = try await Engine.load(path: Fixtures.tiny, options: EngineOptions(slots: 4))
        let subjects = ["Lattice", "a peer", "the weather", "42", "{", "プロンプト", "a \"quoted\" word", "nothing"]
        var whole = 0
        var cut = 0
        var empty = 0
        var tokens = 0
        var file = FileHandle?.none
        if let path = ProcessInfo.processInfo.environment["LATTICE_SCHEMA_LOG"] {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            file = FileHandle(forWritingAtPath: path)
        }
        for start in stride(from: 0, to: count, by: 4) {
            let answers = try await withThrowingTaskGroup { group in
                for seed in start..<min(start + 4, count) {
                    let schema = RandomSchema.text(UInt64(seed))
                    let grammar: Grammar
                    do { grammar = try Grammar(jsonSchema: schema) } catch GrammarError.nothingMatches {
                        empty += 1
                        continue
                    }
                    group.addTask {
                        var generator = SplitMix64(seed: UInt64(seed) ^ 77)
                        let temperatures = [0, 0.7, 1, 1.5]
                        let sampling = Sampling(temperature: generator.pick(temperatures), seed: generator.next())
                        let prompt = "Tell me about \(generator.pick(subjects)) in JSON."
                        let (text, reason, count) = try await answer(engine, prompt, grammar, sampling, maxTokens: 800)
                        return (seed, schema, text, reason, count)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (seed, schema, text, reason, count) in answers {
                tokens += count
                guard reason == .stop else {
                    cut += 1
                    continue
                }
                whole += 1
                let fault = try SchemaValidator(schema).fault(text)
                #expect(fault == nil, "seed \(seed): \(text) under \(schema)")
                if let file {
                    let line = try JSONEncoder().encode(["schema": schema, "text": text])
                    try file.write(contentsOf: line + [0x0A])
                }
            }
        }
        print(
            "\(count) schemas: \(whole) answers whole, \(cut) cut at the limit, \(empty) schemas without a text; \(tokens) tokens"
        )
        // A model as small as this one goes on for ever in strings that may be of any length.
        #expect(whole > count * 3 / 4 && cut < count / 5)
    }
}
