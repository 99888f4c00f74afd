import Glibc

extension Keypair {
    /// Reads the identity kept at a path, or makes one and keeps it there.
    ///
    /// The file holds libp2p's `PrivateKey` message and has mode 0600. A file that others may read or write is refused
    /// rather than mended: the key may have been read already, and only its owner can judge that. A new file appears
    /// at once and whole: it is written under another name first and then linked, so that of two processes that start
    /// together one wins and both use its key.
    public static func load(orCreateAt path: String) throws(KeyFileError) -> Keypair {
        if let keypair = try existing(at: path) { return keypair }
        let keypair = Keypair()
        if try keypair.keep(at: path) { return keypair }
        guard let winner = try existing(at: path) else { throw .system(path: path, operation: "open", code: ENOENT) }
        return winner
    }

    /// `nil` if there is no file.
    private static func existing(at path: String) throws(KeyFileError) -> Keypair? {
        // Not blocking, lest a named pipe at the path hold the process up.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if file < 0, errno == ENOENT { return nil }
        guard file >= 0 else { throw .system(path: path, operation: "open", code: errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw .system(path: path, operation: "stat", code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        guard status.st_mode & 0o077 == 0 else {
            throw .readableByOthers(path: path, mode: UInt32(status.st_mode & 0o777))
        }
        var bytes = [UInt8](repeating: 0, count: PublicKey.maximumByteCount + 1)
        var count = 0
        while count < bytes.count {
            let result = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                return unsafe Glibc.read(file, rest.baseAddress, rest.count)
            }
            if result == 0 { break }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { throw .system(path: path, operation: "read", code: errno) }
            count += result
        }
        bytes.removeSubrange(count...)
        do { return try Keypair(protobuf: bytes) } catch { throw .invalid(path: path, error) }
    }

    /// `false` if somebody else put a file at the path in the meantime.
    private func keep(at path: String) throws(KeyFileError) -> Bool {
        let temporary = "\(path).\(UInt64.random(in: 0 ... .max))"
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system(path: path, operation: "create", code: errno) }
        defer { unsafe unlink(temporary) }
        let bytes = protobuf
        // A hundred bytes go to a file in one piece or not at all.
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        var failure: Int32? = written == bytes.count && fsync(file) == 0 ? nil : errno
        if close(file) != 0, failure == nil { failure = errno }
        if let failure { throw .system(path: path, operation: "write", code: failure) }
        if unsafe link(temporary, path) == 0 { return true }
        guard errno == EEXIST else { throw .system(path: path, operation: "link", code: errno) }
        return false
    }
}

/// Why no identity could be read or kept.
public enum KeyFileError: Error, Hashable, CustomStringConvertible {
    /// Something other than a plain file is at the path.
    case notAFile(path: String)
    /// Others than the owner may read or write the file.
    case readableByOthers(path: String, mode: UInt32)
    /// The file holds no key.
    case invalid(path: String, KeyError)
    /// The system refused; `code` is its `errno`.
    case system(path: String, operation: String, code: Int32)

    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .notAFile(let path):
            "\(path) is not a file; name a file for the key"
        case .readableByOthers(let path, let mode):
            """
            the key in \(path) may be read by others (mode 0\(String(mode, radix: 8))); \
            if nobody has, run: chmod 600 \(path); otherwise remove it, and a new identity will be made
            """
        case .invalid(let path, let error):
            "\(path) holds no key (\(error)); restore it from a copy, or remove it, and a new identity will be made"
        case .system(let path, let operation, let code):
            "cannot \(operation) the key file \(path): \(unsafe String(cString: strerror(code)))"
        }
    }
}
