import Foundation
import Inference
import SystemPackage

/// A file while it is downloaded: `NAME.part`, and `NAME.part.json`, which says what it is the beginning of.
///
/// What is in the part is on its way to the disk as soon as it is written, so a killed process loses nothing of it.
struct PartFile: ~Copyable {
    /// What the part is the beginning of.
    struct Origin: Codable, Hashable, Sendable {
        var url: String
        /// The server's mark for this version of the file, for `If-Range`: a strong entity tag, or else a date.
        var validator: String?
        /// The bytes of the whole file, if the server says so.
        var total: Int?
        /// What the whole file's bytes must hash to, if that is known.
        var sha256: String?

        /// When the machine was started, in its own words.
        var start = PartFile.machineStart

        /// Whether a part of this can be gone on with: the digest will tell whether it is right; or else the server can tell
        /// whether the file has changed, and the machine has not stopped since, which may lose what was written last.
        var isResumable: Bool { sha256 != nil || (validator != nil && start == PartFile.machineStart) }
    }

    /// A part that cannot be written.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// The bytes that are read at once when a part is hashed.
    private static let blockSize = 1 << 20

    /// Another one after each start of the machine, where the system tells it.
    static let machineStart = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)

    let path: String
    /// The number of bytes.
    private(set) var count = 0
    private var hash = FingerprintHash()
    private let descriptor: FileDescriptor

    /// Opens the part of `file`, or begins one.
    init(for file: String) throws {
        path = file + ".part"
        do {
            descriptor = try FileDescriptor.open(
                FilePath(path),
                .readWrite,
                options: [.create, .closeOnExec, .noFollow],
                permissions: [.ownerReadWrite, .groupRead, .otherRead]
            )
        } catch {
            throw Fault(description: "cannot write \(path): \(error)")
        }
    }

    deinit { try? descriptor.close() }

    /// What an earlier part is the beginning of, if it is known.
    var origin: Origin? {
        guard let data = FileManager.default.contents(atPath: path + ".json") else { return nil }
        return try? JSONDecoder().decode(Origin.self, from: data)
    }

    /// Says what the part is the beginning of; before its first byte.
    func write(_ origin: Origin) throws {
        do {
            try JSONEncoder().encode(origin).write(to: URL(filePath: path + ".json"), options: .atomic)
        } catch {
            throw Fault(description: "cannot write \(path).json: \((error as NSError).localizedDescription)")
        }
    }

    /// Takes in the bytes that are there already.
    mutating func readBack() throws {
        try Task.checkCancellation()
        try descriptor.seek(offset: 0, from: .start)
        count = 0
        hash = FingerprintHash()
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blockSize, alignment: 16)
        defer { unsafe block.deallocate() }
        while true {
            let read = unsafe try descriptor.read(into: block)
            guard read > 0 else { return }
            unsafe hash.append(UnsafeRawBufferPointer(rebasing: block[..<read]))
            count += read
            try Task.checkCancellation()
        }
    }

    /// Writes more bytes at the end.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            unsafe try descriptor.writeAll(bytes)
        } catch Errno.noSpace {
            throw Fault(
                description:
                    "the disk is full. Make room and pull again: what has arrived (\(ByteText.of(count))) is kept."
            )
        } catch {
            throw Fault(description: "cannot write \(path): \(error)")
        }
        unsafe hash.append(bytes)
        count += bytes.count
    }

    /// Begins again.
    mutating func clear() throws {
        guard ftruncate(descriptor.rawValue, 0) == 0 else {
            throw Fault(description: "cannot write \(path): \(Errno(rawValue: errno))")
        }
        try descriptor.seek(offset: 0, from: .start)
        count = 0
        hash = FingerprintHash()
    }

    /// The SHA-256 of the bytes so far.
    var sha256: String { hash.text }

    /// Gives the whole file its name, once it is on the disk.
    consuming func finish(as file: String) throws {
        guard fsync(descriptor.rawValue) == 0, unsafe rename(path, file) == 0 else {
            throw Fault(description: "cannot write \(file): \(Errno(rawValue: errno))")
        }
        unsafe unlink(path + ".json")
    }

    /// Forgets the part.
    consuming func remove() {
        unsafe unlink(path)
        unsafe unlink(path + ".json")
    }
}
