import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `Waiting awake` {
    /// The share of `exchanges` that were awaited awake, when each way takes what is given, in microseconds.
    private func shareAwake(asleep: Int64, awake: Int64, exchanges: Int, _ choice: inout PollingChoice) -> Double {
        var count = 0
        for _ in 0..<exchanges {
            if choice.polls { count += 1 }
            choice.answered(after: .microseconds(choice.polls ? awake : asleep))
        }
        return Double(count) / Double(exchanges)
    }

    @Test func `it waits awake where answers come sooner for it`() {
        var choice = PollingChoice()
        #expect(shareAwake(asleep: 80, awake: 40, exchanges: 10_000, &choice) > 0.95)
    }

    @Test func `it sleeps where answers do not come sooner awake`() {
        var choice = PollingChoice()
        #expect(shareAwake(asleep: 40, awake: 38, exchanges: 10_000, &choice) < 0.06)
    }

    @Test func `it sleeps through long waits without a trial`() {
        var choice = PollingChoice()
        #expect(shareAwake(asleep: 20_000, awake: 20_000, exchanges: 1000, &choice) == 0)
    }

    @Test func `it changes its mind when the machine does`() {
        var choice = PollingChoice()
        _ = shareAwake(asleep: 80, awake: 40, exchanges: 5000, &choice)
        #expect(shareAwake(asleep: 40, awake: 400, exchanges: 10_000, &choice) < 0.06)
        // The longest pause between two trials goes by first.
        _ = shareAwake(asleep: 80, awake: 40, exchanges: 300 * PollingChoice.trial, &choice)
        #expect(shareAwake(asleep: 80, awake: 40, exchanges: 5000, &choice) > 0.9)
    }
}
