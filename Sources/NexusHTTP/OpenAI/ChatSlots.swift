internal import NIOConcurrencyHelpers

/// Places for chats; a chat that finds none is refused.
struct ChatSlots: Sendable {
    /// A place; given back when it is let go of, also where an answer is dropped unwritten.
    final class Slot: Sendable {
        private let taken: NIOLockedValueBox<Int>
        private let onRelease: @Sendable () -> Void

        fileprivate init(taken: NIOLockedValueBox<Int>, onRelease: @escaping @Sendable () -> Void) {
            self.taken = taken
            self.onRelease = onRelease
        }

        deinit {
            taken.withLockedValue { $0 -= 1 }
            onRelease()
        }
    }

    private let limit: Int
    private let taken = NIOLockedValueBox(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// A place, or `nil` at the limit.
    func take(onRelease: @escaping @Sendable () -> Void = {}) -> Slot? {
        let isFree = taken.withLockedValue { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        return isFree ? Slot(taken: taken, onRelease: onRelease) : nil
    }
}
