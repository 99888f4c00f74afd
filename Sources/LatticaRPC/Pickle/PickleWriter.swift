import NIOCore

/// Writes a value as a pickle of protocol 4, which every Python since 3.4 reads.
///
/// Neither frames nor the memo are used: readers do not ask for them.
struct PickleWriter {
    private(set) var buffer = ByteBuffer()
    private let limits: PickleLimits
    private var valueCount = 0

    init(limits: PickleLimits) {
        self.limits = limits
    }

    /// Writes the whole pickle.
    mutating func pickle(_ value: PickleValue) throws(PickleError) {
        write(.protocolVersion)
        buffer.writeInteger(4, as: UInt8.self)
        try write(value, depth: 0)
        write(.stop)
    }

    private mutating func write(_ value: PickleValue, depth: Int, isHashed: Bool = false) throws(PickleError) {
        valueCount += 1
        guard valueCount <= limits.maximumValues else { throw .limitReached("\(limits.maximumValues) values") }
        switch value {
        case .none: write(.none)
        case .bool(let value): write(value ? .newTrue : .newFalse)
        case .int(let value): write(value)
        case .double(let value):
            write(.double)
            buffer.writeInteger(value.bitPattern)
        case .string(let text):
            write(count: text.utf8.count, .text8, .text32, .text64)
            buffer.writeString(text)
        case .bytes(let bytes):
            write(count: bytes.count, .bytes8, .bytes32, .bytes64)
            buffer.writeBytes(bytes)
        case .list(let items):
            write(.emptyList)
            try write(items, depth: depth, .appends)
        case .tuple(let items):
            try write(items, depth: depth, .tuple, isHashed: isHashed)
        case .set(let members) where isHashed:
            // Python has a hash for frozen sets alone.
            try write(members, depth: depth, .frozenSet, isHashed: true)
        case .set(let members):
            write(.emptySet)
            try write(members, depth: depth, .addItems, isHashed: true)
        case .dict(let dict):
            write(.emptyDict)
            try group(.setItems, depth: depth) { (writer) throws(PickleError) in
                for (key, value) in dict {
                    try writer.write(key, depth: depth + 1, isHashed: true)
                    try writer.write(value, depth: depth + 1)
                }
            }
        }
    }

    private mutating func write(
        _ items: some Sequence<PickleValue>,
        depth: Int,
        _ opcode: PickleOpcode,
        isHashed: Bool = false
    ) throws(PickleError) {
        try group(opcode, depth: depth) { (writer) throws(PickleError) in
            for item in items { try writer.write(item, depth: depth + 1, isHashed: isHashed) }
        }
    }

    /// Items between a mark and the opcode that takes them.
    private mutating func group(
        _ opcode: PickleOpcode,
        depth: Int,
        _ items: (inout PickleWriter) throws(PickleError) -> Void
    ) throws(PickleError) {
        guard depth < limits.maximumDepth else { throw .limitReached("depth \(limits.maximumDepth)") }
        write(.mark)
        try items(&self)
        write(opcode)
        guard buffer.readableBytes <= limits.maximumLength else { throw .limitReached("\(limits.maximumLength) bytes") }
    }

    private mutating func write(_ value: Int64) {
        if let small = UInt8(exactly: value) {
            write(.int8)
            buffer.writeInteger(small)
        } else if let middle = Int32(exactly: value) {
            write(.int32)
            buffer.writeInteger(middle, endianness: .little)
        } else {
            write(.long8)
            buffer.writeInteger(8, as: UInt8.self)
            buffer.writeInteger(value, endianness: .little)
        }
    }

    private mutating func write(count: Int, _ small: PickleOpcode, _ middle: PickleOpcode, _ large: PickleOpcode) {
        if let count = UInt8(exactly: count) {
            write(small)
            buffer.writeInteger(count)
        } else if let count = UInt32(exactly: count) {
            write(middle)
            buffer.writeInteger(count, endianness: .little)
        } else {
            write(large)
            buffer.writeInteger(UInt64(count), endianness: .little)
        }
    }

    private mutating func write(_ opcode: PickleOpcode) {
        buffer.writeInteger(opcode.rawValue)
    }
}
