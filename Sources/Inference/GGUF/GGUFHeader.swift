/// What stands before the weights of a GGUF file: metadata and the list of tensors.
struct GGUFHeader {
    private(set) var metadata: GGUFMetadata
    private(set) var tensors: [GGUFTensor] = []
    private(set) var index: [String: Int] = [:]

    private var elementsLeft = GGUFLimits.elements

    /// Reads and checks the header at the start of `bytes`, which are the whole file.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws(GGUFError) {
        metadata = GGUFMetadata(file: file, values: [:])
        var cursor = unsafe GGUFCursor(bytes, file: file)
        let counts = try Self.preamble(&cursor)
        metadata = GGUFMetadata(file: file, values: try readEntries(counts.entries, &cursor))
        let alignment = try checkedAlignment()
        try readTensors(counts.tensors, &cursor, alignment: alignment, size: bytes.count)
        try checkOverlaps()
    }

    private static func preamble(_ cursor: inout GGUFCursor) throws(GGUFError) -> (tensors: Int, entries: Int) {
        // "GGUF" as a little-endian number.
        guard try cursor.integer(UInt32.self, "magic") == 0x4655_4747 else { throw cursor.error("magic", .notGGUF) }
        let version = try cursor.integer(UInt32.self, "version")
        guard version == 3 else {
            throw cursor.error("version", version.byteSwapped == 3 ? .bigEndian : .unsupportedVersion(version))
        }
        // The smallest tensor entry has a name's length, a count, one dimension, a type and an offset.
        let tensors = try cursor.count(of: 32, limit: GGUFLimits.tensors, "tensor count")
        // The smallest metadata entry has a key's length, a type and one byte.
        let entries = try cursor.count(of: 13, limit: GGUFLimits.entries, "metadata count")
        return (tensors, entries)
    }
}

// MARK: - Metadata

extension GGUFHeader {
    private mutating func readEntries(
        _ count: Int,
        _ cursor: inout GGUFCursor
    ) throws(GGUFError) -> [String: GGUFValue] {
        var values: [String: GGUFValue] = [:]
        for position in 0..<count {
            let key = try cursor.string(limit: GGUFLimits.keyLength, "metadata key \(position)")
            let type = try cursor.integer(UInt32.self, key)
            let value = try readValue(type, key, &cursor, depth: 0)
            guard values.updateValue(value, forKey: key) == nil else { throw cursor.error(key, .duplicate) }
        }
        return values
    }

    private mutating func readValue(
        _ type: UInt32,
        _ key: String,
        _ cursor: inout GGUFCursor,
        depth: Int
    ) throws(GGUFError) -> GGUFValue {
        switch type {
        case 0: .uint(UInt64(try cursor.integer(UInt8.self, key)))
        case 1: .int(Int64(try cursor.integer(Int8.self, key)))
        case 2: .uint(UInt64(try cursor.integer(UInt16.self, key)))
        case 3: .int(Int64(try cursor.integer(Int16.self, key)))
        case 4: .uint(UInt64(try cursor.integer(UInt32.self, key)))
        case 5: .int(Int64(try cursor.integer(Int32.self, key)))
        case 6: .float(Double(Float(bitPattern: try cursor.integer(UInt32.self, key))))
        case 7: .bool(try cursor.integer(UInt8.self, key) != 0)
        case 8: .string(try cursor.string(limit: GGUFLimits.stringLength, key))
        case 9: try readArray(key, &cursor, depth: depth)
        case 10: .uint(try cursor.integer(UInt64.self, key))
        case 11: .int(try cursor.integer(Int64.self, key))
        case 12: .float(Double(bitPattern: try cursor.integer(UInt64.self, key)))
        default: throw cursor.error(key, .unknownType(type))
        }
    }

    private mutating func readArray(
        _ key: String,
        _ cursor: inout GGUFCursor,
        depth: Int
    ) throws(GGUFError) -> GGUFValue {
        let type = try cursor.integer(UInt32.self, key)
        switch type {
        case 0: return .ints(try readIntegers(UInt8.self, key, &cursor))
        case 1: return .ints(try readIntegers(Int8.self, key, &cursor))
        case 2: return .ints(try readIntegers(UInt16.self, key, &cursor))
        case 3: return .ints(try readIntegers(Int16.self, key, &cursor))
        case 4: return .ints(try readIntegers(UInt32.self, key, &cursor))
        case 5: return .ints(try readIntegers(Int32.self, key, &cursor))
        case 6: return .floats(try readIntegers(UInt32.self, key, &cursor) { Float(bitPattern: $0) })
        case 7: return .ints(try readIntegers(UInt8.self, key, &cursor) { $0 == 0 ? 0 : 1 })
        case 8:
            let count = try arrayCount(of: 8, key, &cursor)
            var list: [String] = []
            list.reserveCapacity(count)
            for _ in 0..<count { list.append(try cursor.string(limit: GGUFLimits.stringLength, key)) }
            return .strings(list)
        case 9:
            guard depth == 0 else { throw cursor.error(key, .overLimit(3, limit: 2)) }
            // The smallest array has a type and a count.
            let count = try arrayCount(of: 12, key, &cursor)
            var list: [GGUFValue] = []
            list.reserveCapacity(count)
            for _ in 0..<count { list.append(try readArray(key, &cursor, depth: 1)) }
            return .array(list)
        case 10: return .ints(try readIntegers(UInt64.self, key, &cursor))
        case 11: return .ints(try readIntegers(Int64.self, key, &cursor))
        case 12: return .doubles(try readIntegers(UInt64.self, key, &cursor) { Double(bitPattern: $0) })
        default: throw cursor.error(key, .unknownType(type))
        }
    }

