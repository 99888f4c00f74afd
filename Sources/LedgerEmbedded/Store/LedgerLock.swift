import NIOConcurrencyHelpers

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Holds a ledger for one process: an advisory lock on a file beside the database, which the system takes back when the
/// process ends, however it ends.
///
/// SQLite's own lock would not do: it lets two writers take turns, and each would have a state of its own in memory.
final class LedgerLock: Sendable {
    private let descriptor: NIOLockedValueBox<Int32?>

    init(path: String) throws(LedgerOpenError) {
        let descriptor = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .notWritable(path: path, problem: Self.problem())
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .inUse(path: path)
        }
        self.descriptor = NIOLockedValueBox(descriptor)
    }

    deinit {
        release()
    }

    /// Lets the next one have the ledger.
    func release() {
        descriptor.withLockedValue { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    private static func problem() -> String {
        unsafe String(cString: strerror(errno))
    }
}
