import LatticaCore
import Logging
import NIOConcurrencyHelpers
import NIOPosix

/// The addresses of peers, over a restart.
extension LatticaHost {
    /// Takes back what was kept; a file that cannot be read is set aside.
    func restoreAddressBook() async {
        guard let path = configuration.addressBookPath else { return }
        let (file, now) = (AddressBookFile(path: path), elapsed())
        let kept = await blocking { () throws(AddressBookFileError) in try file.read(at: now) }
        switch kept {
        case .success(let kept):
            book.withLockedValue { $0.restore(kept) }
        case .failure(.damaged(let reason)):
            let aside = await blocking { () throws(AddressBookFileError) in try file.setAside() }
            logger.warning(
                "the file of addresses cannot be read, and was set aside; the host begins without addresses",
                metadata: [
                    "path": "\(path)", "reason": "\(reason)",
                    "aside": "\((try? aside.get()) ?? "it stays where it is")",
                ]
            )
        case .failure(let error):
            logger.warning(
                "the file of addresses cannot be opened",
                metadata: ["path": "\(path)", "error": "\(error)"]
            )
        }
        let revision = book.withLockedValue(\.revision)
        state.withLockedValue { $0.keptRevision = revision }
    }

    /// Keeps what is known, if it has changed.
    func keepAddressBook() async {
        guard let path = configuration.addressBookPath else { return }
        let (file, now) = (AddressBookFile(path: path), elapsed())
        let book = book.withLockedValue { $0 }
        guard book.revision != state.withLockedValue(\.keptRevision) else { return }
        switch await blocking({ () throws(AddressBookFileError) in try file.write(book, at: now) }) {
        case .success:
            state.withLockedValue { $0.keptRevision = book.revision }
        case .failure(let error):
            logger.warning("the addresses cannot be kept", metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }

    /// Runs on a thread that may wait for the disk.
    private func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws(AddressBookFileError) -> Value
    ) async -> Result<Value, AddressBookFileError> {
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                Result { () throws(AddressBookFileError) in try work() }
            }
        } catch {
            // The pool of the process runs as long as the process; a cancelled wait is the only way here.
            return .failure(.system("run", 125))
        }
    }
}
