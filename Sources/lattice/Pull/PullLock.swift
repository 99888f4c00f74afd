import Foundation
import SystemPackage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Keeps a second pull of the same model away, also one of another process.
final class PullLock: Sendable {
    private let descriptor: FileDescriptor
    private let path: String

    init(_ name: ModelName, in staging: DataFolder) throws {
        path = staging.file(name.folder + ".lock")
        let inUse = Puller.Fault(
            description:
                "\(name) is being pulled by another process. Wait for that one; this one would write the same file."
        )
        // The holder before may have removed the file between our opening and locking it: then ours is no longer the one.
        for _ in 0..<16 {
            let opened = try FileDescriptor.open(
                FilePath(path),
                .readWrite,
                options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
            guard flock(opened.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                try? opened.close()
                throw inUse
            }
            var ours = stat()
            var current = stat()
            if unsafe fstat(opened.rawValue, &ours) == 0, unsafe stat(path, &current) == 0,
                ours.st_ino == current.st_ino
            {
                descriptor = opened
                return
            }
            try? opened.close()
        }
        throw inUse
    }

    /// Lets others pull it.
    func release() {
        unsafe unlink(path)
        try? descriptor.close()
    }
}
