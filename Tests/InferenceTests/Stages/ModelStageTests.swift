import LatticeTesting
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(5))) struct `Stages of a model` {
    private let vocabulary = 2000

    private func chain(_ borders: [Int], _ options: EngineOptions = EngineOptions()) async throws -> [ModelStage] {
        var stages: [ModelStage] = []
        for (first, last) in zip(borders, borders.dropFirst()) {
            stages.append(try await ModelStage.load(path: Fixtures.tiny, layers: first..<last, options: options))
        }
        return stages
    }

    /// Sends parts through all stages, each with its own buffers.
    private func send(_ parts: [StagePart], through stages: [ModelStage]) async throws -> [[[Float]]] {
        var parts = parts
        let rows = parts.map(\.rows)
        var results: [StageResult] = []
        for (index, stage) in stages.enumerated() {
            for place in parts.indices {
                if index > 0 { parts[place].input = .hidden(results[place].hidden) }
                parts[place].rows = index == stages.count - 1 ? rows[place] : 0
            }
            results = try await stage.run(parts)
        }
        return results.map(\.logits)
    }

    @Test(arguments: [[0, 6], [0, 2, 4, 6], [0, 1, 5, 6], [0, 1, 2, 3, 4, 5, 6]])
    func `give the bits of the whole`(borders: [Int]) async throws {
        let rig = try Rig(path: Fixtures.tiny)
        let stages = try await chain(borders)
        var random = SeededGenerator(seed: UInt64(borders.count))
        let prompts = (0..<3).map { index in
            (0..<40 + index * 37).map { _ in TokenID(random.next() % UInt64(vocabulary)) }
        }
        var done = prompts.map { _ in 0 }
        while done != prompts.map(\.count) {
            var parts: [StagePart] = []
            for index in prompts.indices where done[index] < prompts[index].count {
                let count = min(1 + Int(random.next() % 30), prompts[index].count - done[index])
                let tokens = Array(prompts[index][done[index]..<done[index] + count])
                parts.append(
                    StagePart(sequence: UInt64(index), position: done[index], input: .tokens(tokens), rows: 1)
                )
                done[index] += count
            }
            let logits = try await send(parts, through: stages)
            for (part, rows) in zip(parts, logits) {
                let index = Int(part.sequence)
                guard done[index] == prompts[index].count else { continue }
                let expected = try rig.run(prompts[index], rig.cache())
                #expect(rows.map { $0.map(\.bitPattern) } == [expected.map(\.bitPattern)], "sequence \(index)")
            }
        }
    }

    @Test func `take a sequence back to an earlier position`() async throws {
        let stages = try await chain([0, 3, 6])
        let tokens = (0..<70).map { TokenID($0 * 31 % vocabulary) }
        let whole = StagePart(sequence: 1, position: 0, input: .tokens(tokens), rows: 2)
        let first = try await send([whole], through: stages)
        let wrong = StagePart(sequence: 1, position: 60, input: .tokens([1, 2, 3]))
        _ = try await send([wrong], through: stages)
        let again = StagePart(sequence: 1, position: 60, input: .tokens(Array(tokens[60...])), rows: 2)
        #expect(try await send([again], through: stages) == first)
    }

    @Test func `refuse what does not fit`() async throws {
        let options = EngineOptions(slots: 2, contextLength: 100, cacheBytes: 3 * 2 * 2 * 64 * 64 * 2 * 3)
        let stages = try await chain([0, 3, 6], options)
        func refusal(_ stage: Int, _ part: StagePart) async -> StageError? {
            do throws(StageError) { _ = try await stages[stage].run([part]) } catch { return error }
            return nil
        }
        let states = [Float](repeating: 0.5, count: 256)
        #expect(await refusal(0, StagePart(sequence: 1, position: 0, input: .hidden(states))) != nil)
        #expect(await refusal(1, StagePart(sequence: 1, position: 0, input: .tokens([1]))) != nil)
        #expect(await refusal(1, StagePart(sequence: 1, position: 0, input: .hidden(Array(states.dropLast())))) != nil)
        #expect(await refusal(0, StagePart(sequence: 1, position: 0, input: .tokens([]))) != nil)
        #expect(await refusal(0, StagePart(sequence: 1, position: 0, input: .tokens([99_999]))) != nil)
        #expect(await refusal(0, StagePart(sequence: 1, position: 0, input: .tokens([1]), rows: 1)) != nil)
        #expect(
            await refusal(0, StagePart(sequence: 1, position: 5, input: .tokens([1])))
                == .gap(sequence: 1, position: 5, held: 0)
        )
        let long = [TokenID](repeating: 1, count: 100)
        #expect(await refusal(0, StagePart(sequence: 1, position: 0, input: .tokens(long))) == nil)
        #expect(await refusal(0, StagePart(sequence: 1, position: 100, input: .tokens([1]))) != nil)
        #expect(await refusal(0, StagePart(sequence: 2, position: 0, input: .tokens(long))) == .full)
        #expect(await refusal(0, StagePart(sequence: 3, position: 0, input: .tokens([1]))) == nil)
        #expect(await refusal(0, StagePart(sequence: 4, position: 0, input: .tokens([1]))) == .full)
        try await stages[0].forget(1)
        #expect(await refusal(0, StagePart(sequence: 4, position: 0, input: .tokens([1]))) == nil)
        stages[0].close()
        #expect(await refusal(0, StagePart(sequence: 3, position: 1, input: .tokens([1]))) == .closed)
        await #expect(throws: ModelError.self) { try await ModelStage.load(path: Fixtures.tiny, layers: 4..<9) }
    }
}
