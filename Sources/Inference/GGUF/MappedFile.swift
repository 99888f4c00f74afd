#if canImport(Glibc)
private import Glibc
#elseif canImport(Musl)
private import Musl
#elseif canImport(Darwin)
private import Darwin
#endif

/// A file mapped into memory for reading.
///
/// `@unchecked Sendable`: the mapping is read-only and its address constant; it ends with the object. A file that
/// another process shortens while it is mapped makes reads beyond its new end fatal (`SIGBUS`); no check of ours can
/// prevent that, so models must be replaced by renaming, never in place.
@safe final class MappedFile: @unchecked Sendable {
    /// The file's name without its folder.
    let name: String
    /// The mapped bytes; valid as long as the object lives.
    let bytes: UnsafeRawBufferPointer

    /// Maps the file at `path`.
    init(path: String) throws(GGUFError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        func failure(_ code: Int32) -> GGUFError {
            GGUFError(file: name, field: "file", problem: .unreadable(code: code))
        }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure(EINVAL) }
        self.name = name
        let size = Int(status.st_size)
        guard size > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard unsafe address != MAP_FAILED else { throw failure(errno) }
        unsafe bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    /// Lets go of the memory of these bytes; they are read from the file, or the system's cache of it, when next asked for.
    func forget(_ range: Range<Int>) {
        let page = Int(getpagesize())
        let first = (range.lowerBound + page - 1) / page * page
        let last = range.upperBound / page * page
        guard first < last, let start = unsafe bytes.baseAddress else { return }
        unsafe madvise(UnsafeMutableRawPointer(mutating: start + first), last - first, MADV_DONTNEED)
    }

    deinit {
        if let start = unsafe bytes.baseAddress {
            unsafe munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}
