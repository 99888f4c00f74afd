import Foundation
import Ledger
import SystemPackage

/// The folder that holds everything a process keeps.
///
/// Its owner alone can read it.
struct DataFolder: Sendable {
    let path: String

    /// A folder that cannot be used, or a file in it.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// Opens the folder, creating it where there is none.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Fault(
                description: "cannot create \(path): \(Self.reason(error)). Choose another folder with --data-dir."
            )
        }
        guard FileManager.default.isWritableFile(atPath: path) else {
            throw Fault(
                description: "cannot write to \(path). Choose another folder with --data-dir or mend its permissions."
            )
        }
    }

    /// Where it lies by default: `$XDG_DATA_HOME/lattice`.
    static var standardPath: String {
        let environment = ProcessInfo.processInfo.environment
        let base = environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        return (base ?? NSHomeDirectory() + "/.local/share") + "/lattice"
    }

    func file(_ name: String) -> String { path + "/" + name }

    func folder(_ name: String) throws -> DataFolder { try DataFolder(file(name)) }

    /// A secp256k1 key in a file of its own, drawn at the first call.
    func signingKey(_ name: String) throws -> Secp256k1Key {
        try Secp256k1Key(rawRepresentation: secret(name) { Secp256k1Key().rawRepresentation })
    }

    /// Thirty-two secret bytes in a file that its owner alone can read.
    func secret(_ name: String, make: () -> [UInt8]) throws -> [UInt8] {
        let path = file(name)
        if !FileManager.default.fileExists(atPath: path) { try write(make(), to: name) }
        do {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
            guard mode & 0o077 == 0 else {
                throw Fault(description: "others can read the key \(path). Take that right away: chmod 600 \(path)")
            }
            let bytes = try Data(contentsOf: URL(filePath: path))
            guard bytes.count == 32 else { throw Fault(description: "\(path) does not hold a key of 32 bytes") }
            return [UInt8](bytes)
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(description: "cannot read \(path): \(Self.reason(error))")
        }
    }

    /// Writes a private file: complete or not at all, and never readable by others.
    func write(_ bytes: [UInt8], to name: String) throws {
        let temporary = FilePath(file("\(name).\(ProcessInfo.processInfo.processIdentifier).tmp"))
        do {
            let descriptor = try FileDescriptor.open(
                temporary,
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
            try descriptor.closeAfter {
                _ = try descriptor.writeAll(bytes)
                // On disk before it takes the name, so that no power cut leaves an empty key.
                guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            // Replaces what is there in one step.
            guard unsafe rename(temporary.string, file(name)) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            unsafe unlink(temporary.string)
            throw Fault(description: "cannot write \(file(name)): \(error)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        (error as NSError).localizedDescription
    }

    /// Keeps other processes out of the folder until it is let go of, or the process ends.
    func lock() throws -> FolderLock { try FolderLock(self) }
}

/// A folder that this process alone works in.
final class FolderLock: Sendable {
    private let descriptor: FileDescriptor

    fileprivate init(_ folder: DataFolder) throws {
        descriptor = try FileDescriptor.open(
            FilePath(folder.file(".lock")),
            .readWrite,
            options: [.create, .closeOnExec],
            permissions: [.ownerReadWrite]
        )
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            try? descriptor.close()
            throw DataFolder.Fault(
                description:
                    "\(folder.path) is in use by another process. Stop it, or choose another --name or --data-dir."
            )
        }
    }

    deinit { try? descriptor.close() }
}
