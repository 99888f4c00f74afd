import LatticeTesting
import NIOConcurrencyHelpers
import Testing

@testable import LatticaRPC

@Suite struct `Deadlines of many calls` {
    private let clock = ManualClock()
    private let expired = NIOLockedValueBox([String]())

    private func start(_ name: String, _ duration: Duration, _ timers: CallTimers) -> Int {
        timers.start(duration) { [expired] in expired.withLockedValue { $0.append(name) } }
    }

    private func expect(_ names: [String]) async throws {
        try await eventually("\(names) to expire") { expired.withLockedValue { $0.sorted() } == names }
    }

    @Test func `each expires at its own time, also one that is earlier than those before it`() async throws {
        let timers = CallTimers(clock: clock)
        _ = start("a", .seconds(30), timers)
        _ = start("b", .seconds(10), timers)
        _ = start("c", .seconds(20), timers)
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(10))
        try await expect(["b"])
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(10))
        try await expect(["b", "c"])
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(10))
        try await expect(["a", "b", "c"])
    }

    @Test func `one that is cancelled never expires`() async throws {
        let timers = CallTimers(clock: clock)
        timers.cancel(start("a", .seconds(10), timers))
        _ = start("b", .seconds(20), timers)
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(10))
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(10))
        try await expect(["b"])
    }
}