    private mutating func readIntegers<T: FixedWidthInteger>(
        _ type: T.Type,
        _ key: String,
        _ cursor: inout GGUFCursor
    ) throws(GGUFError) -> [Int64] {
        let list = try readIntegers(type, key, &cursor) { Int64(exactly: $0) }
        let exact = list.compactMap(\.self)
        guard exact.count == list.count else { throw cursor.error(key, .outOfRange("64 signed bits")) }
        return exact
    }

    private mutating func readIntegers<T: FixedWidthInteger, R>(
        _: T.Type,
        _ key: String,
        _ cursor: inout GGUFCursor,
        _ convert: (T) -> R
    ) throws(GGUFError) -> [R] {
        let count = try arrayCount(of: MemoryLayout<T>.size, key, &cursor)
        var list: [R] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(convert(try cursor.integer(T.self, key))) }
        return list
    }

    /// The count of an array whose elements take at least `size` bytes, charged to the file's allowance.
    private mutating func arrayCount(
        of size: Int,
        _ key: String,
        _ cursor: inout GGUFCursor
    ) throws(GGUFError) -> Int {
        let count = try cursor.count(of: size, limit: elementsLeft, key)
        elementsLeft -= UInt64(count)
        return count
    }
}

// MARK: - Tensors

extension GGUFHeader {
    private func checkedAlignment() throws(GGUFError) -> UInt64 {
        let key = "general.alignment"
        guard metadata[key] != nil else { return 32 }
        let alignment = try metadata.uint(key)
        guard alignment.nonzeroBitCount == 1, (8...GGUFLimits.alignment).contains(alignment) else {
            let range = "powers of two from 8 to \(GGUFLimits.alignment)"
            throw GGUFError(file: metadata.file, field: key, problem: .outOfRange(range))
        }
        return alignment
    }

    private mutating func readTensors(
        _ count: Int,
        _ cursor: inout GGUFCursor,
        alignment: UInt64,
        size: Int
    ) throws(GGUFError) {
        var entries: [(name: String, dimensions: [Int], type: TensorType, offset: UInt64, bytes: UInt64)] = []
        entries.reserveCapacity(count)
        for position in 0..<count {
            let name = try cursor.string(limit: GGUFLimits.tensorNameLength, "tensor name \(position)")
            guard index.updateValue(position, forKey: name) == nil else { throw cursor.error(name, .duplicate) }
            let dimensions = try Self.readDimensions(name, &cursor)
            let number = try cursor.integer(UInt32.self, name)
            guard let type = TensorType(rawValue: number) else { throw cursor.error(name, .unknownType(number)) }
            let offset = try cursor.integer(UInt64.self, name)
            guard offset % alignment == 0 else {
                throw cursor.error(name, .misaligned(offset: offset, alignment: alignment))
            }
            let bytes = try Self.byteCount(dimensions, type, name, cursor)
            entries.append((name, dimensions, type, offset, bytes))
        }
        let start = (UInt64(cursor.offset) + alignment - 1) & ~(alignment - 1)
        let available = UInt64(size) > start ? UInt64(size) - start : 0
        for entry in entries {
            let end = entry.offset.addingReportingOverflow(entry.bytes)
            guard !end.overflow, end.partialValue <= available else {
                throw cursor.error(entry.name, .truncated(needed: end.partialValue, available: available))
            }
            let range = Int(start + entry.offset)..<Int(start + end.partialValue)
            tensors.append(
                GGUFTensor(name: entry.name, dimensions: entry.dimensions, type: entry.type, range: range)
            )
        }
    }

    private static func readDimensions(_ name: String, _ cursor: inout GGUFCursor) throws(GGUFError) -> [Int] {
        let count = try cursor.integer(UInt32.self, name)
        guard (1...GGUFLimits.dimensions).contains(count) else {
            throw cursor.error(name, .overLimit(UInt64(count), limit: UInt64(GGUFLimits.dimensions)))
        }
        var dimensions: [Int] = []
        for _ in 0..<count {
            let length = try cursor.integer(UInt64.self, name)
            guard (1...GGUFLimits.dimension).contains(length) else {
                throw cursor.error(name, .overLimit(length, limit: GGUFLimits.dimension))
            }
            dimensions.append(Int(length))
        }
        return dimensions
    }

    private static func byteCount(
        _ dimensions: [Int],
        _ type: TensorType,
        _ name: String,
        _ cursor: GGUFCursor
    ) throws(GGUFError) -> UInt64 {
        guard dimensions[0] % type.blockLength == 0 else {
            throw cursor.error(name, .partialBlock(row: UInt64(dimensions[0]), block: type.blockLength))
        }
        var bytes = dimensions[0] / type.blockLength
        for factor in dimensions.dropFirst() + [type.blockSize] {
            let product = bytes.multipliedReportingOverflow(by: factor)
            guard !product.overflow else { throw cursor.error(name, .overflow) }
            bytes = product.partialValue
        }
        return UInt64(bytes)
    }

    private func checkOverlaps() throws(GGUFError) {
        let sorted = tensors.sorted { $0.range.lowerBound < $1.range.lowerBound }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.range.upperBound > second.range.lowerBound {
            throw GGUFError(file: metadata.file, field: second.name, problem: .overlaps(first.name))
        }
    }
}
