import NIOConcurrencyHelpers

/// Counts who is inside.
final class Counter: Sendable {
    private let inside = NIOLockedValueBox(0)

    /// How many are inside, this one included.
    func enter() -> Int {
        inside.withLockedValue { count in
            count += 1
            return count
        }
    }

    func leave() { inside.withLockedValue { $0 -= 1 } }
}

/// Remembers numbers in their order.
final class Sequences: Sendable {
    private let noted = NIOLockedValueBox<[UInt64]>([])

    func note(_ number: UInt64) { noted.withLockedValue { $0.append(number) } }

    var all: [UInt64] { noted.withLockedValue { $0 } }
}
