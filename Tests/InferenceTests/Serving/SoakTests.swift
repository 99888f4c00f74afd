import Foundation
import LatticeTesting
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(30))) struct `Many requests` {
    private struct Reply: Hashable, Sendable {
        var text = ""
        var reason: FinishReason?
        var tokens = 0
    }

    private static func read(_ generation: Generation, cancellingAfter events: Int?) async throws -> Reply {
        var reply = Reply()
        var seen = 0
        for try await event in generation {
            seen += 1
            if seen == events { generation.cancel() }
            switch event {
            case .text(let more, _): reply.text += more
            case .finished(let reason, _, let count, _, _): (reply.reason, reply.tokens) = (reason, count)
            }
        }
        return reply
    }

    /// Requests with shared and own prompts, greedy and random, in a cache a tenth of what those in flight need.
    @Test func `with random cancels are answered rightly from a small cache`() async throws {
        let isLong = ProcessInfo.processInfo.environment["LATTICE_LONG"] == "1"
        var random = SeededGenerator(seed: 77)
        var options = EngineOptions(slots: 16, contextLength: 512, queueLimit: 64)
        let roomy = try await Engine.load(path: Fixtures.tiny, options: options)
        let stem = try roomy.prompt(for: [
            ChatTurn(role: "user", content: String(repeating: "What is a node? ", count: 20))
        ])
        let requests = (0..<20).map { index in
            var prompt = index % 2 == 0 ? Array(stem.prefix(40 + index * 4)) : []
            for _ in 0..<1 + Int(random.next() % 60) { prompt.append(TokenID(random.next() % 2000)) }
            return GenerationRequest(
                promptTokens: prompt,
                maxTokens: 1 + Int(random.next() % 120),
                sampling: index % 3 == 0 ? .greedy : Sampling(temperature: 2, seed: UInt64(index))
            )
        }
        var expected: [Reply] = []
        for request in requests { expected.append(try await Self.read(roomy.generate(request), cancellingAfter: nil)) }
        roomy.close()

        // Sixteen conversations of eight pages would be 128 pages.
        let page = 2 * 2 * 64 * 64 * 2 * 6
        options.cacheBytes = 12 * page
        let engine = try await Engine.load(path: Fixtures.tiny, options: options)
        #expect(engine.usage.pageLimit == 12)
        let count = isLong ? 1000 : 60
        let gate = 32
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= gate { try await group.next() }
                let index = Int(random.next() % UInt64(requests.count))
                let cancel = random.next() % 3 == 0 ? Int(random.next() % 12) : nil
                let whole = expected[index]
                group.addTask {
                    let generation = try engine.generate(requests[index])
                    if cancel == 0 { generation.cancel() }
                    let reply = try await Self.read(generation, cancellingAfter: cancel)
                    if reply.reason == .cancelled {
                        #expect(whole.text.hasPrefix(reply.text), "request \(index)")
                    } else {
                        #expect(reply == whole, "request \(index)")
                    }
                    #expect(engine.usage.cacheBytes <= 12 * page)
                }
            }
            try await group.waitForAll()
        }
        // What ran last is counted when the thread looks again, which it does for a request that comes.
        _ = try await Self.read(engine.generate(requests[0]), cancellingAfter: nil)
        while engine.usage.running + engine.usage.waiting + engine.usage.pagesInUse > 0 { await Task.yield() }
        #expect(engine.usage.cacheBytes <= 12 * page)
        engine.close()
    }
}
