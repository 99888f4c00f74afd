import Foundation
import LatticeTesting
import Testing

@testable import Inference
@testable import InferenceKernels

/// What one sequence computed: its tokens, and every bit of the logits that they were chosen from.
private struct Trace: Hashable {
    var tokens: [TokenID] = []
    var bits: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The most likely token, which is also taken into account with all its rivals.
    mutating func take(_ logits: UnsafeMutablePointer<Float>, _ count: Int) -> TokenID {
        for index in 0..<count { bits = unsafe (bits ^ UInt64(logits[index].bitPattern)) &* 0x100_0000_01b3 }
        let token = unsafe ik_argmax(logits, UInt32(count))
        tokens.append(token)
        return token
    }
}

/// One way of serving the same prompts.
private struct Way {
    var threads = 1
    var path = ik_best_path()
    var together = 1
    var stepTokens = 128
    var pages = 200
    var guesses = false
    var rounds = 1
}

@Suite(.timeLimit(.minutes(30))) struct `Bits of what is served` {
    private static let answer = 6
    private let isLong = ProcessInfo.processInfo.environment["LATTICE_LONG"] == "1"
    private let file: GGUFFile
    private let prompts: [[TokenID]]

    init() throws {
        file = try GGUFFile(path: Fixtures.tiny)
        var random = SeededGenerator(seed: 31)
        let stems = [0, 64, 128, 200].map { count in (0..<count).map { _ in TokenID(random.next() % 2000) } }
        prompts = (0..<(isLong ? 1000 : 8)).map { _ in
            var prompt = stems[Int(random.next() % 4)]
            for _ in 0..<1 + Int(random.next() % 100) { prompt.append(TokenID(random.next() % 2000)) }
            return prompt
        }
    }

    /// Each prompt alone, in chunks, without sharing.
    private func expected(_ prompts: [[TokenID]], _ type: CacheType) async throws -> [Trace] {
        let rig = try Rig(file: file, pool: KernelPool(threads: 1), chunk: 64)
        var traces: [Trace] = []
        for prompt in prompts {
            let cache = rig.cache(type)
            var trace = Trace()
            _ = try rig.run(prompt, cache)
            for step in 0..<Self.answer {
                let token = unsafe trace.take(rig.workspace.logits(0), rig.transformer.vocabulary)
                if step + 1 < Self.answer { _ = try rig.run([token], cache) }
            }
            traces.append(trace)
            await Task.yield()
        }
        return traces
    }

    private func served(_ prompts: [[TokenID]], _ way: Way, _ type: CacheType) async throws -> [[Trace]] {
        let pool = try KernelPool(threads: way.threads, path: way.path)
        let transformer = try Transformer(file: file, pool: pool)
        let runner = try BatchRunner(
            transformer: transformer,
            pool: pool,
            type: type,
            pages: way.pages,
            limits: Scheduler.Limits(stepTokens: way.stepTokens, rows: min(16, way.stepTokens), expectedAnswer: 4),
            isGuessing: way.guesses
        )
        var id = 0
        var rounds: [[Trace]] = []
        for _ in 0..<way.rounds {
            let first = id
            var traces = prompts.map { _ in Trace() }
            var running: Set<Int> = []
            while id < first + prompts.count || !running.isEmpty {
                while running.count < way.together, id < first + prompts.count {
                    runner.add(id: id, prompt: prompts[id - first], limit: Self.answer)
                    running.insert(id)
                    id += 1
                }
                let work = runner.plan(paused: [])
                try #require(!work.isEmpty)
                unsafe runner.run(
                    work,
                    fail: { Issue.record("\($0): \($1)") },
                    choose: { id, logits, _ in
                        let token = unsafe traces[id - first].take(logits, transformer.vocabulary)
                        guard traces[id - first].tokens.count < Self.answer else {
                            running.remove(id)
                            return .end
                        }
                        return .goOn(token)
                    }
                )
                #expect(runner.memory.size <= way.pages * runner.memory.pageSize)
                await Task.yield()
            }
            #expect(runner.usage.pagesInUse == 0)
            rounds.append(traces)
        }
        return rounds
    }

    @Test(arguments: CacheType.allCases) func `are those of each prompt alone`(type: CacheType) async throws {
        let prompts = Array(self.prompts.prefix(type == .f16 ? 1000 : 100))
        let expected = try await expected(prompts, type)
        // Hardly more pages than one prompt needs: others wait, are preempted and find their pages gone.
        var ways = [Way(threads: 2, together: 8, pages: 5, guesses: true, rounds: 2)]
        if type == .f16 || isLong {
            ways += (1...8).map { Way(threads: 1 + $0 % 2, together: $0, guesses: $0 % 3 == 0) }
            ways += [
                Way(stepTokens: 16), Way(together: 5, stepTokens: 37, rounds: 2), Way(path: IK_PATH_AVX2, together: 4),
            ]
        }
        if isLong { ways.append(Way(path: IK_PATH_PORTABLE, together: 3)) }
        for way in ways where ik_path_available(way.path) {
            for (round, traces) in try await served(prompts, way, type).enumerated() {
                let wrong = zip(traces, expected).count { $0 != $1 }
                #expect(wrong == 0, "round \(round) of \(way)")
            }
        }
    }
}
