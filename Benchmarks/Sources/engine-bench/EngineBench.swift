import Foundation
import Inference

/// Measures the engine on one file; prints one JSON object.
@main
enum EngineBench {
    static func main() async {
        do {
            let report = try await Options(CommandLine.arguments.dropFirst()).report()
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = .sortedKeys
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } catch {
            FileHandle.standardError.write(Data("engine-bench: \(error)\n".utf8))
            exit(1)
        }
    }
}

extension Options {
    /// What the command line asks for.
    func report() async throws -> Report {
        switch role {
        case .read: return Report(bytesPerSecond: MemoryRead.bytesPerSecond(threads: threads))
        case .speed: return try await measured { try await $0.speed() }
        case .together: return try await measured { try await $0.together() }
        case .prefix: return try await measured { try await $0.prefix() }
        }
    }

    private func measured(_ body: (Bench) async throws -> Report) async throws -> Report {
        let start = ContinuousClock.now
        let engine = try await Engine.load(path: model, options: engineOptions)
        defer { engine.close() }
        let loading = start.duration(to: .now) / .seconds(1)
        var report = try await body(Bench(engine: engine, options: self))
        report.loadSeconds = loading
        report.residentBytes = ProcessMemory.residentPeak
        return report
    }
}

/// What was measured; every field is absent where it has no meaning.
struct Report: Encodable {
    var loadSeconds: Double?
    /// The most memory that was in RAM.
    var residentBytes: Int?
    /// Prompt tokens a second.
    var prefill: Double?
    /// Generated tokens a second of one request.
    var decode: Double?
    /// Prompt and generated tokens a second, of all requests together.
    var tokens: Double?
    /// Milliseconds to the first token without and with the prefix in the cache.
    var coldMilliseconds: Double?
    var warmMilliseconds: Double?
    var bytesPerSecond: Double?
}

/// Cases on a loaded engine.
struct Bench {
    let engine: Engine
    let options: Options

    /// One request at a time: a prompt, then an answer to a prompt of one token, as `llama-bench` does.
    func speed() async throws -> Report {
        var report = Report()
        if options.prompt > 0 {
            // The first run finds the caches of the processor cold.
            _ = try await run(prompt(64, 0), answer: 1)
            let ending = try await run(prompt(options.prompt, 1), answer: 1)
            report.prefill = Double(options.prompt) / (ending.prefill / .seconds(1))
        }
        if options.generate > 0 {
            _ = try await run(prompt(1, 2), answer: 4)
            let ending = try await run(prompt(1, 3), answer: options.generate + 1)
            report.decode = Double(ending.tokens - 1) / (ending.decode / .seconds(1))
        }
        return report
    }

    /// Several requests at once, begun together, as `llama-batched-bench` does.
    func together() async throws -> Report {
        let start = ContinuousClock.now
        let tokens = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<options.inFlight {
                let prompt = prompt(options.prompt, number)
                group.addTask { try await run(prompt, answer: options.generate).tokens + prompt.count }
            }
            return try await group.reduce(0, +)
        }
        return Report(tokens: Double(tokens) / (start.duration(to: .now) / .seconds(1)))
    }

    /// Two requests after one another whose prompts differ in the last tokens only.
    func prefix() async throws -> Report {
        _ = try await run(prompt(64, 0), answer: 1)
        let shared = prompt(options.prompt, 1)
        let cold = try await run(shared + prompt(16, 2), answer: 1)
        let warm = try await run(shared + prompt(16, 3), answer: 1)
        return Report(
            coldMilliseconds: cold.prefill / .milliseconds(1),
            warmMilliseconds: warm.prefill / .milliseconds(1)
        )
    }

    /// Tokens that stand for nothing and differ for every `number`.
    private func prompt(_ count: Int, _ number: Int) -> [TokenID] {
        (0..<count).map { TokenID(3 + ($0 * 7919 + number * 104_729) % min(engine.tokenizer.vocabularySize - 3, 250)) }
    }

    private func run(
        _ prompt: [TokenID],
        answer: Int
    ) async throws -> (tokens: Int, prefill: Duration, decode: Duration) {
        let generation = try engine.generate(
            // Random weights seldom end an answer, but they may.
            GenerationRequest(promptTokens: prompt, maxTokens: answer)
        )
        while let event = try await generation.next() {
            if case .finished(_, _, let tokens, let prefill, let decode) = event { return (tokens, prefill, decode) }
        }
        return (0, .zero, .zero)
    }
}
