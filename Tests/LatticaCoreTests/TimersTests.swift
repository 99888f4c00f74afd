import LatticeTesting
import NIOConcurrencyHelpers
import Testing

@testable import LatticaCore

@Suite struct `Timers of many tasks` {
    private let clock = ManualClock()
    private let expired = NIOLockedValueBox([String]())

    private func start(_ name: String, _ duration: Duration, _ timers: Timers) -> Int {
        timers.start(duration) { [expired] in expired.withLockedValue { $0.append(name) } }
    }

    private func expect(_ names: [String]) async throws {
        try await eventually("\(names) to expire") { expired.withLockedValue { $0.sorted() } == names }
    }

    @Test func `each expires at its own time, also one that is earlier than those before it`() async throws {
        let timers = Timers(clock: clock)
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
        let timers = Timers(clock: clock)
        timers.cancel(start("a", .seconds(10), timers))
        _ = start("b", .seconds(20), timers)
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(10))
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(10))
        try await expect(["b"])
    }

    @Test func `a sleep ends at its time, or at once when its task is cancelled`() async throws {
        let timers = Timers(clock: clock)
        let short = Task { [expired] in
            try await timers.sleep(for: .seconds(10))
            expired.withLockedValue { $0.append("short") }
        }
        let long = Task { try await timers.sleep(for: .seconds(1_000_000_000)) }
        try await eventually("the short one to end") {
            clock.advance(by: .seconds(1))
            return expired.withLockedValue { $0 } == ["short"]
        }
        try await short.value
        long.cancel()
        await #expect(throws: CancellationError.self) { try await long.value }
        let cancelled = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            try await timers.sleep(for: .seconds(1000))
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
    }
}
