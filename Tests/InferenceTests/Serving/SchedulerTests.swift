import LatticeTesting
import Testing

@testable import Inference

/// A model whose next token follows from all tokens before it, and whose cache is a table of tokens.
private struct Simulation {
    var scheduler: Scheduler
    var random: SeededGenerator
    var pages: [PageID: [TokenID?]] = [:]
    var asked: [Int: (prompt: [TokenID], limit: Int)] = [:]
    var answers: [Int: [TokenID]] = [:]
    var paused: Set<Int> = []
    var computed = 0

    init(limits: Scheduler.Limits, pages: Int, seed: UInt64) {
        scheduler = Scheduler(limits: limits, pages: pages)
        random = SeededGenerator(seed: seed)
    }

    /// Few different tokens, so that answers repeat themselves and guesses are right now and then.
    static func next(_ tokens: [TokenID]) -> TokenID {
        let hash = tokens.suffix(4).reduce(UInt64(7)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return TokenID((hash >> 20) % 3)
    }

    static func answer(_ prompt: [TokenID], _ limit: Int) -> [TokenID] {
        var tokens = prompt
        for _ in 0..<limit { tokens.append(next(tokens)) }
        return Array(tokens[prompt.count...])
    }

    mutating func add(_ id: Int, _ prompt: [TokenID], _ limit: Int) {
        scheduler.add(id: id, prompt: prompt, limit: limit)
        asked[id] = (prompt, limit)
        answers[id] = []
    }

    mutating func cancel(_ id: Int) {
        scheduler.remove(id)
        asked[id] = nil
        answers[id] = nil
        paused.remove(id)
    }

    /// One step; answers what was computed and the ids that ended.
    mutating func step(promptTokens: Int, cost: StepCost?) -> (work: [Scheduler.Work], ended: [Int]) {
        let work = scheduler.plan(paused: paused, promptTokens: promptTokens, cost: cost)
        let limits = scheduler.limits
        #expect(work.reduce(0) { $0 + $1.tokens.count } <= limits.stepTokens)
        #expect(work.reduce(0) { $0 + $1.rows } <= limits.rows)
        #expect(Set(work.map(\.id)).count == work.count)
        #expect(paused.isDisjoint(with: work.map(\.id)))
        #expect(scheduler.prefixes.available >= 0)
        var ended: [Int] = []
        for part in work { write(part) }
        for part in work {
            computed += part.tokens.count
            scheduler.advance(part.id, by: part.tokens.count - part.guesses)
            guard part.wantsLogits else { continue }
            var right = 0
            while let sequence = scheduler[part.id] {
                let token = Self.next(sequence.tokens)
                answers[part.id]?.append(token)
                if answers[part.id]?.count == asked[part.id]?.limit {
                    ended.append(part.id)
                    scheduler.remove(part.id)
                    break
                }
                scheduler.append(token, to: part.id)
                guard right < part.guesses, part.tokens.suffix(part.guesses).dropFirst(right).first == token else {
                    break
                }
                right += 1
                scheduler.advance(part.id, by: 1)
            }
            if part.guesses > 0 { scheduler.judge(part.id, guesses: part.guesses, right: right) }
        }
        return (work, ended)
    }

    /// Checks that the pages hold what comes before, and puts the tokens there.
    private mutating func write(_ part: Scheduler.Work) {
        guard let sequence = scheduler[part.id] else {
            Issue.record("work for nobody")
            return
        }
        let segment = part.segment
        #expect(segment.count == part.tokens.count && segment.pages.count * 64 >= segment.end)
        for position in 0..<segment.position {
            let held = pages[segment.pages[position / 64]]?[position % 64]
            guard held == sequence.tokens[position] else {
                Issue.record("sequence \(part.id) reads \(held ?? -1) at \(position)")
                return
            }
        }
        for (offset, token) in part.tokens.enumerated() {
            let position = segment.position + offset
            pages[segment.pages[position / 64], default: Array(repeating: nil, count: 64)][position % 64] = token
        }
    }

    /// Runs to the end of all sequences; answers how many steps that took.
    mutating func finish(promptTokens: Int = 128) -> Int {
        var steps = 0
        while !asked.isEmpty, steps < 100_000 {
            let (work, ended) = step(promptTokens: promptTokens, cost: nil)
            guard !work.isEmpty else { break }
            for id in ended { asked[id] = nil }
            steps += 1
        }
        return steps
    }
}

@Suite struct Scheduling {
    private func prompt(_ count: Int, _ seed: UInt64) -> [TokenID] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in TokenID(random.next() % 3) }
    }

    @Test func `takes a token of every answer and a part of a prompt in each step`() {
        var simulation = Simulation(limits: .init(stepTokens: 70, rows: 16), pages: 100, seed: 1)
        simulation.add(0, prompt(5, 1), 50)
        simulation.add(1, prompt(6, 2), 50)
        _ = simulation.step(promptTokens: 70, cost: nil)
        simulation.add(2, prompt(300, 3), 50)
        for _ in 0..<4 {
            let work = simulation.step(promptTokens: 70, cost: nil).work
            #expect(work.map(\.id) == [0, 1, 2])
            #expect(work.map(\.tokens.count) == [1, 1, 64])
        }
    }

    @Test func `lets a short prompt pass a long one`() {
        var simulation = Simulation(limits: .init(stepTokens: 64, rows: 16), pages: 100, seed: 1)
        simulation.add(0, prompt(2000, 1), 5)
        _ = simulation.step(promptTokens: 64, cost: nil)
        simulation.add(1, prompt(10, 2), 5)
        let work = simulation.step(promptTokens: 64, cost: nil).work
        #expect(work.contains { $0.id == 1 && $0.wantsLogits })
    }

    @Test func `computes a shared prompt once`() {
        var simulation = Simulation(limits: .init(stepTokens: 128, rows: 16), pages: 100, seed: 1)
        let shared = prompt(640, 1)
        for id in 0..<8 { simulation.add(id, shared + prompt(10, UInt64(id) + 2), 3) }
        _ = simulation.finish()
        // The prefix once, eight ends, and the answers' tokens but the last.
        #expect(simulation.computed == 640 + 8 * 10 + 8 * 2)
        simulation.add(8, shared + prompt(20, 99), 1)
        _ = simulation.step(promptTokens: 128, cost: nil)
        #expect(simulation.computed == 640 + 8 * 12 + 20)
    }

    @Test func `computes the last token of a prompt that is all in the cache`() {
        var simulation = Simulation(limits: .init(stepTokens: 128, rows: 16), pages: 10, seed: 1)
        for id in 0..<2 {
            simulation.add(id, prompt(128, 1), 4)
            _ = simulation.finish()
            #expect(simulation.answers[id] == Simulation.answer(prompt(128, 1), 4))
        }
        #expect(simulation.computed == (128 + 3) + (64 + 3))
    }

    @Test func `admits in order and keeps room for those that run`() {
        var limits = Scheduler.Limits(stepTokens: 64, rows: 16)
        limits.expectedAnswer = 64
        var simulation = Simulation(limits: limits, pages: 8, seed: 1)
        for id in 0..<4 { simulation.add(id, prompt(100, UInt64(id)), 60) }
        _ = simulation.step(promptTokens: 64, cost: nil)
        // Each wants three pages.
        #expect(simulation.scheduler.counts == (2, 2))
        #expect(simulation.scheduler[2]?.isRunning == false)
        #expect(simulation.finish() > 0)
        #expect(simulation.scheduler.preemptions == 0)
    }

    @Test func `takes the pages of the youngest when none is left`() {
        var limits = Scheduler.Limits(stepTokens: 64, rows: 16)
        limits.expectedAnswer = 1
        var simulation = Simulation(limits: limits, pages: 8, seed: 1)
        for id in 0..<4 { simulation.add(id, prompt(60, UInt64(id)), 400) }
        var order: [Int] = []
        var steps = 0
        while order.count < 4, steps < 10_000 {
            order += simulation.step(promptTokens: 64, cost: nil).ended
            steps += 1
        }
        #expect(order.first == 0 && order.count == 4)
        #expect(simulation.scheduler.preemptions > 0)
        for id in 0..<4 { #expect(simulation.answers[id] == Simulation.answer(prompt(60, UInt64(id)), 400)) }
        #expect(simulation.scheduler.prefixes.inUse == 0)
    }

    @Test func `takes the pages of a paused sequence first`() {
        var simulation = Simulation(limits: .init(stepTokens: 64, rows: 16), pages: 8, seed: 1)
        simulation.add(0, prompt(200, 1), 200)
        for _ in 0..<8 { _ = simulation.step(promptTokens: 64, cost: nil) }
        simulation.paused = [0]
        #expect(simulation.step(promptTokens: 64, cost: nil).work.isEmpty)
        simulation.add(1, prompt(300, 2), 100)
        var ended: [Int] = []
        for _ in 0..<1000 where ended.isEmpty { ended = simulation.step(promptTokens: 64, cost: nil).ended }
        #expect(ended == [1])
        simulation.paused = []
        for _ in 0..<1000 where ended.count < 2 { ended += simulation.step(promptTokens: 64, cost: nil).ended }
        #expect(simulation.answers[0] == Simulation.answer(prompt(200, 1), 200))
    }

    /// Arrivals, pauses, cancellations, budgets and caches at random: every answer is right, and something always moves.
    @Test(arguments: 0..<24) func `serves everybody rightly whatever happens`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let slots = 1 + Int(random.next() % 12)
        var limits = Scheduler.Limits(stepTokens: slots + 1 + Int(random.next() % 150), rows: slots + 4)
        limits.expectedAnswer = Int(random.next() % 200)
        limits.rows = min(limits.rows, limits.stepTokens)
        let pages = 6 + Int(random.next() % 20)
        var simulation = Simulation(limits: limits, pages: pages, seed: random.next())
        let stems = (0..<3).map { prompt(64 * $0 + 30, UInt64($0)) }
        var cost = StepCost()
        cost.record(tokens: 1, promptTokens: 0, seconds: 1)
        cost.record(tokens: 4, promptTokens: 0, seconds: 1.1)
        var active: Set<Int> = []
        var next = 0
        var finished = 0
        var steps = 0
        while finished < 60 || !active.isEmpty {
            steps += 1
            try #require(steps < 60_000, "seed \(seed) goes on for ever")
            if next < 120, active.count < slots, random.next() % 3 == 0 {
                let stem = stems[Int(random.next() % 3)]
                let own = stem + prompt(1 + Int(random.next() % 150), random.next() % 5)
                simulation.add(next, own, 1 + Int(random.next() % UInt64(pages * 64 - own.count)) % 120)
                active.insert(next)
                next += 1
            }
            simulation.paused = simulation.paused.filter { active.contains($0) && random.next() % 4 > 0 }
            if random.next() % 20 == 0, let id = active.randomElement(using: &random) { simulation.paused.insert(id) }
            if random.next() % 100 == 0, let id = active.randomElement(using: &random) {
                simulation.cancel(id)
                active.remove(id)
                finished += 1
            }
            let guesses = random.next() % 2 == 0 ? cost : nil
            let (work, ended) = simulation.step(promptTokens: 1 + Int(random.next() % 100), cost: guesses)
            if work.isEmpty { #expect(active.isSubset(of: simulation.paused), "seed \(seed): nothing moves") }
            for id in ended {
                let (prompt, limit) = try #require(simulation.asked[id])
                #expect(simulation.answers[id] == Simulation.answer(prompt, limit), "seed \(seed): \(id)")
                active.remove(id)
                finished += 1
            }
            if next >= 120 && active.isEmpty { break }
        }
        #expect(simulation.scheduler.prefixes.inUse == 0)
    }
}

