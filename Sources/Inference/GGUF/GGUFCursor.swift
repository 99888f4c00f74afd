/// Reads little-endian fields from a file's bytes, one after the other, and never past the end.
@safe struct GGUFCursor {
    let file: String
    private let bytes: UnsafeRawBufferPointer
    /// The position of the next byte.
    private(set) var offset = 0

    /// Starts at the first of `bytes`, which must outlive the cursor.
    init(_ bytes: UnsafeRawBufferPointer, file: String) {
        unsafe self.bytes = unsafe bytes
        self.file = file
    }

    /// The number of bytes after the position.
    var remaining: Int { unsafe bytes.count - offset }

    /// An error about `field` of this file.
    func error(_ field: String, _ problem: GGUFError.Problem) -> GGUFError {
        GGUFError(file: file, field: field, problem: problem)
    }

    /// The next integer.
    mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self, _ field: String) throws(GGUFError) -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else {
            throw error(field, .truncated(needed: UInt64(size), available: UInt64(remaining)))
        }
        let value = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
        offset += size
        return T(littleEndian: value)
    }

    /// The next count, at most `limit`, of things that take at least `size` bytes each.
    mutating func count(of size: Int, limit: UInt64, _ field: String) throws(GGUFError) -> Int {
        let count = try integer(UInt64.self, field)
        guard count <= limit else { throw error(field, .overLimit(count, limit: limit)) }
        let needed = count.multipliedReportingOverflow(by: UInt64(size))
        guard !needed.overflow, needed.partialValue <= UInt64(remaining) else {
            throw error(field, .truncated(needed: needed.partialValue, available: UInt64(remaining)))
        }
        return Int(count)
    }

    /// The next string: a length and UTF-8 bytes.
    mutating func string(limit: UInt64, _ field: String) throws(GGUFError) -> String {
        let length = try count(of: 1, limit: limit, field)
        let slice = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
        guard let text = unsafe String(validating: slice, as: UTF8.self) else { throw error(field, .notUTF8) }
        offset += length
        return text
    }
}
