import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Simulated loop` {
    @Test func `time moves by hand, and work is done in its order`() {
        let loop = SimulatedLoop()
        let done = NIOLockedValueBox<[Int]>([])
        for (index, delay) in [30, 10, 20, 10].enumerated() {
            loop.scheduleTask(in: .seconds(Int64(delay))) { done.withLockedValue { $0.append(index) } }
        }
        let cancelled = loop.scheduleTask(in: .seconds(5)) { done.withLockedValue { $0.append(9) } }
        cancelled.cancel()
        loop.advance(by: .seconds(15))
        #expect(done.withLockedValue { $0 } == [1, 3])
        #expect(loop.elapsed == .seconds(15))
        loop.advance(by: .seconds(15))
        #expect(done.withLockedValue { $0 } == [1, 3, 2, 0])
    }

    @Test func `a day passes in a moment`() async throws {
        let ticks = try await simulate(seed: 1) { network in
            let clock = network.loop.clock
            var ticks = 0
            while network.loop.elapsed < .seconds(86400) {
                try await clock.sleep(for: .seconds(10))
                ticks += 1
            }
            return ticks
        }
        #expect(ticks == 8640)
    }

    @Test func `a sleep ends when its task is cancelled`() async throws {
        try await simulate(seed: 1) { network in
            let clock = network.loop.clock
            let sleeper = Task(executorPreference: network.loop.taskExecutor) {
                try await clock.sleep(for: .seconds(1000))
            }
            try await clock.sleep(for: .seconds(1))
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
            #expect(network.loop.elapsed == .seconds(1))
        }
    }

    @Test func `a body that waits for nothing is told, with the seed`() async throws {
        let error = await #expect(throws: SimulationFailed.self) {
            try await simulate(seed: 77, patience: .seconds(1)) { _ in
                let (stream, continuation) = AsyncStream<Int>.makeStream()
                defer { continuation.finish() }
                for await _ in stream {}
            }
        }
        #expect(error?.seed == 77)
        #expect(error?.cause is SimulationStalled)
    }
}
