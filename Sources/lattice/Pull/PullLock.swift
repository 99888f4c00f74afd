import Foundation
import SystemPackage

/// Keeps a second pull of the same model away, also one of another process.
///
/// The system lets go of it when the process ends, however it does. The file stays: one that is removed while another process
/// opens it would be locked by both.
final class PullLock: Sendable {
    private let descriptor: FileDescriptor

    init(_ name: ModelName, in staging: DataFolder) throws {
        descriptor = try FileDescriptor.open(
            FilePath(staging.file(name.folder + ".lock")),
            .readWrite,
            options: [.create, .closeOnExec],
            permissions: [.ownerReadWrite]
        )
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            try? descriptor.close()
            throw Puller.Fault(
                description: "\(name) is being pulled by another process. Wait for that one: it writes the same file."
            )
        }
    }

    /// Lets others pull it.
    func release() { try? descriptor.close() }
}
