import FoundationEssentials
import Glibc
import LatticaCore
import Multiformats

/// The file in which the addresses of peers outlive the process.
///
/// It is replaced as a whole: written under another name, brought to the disk, then renamed. A process that is killed at any
/// moment leaves the file as it was or as it was to be.
struct AddressBookFile: Sendable {
    /// Beyond what the largest book takes.
    static let maximumByteCount = 64 << 20

    private static let version = 1

    let path: String

    private struct Contents: Codable {
        var version: Int
        var peers: [Peer]
    }

    private struct Peer: Codable {
        var peer: PeerID
        var addresses: [Address]
    }

    private struct Address: Codable {
        var address: Multiaddr
        var source: String
        var hasWorked: Bool
        /// Seconds left to live; absent for ever.
        var remaining: Int64?
    }

    /// Reads what was kept; nothing if there is no file.
    ///
    /// - Parameter now: the time from which the addresses live on.
    func read(at now: Duration) throws(AddressBookFileError) -> [(peer: PeerID, addresses: [AddressBook.Known])] {
        guard let bytes = try bytes() else { return [] }
        let contents: Contents
        do { contents = try JSONDecoder().decode(Contents.self, from: bytes) } catch {
            throw .damaged("\(error)")
        }
        guard contents.version == Self.version else { throw .damaged("its version is \(contents.version)") }
        return contents.peers.prefix(AddressBook.mostPeers).map { entry in
            let known = entry.addresses.prefix(AddressBook.mostAddresses).compactMap { kept -> AddressBook.Known? in
                guard let source = AddressBook.Source(rawValue: kept.source) else { return nil }
                // No longer than if it had been heard of just now, whatever the file says.
                let left = kept.remaining.map { min(.seconds(max(0, $0)), source.lifetime ?? .zero) } ?? source.lifetime
                return AddressBook.Known(
                    address: kept.address.withoutPeerID,
                    source: source,
                    expires: left.map { now + $0 },
                    hasWorked: kept.hasWorked
                )
            }
            return (entry.peer, Array(known))
        }
    }

    /// Replaces what was kept.
    func write(_ book: AddressBook, at now: Duration) throws(AddressBookFileError) {
        let peers = book.contents.map { entry in
            let addresses = entry.addresses.map { known in
                Address(
                    address: known.address,
                    source: known.source.rawValue,
                    hasWorked: known.hasWorked,
                    remaining: known.expires.map { max(0, ($0 - now).components.seconds) }
                )
            }
            return Peer(peer: entry.peer, addresses: addresses)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data: Data
        do { data = try encoder.encode(Contents(version: Self.version, peers: peers)) } catch {
            throw .damaged("\(error)")
        }
        try replace(with: Array(data))
    }

    /// Puts a file that cannot be read out of the way, for somebody to look at.
    ///
    /// - Returns: where it went.
    func setAside() throws(AddressBookFileError) -> String {
        let aside = "\(path).damaged"
        guard unsafe rename(path, aside) == 0 else { throw .system("rename", errno) }
        return aside
    }

    // MARK: - The system

    private func bytes() throws(AddressBookFileError) -> Data? {
        // Not blocking, lest a named pipe at the path hold the process up.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if file < 0, errno == ENOENT { return nil }
        guard file >= 0 else { throw .system("open", errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw .system("stat", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .damaged("it is not a file") }
        guard status.st_size <= Self.maximumByteCount else { throw .damaged("it has \(status.st_size) bytes") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let result = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                return unsafe Glibc.read(file, rest.baseAddress, rest.count)
            }
            if result == 0 { break }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { throw .system("read", errno) }
            count += result
        }
        return Data(bytes.prefix(count))
    }

    private func replace(with bytes: [UInt8]) throws(AddressBookFileError) {
        // One process keeps one book, so the other name need not be unique.
        let temporary = "\(path).writing"
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("create", errno) }
        var failure: AddressBookFileError?
        var count = 0
        while count < bytes.count, failure == nil {
            let result = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[count...])
                return unsafe Glibc.write(file, rest.baseAddress, rest.count)
            }
            if result >= 0 {
                count += result
            } else if errno != EINTR {
                failure = .system("write", errno)
            }
        }
        if failure == nil, fsync(file) != 0 { failure = .system("sync", errno) }
        if close(file) != 0, failure == nil { failure = .system("close", errno) }
        if failure == nil, unsafe rename(temporary, path) != 0 { failure = .system("rename", errno) }
        if let failure {
            unsafe unlink(temporary)
            throw failure
        }
    }
}

/// Why addresses could not be kept or brought back.
enum AddressBookFileError: Error, Hashable, CustomStringConvertible {
    /// What is there is not such a file.
    case damaged(String)
    /// The system refused; the number is its `errno`.
    case system(String, Int32)

    var description: String {
        switch self {
        case .damaged(let reason): reason
        case .system(let operation, let code): "cannot \(operation): \(unsafe String(cString: strerror(code)))"
        }
    }
}