@Suite struct `Guesses of what follows` {
    private let cheap: StepCost = {
        var cost = StepCost()
        for tokens in [1, 2, 4, 8] { cost.record(tokens: tokens, promptTokens: 0, seconds: 1 + Double(tokens) * 0.01) }
        return cost
    }()
    private let dear: StepCost = {
        var cost = StepCost()
        for tokens in [1, 2, 4, 8] { cost.record(tokens: tokens, promptTokens: 0, seconds: Double(tokens)) }
        return cost
    }()

    @Test func `come from the last place with the same three tokens`() {
        var lookup = PromptLookup()
        let tokens: [TokenID] = [1, 2, 3, 9, 9, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3]
        #expect(lookup.guess(after: tokens, room: 3, beside: 1, cost: cheap) == [4, 5, 6])
        #expect(lookup.guess(after: tokens, room: 0, beside: 1, cost: cheap).isEmpty)
        #expect(lookup.guess(after: [1, 2, 3], room: 3, beside: 1, cost: cheap).isEmpty)
        #expect(lookup.guess(after: [5, 5, 5, 5], room: 3, beside: 1, cost: cheap) == [5])
    }

    @Test func `stop where they are wrong, and where a token more costs as much as the first`() {
        var lookup = PromptLookup()
        let tokens: [TokenID] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3]
        #expect(lookup.guess(after: tokens, room: 7, beside: 1, cost: dear).isEmpty)
        for _ in 0..<40 { lookup.record(guesses: 1, right: 0) }
        #expect(lookup.guess(after: tokens, room: 7, beside: 1, cost: cheap).isEmpty)
        for _ in 0..<40 { lookup.record(guesses: 7, right: 7) }
        #expect(lookup.guess(after: tokens, room: 7, beside: 1, cost: cheap).count == 7)
    }

    @Test func `are tried again after a while`() {
        var lookup = PromptLookup()
        let tokens: [TokenID] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3]
        for _ in 0..<40 { lookup.record(guesses: 1, right: 0) }
        var tries = 0
        while lookup.guess(after: tokens, room: 7, beside: 1, cost: cheap).isEmpty, tries < 1000 { tries += 1 }
        #expect(tries == 31)
        let next = lookup.guess(after: tokens, room: 7, beside: 1, cost: cheap)
        #expect(next.isEmpty)
    }

    @Test func `know what a step costs`() {
        #expect(abs(cheap.seconds(6) - 1.06) < 0.01)
        #expect(abs(dear.seconds(6) - 6) < 0.01)
        #expect(abs(dear.seconds(16) - 16) < 0.01)
        var cost = StepCost()
        #expect(cost.seconds(4) == 2 * cost.seconds(1))
        // A step that was held up says nothing.
        for seconds in [1, 50, 1.001] { cost.record(tokens: 1, promptTokens: 0, seconds: seconds) }
        #expect(cost.seconds(1) < 1.01 && abs(cost.seconds(4) - 2) < 0.01)
        #expect(cost.promptTokens(isAnswering: true, limit: 128) == 128)
        cost.record(tokens: 100, promptTokens: 100, seconds: 1)
        #expect(cost.promptTokens(isAnswering: false, limit: 128) == 50)
        #expect(cost.promptTokens(isAnswering: true, limit: 128) == 16)
    }
}
