import NIOCore

/// Reads a pickle as data, following the opcodes of `pickletools` for protocols 2 to 5.
///
/// Nothing is ever imported, called or built: an opcode that would is refused by name. Values go into a table and refer
/// to one another by their places in it, since a pickle fills a list after it has remembered it; only a pickle that
/// ends well is turned into a value, with every occurrence counted.
struct PickleReader {
    private enum Node {
        case leaf(PickleValue)
        case list([Int])
        case tuple([Int])
        case dict([(key: Int, value: Int)])
        case set([Int])
    }

    private var bytes: ByteBuffer
    private let limits: PickleLimits
    private var nodes: [Node] = []
    private var stack: [Int] = []
    /// Where each open mark lies on the stack.
    private var marks: [Int] = []
    private var memo: [UInt64: Int] = [:]
    private var valueCount = 0
    private var byteCount = 0

    init(_ bytes: ByteBuffer, limits: PickleLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The value.
    mutating func value() throws(PickleError) -> PickleValue {
        guard bytes.readableBytes <= limits.maximumLength else { throw .limitReached("\(limits.maximumLength) bytes") }
        while let opcode = PickleOpcode(rawValue: try integer(UInt8.self)) {
            if opcode == .stop {
                return try value(of: try pop(), depth: 0)
            }
            try perform(opcode)
        }
        bytes.moveReaderIndex(to: bytes.readerIndex - 1)
        throw refusal(of: try integer(UInt8.self))
    }

    // MARK: - Opcodes

    private mutating func perform(_ opcode: PickleOpcode) throws(PickleError) {
        switch opcode {
        case .protocolVersion: _ = try integer(UInt8.self)
        case .frame: _ = try integer(UInt64.self)
        case .none: try push(.leaf(.none))
        case .newTrue: try push(.leaf(.bool(true)))
        case .newFalse: try push(.leaf(.bool(false)))
        case .int8: try push(.leaf(.int(Int64(try integer(UInt8.self)))))
        case .int16: try push(.leaf(.int(Int64(try integer(UInt16.self)))))
        case .int32: try push(.leaf(.int(Int64(try integer(Int32.self)))))
        case .long8: try push(.leaf(.int(try long(Int(try integer(UInt8.self))))))
        case .long32: try push(.leaf(.int(try long(try length(UInt32.self)))))
        case .double: try push(.leaf(.double(Double(bitPattern: try integer(UInt64.self).byteSwapped))))
        case .text8: try push(.leaf(.string(try text(try length(UInt8.self)))))
        case .text32: try push(.leaf(.string(try text(try length(UInt32.self)))))
        case .text64: try push(.leaf(.string(try text(try length(UInt64.self)))))
        case .bytes8: try push(.leaf(.bytes(try take(try length(UInt8.self)))))
        case .bytes32: try push(.leaf(.bytes(try take(try length(UInt32.self)))))
        case .bytes64, .byteArray: try push(.leaf(.bytes(try take(try length(UInt64.self)))))
        case .mark:
            guard marks.count < limits.maximumDepth else { throw .limitReached("depth \(limits.maximumDepth)") }
            marks.append(stack.count)
        case .memoize: memo[UInt64(memo.count)] = try top()
        case .memoPut8: memo[UInt64(try integer(UInt8.self))] = try top()
        case .memoPut32: memo[UInt64(try integer(UInt32.self))] = try top()
        case .memoGet8: try recall(UInt64(try integer(UInt8.self)))
        case .memoGet32: try recall(UInt64(try integer(UInt32.self)))
        case .emptyList: try push(.list([]))
        case .emptyDict: try push(.dict([]))
        case .emptySet: try push(.set([]))
        case .emptyTuple: try push(.tuple([]))
        case .append: try extend(with: [try pop()])
        case .appends: try extend(with: try popToMark())
        case .setItem:
            let value = try pop()
            try fill(with: [try pop(), value])
        case .setItems: try fill(with: try popToMark())
        case .addItems: try add(try popToMark())
        case .tuple1: try tuple(of: 1)
        case .tuple2: try tuple(of: 2)
        case .tuple3: try tuple(of: 3)
        case .tuple: try push(.tuple(try popToMark()))
        case .frozenSet: try push(.set(try popToMark()))
        case .stop: break
        }
    }

    private mutating func extend(with items: [Int]) throws(PickleError) {
        let place = try top()
        guard case .list(var list) = nodes[place] else { throw .malformed("an item is appended to no list") }
        // The table lets go of the list first, or each item would copy it.
        nodes[place] = .list([])
        list += items
        nodes[place] = .list(list)
    }

    private mutating func fill(with items: [Int]) throws(PickleError) {
        let place = try top()
        guard case .dict(var pairs) = nodes[place], items.count.isMultiple(of: 2) else {
            throw .malformed("an item is set in no dict")
        }
        nodes[place] = .dict([])
        for index in stride(from: 0, to: items.count, by: 2) { pairs.append((items[index], items[index + 1])) }
        nodes[place] = .dict(pairs)
    }

    private mutating func add(_ items: [Int]) throws(PickleError) {
        let place = try top()
        guard case .set(var members) = nodes[place] else { throw .malformed("an item is added to no set") }
        nodes[place] = .set([])
        members += items
        nodes[place] = .set(members)
    }

    private mutating func tuple(of count: Int) throws(PickleError) {
        var items: [Int] = []
        for _ in 0..<count { items.append(try pop()) }
        try push(.tuple(items.reversed()))
    }

    // MARK: - Stack and memo

    private mutating func push(_ node: Node) throws(PickleError) {
        guard nodes.count < limits.maximumValues else { throw .limitReached("\(limits.maximumValues) values") }
        nodes.append(node)
        stack.append(nodes.count - 1)
    }

    /// Nothing may be taken from below the last mark.
    private var isStackEmpty: Bool { stack.count <= marks.last ?? 0 }

    private mutating func pop() throws(PickleError) -> Int {
        guard !isStackEmpty, let place = stack.popLast() else { throw .malformed("the stack is empty") }
        return place
    }

    private func top() throws(PickleError) -> Int {
        guard !isStackEmpty, let place = stack.last else { throw .malformed("the stack is empty") }
        return place
    }

    private mutating func popToMark() throws(PickleError) -> [Int] {
        guard let mark = marks.popLast() else { throw .malformed("there is no mark") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    private mutating func recall(_ key: UInt64) throws(PickleError) {
        guard let place = memo[key] else { throw .malformed("nothing is remembered at \(key)") }
        guard stack.count < limits.maximumValues else { throw .limitReached("\(limits.maximumValues) values") }
        stack.append(place)
    }

    // MARK: - Bytes

    private mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(PickleError) -> Value {
        guard let value = bytes.readInteger(endianness: .little, as: Value.self) else { throw .truncated }
        return value
    }

    private mutating func length<Value: FixedWidthInteger & UnsignedInteger>(
        _ type: Value.Type
    ) throws(PickleError) -> Int {
        let declared = try integer(type)
        guard UInt64(declared) <= UInt64(bytes.readableBytes) else { throw .truncated }
        return Int(declared)
    }

    private mutating func take(_ count: Int) throws(PickleError) -> [UInt8] {
        guard let taken = bytes.readBytes(length: count) else { throw .truncated }
        return taken
    }

    private mutating func text(_ count: Int) throws(PickleError) -> String {
        guard let slice = bytes.readSlice(length: count) else { throw .truncated }
        guard let text = String(validating: slice.readableBytesView, as: UTF8.self) else { throw .invalidText }
        return text
    }

    /// An integer in two's complement, little-endian, of any length.
    private mutating func long(_ count: Int) throws(PickleError) -> Int64 {
        let digits = try take(count)
        guard let last = digits.last else { return 0 }
        let sign: UInt8 = last < 0x80 ? 0 : 0xff
        guard digits.dropFirst(8).allSatisfy({ $0 == sign }) else { throw .integerTooLarge }
        if digits.count > 8, (digits[7] ^ sign) >= 0x80 { throw .integerTooLarge }
        var value: UInt64 = sign == 0 ? 0 : .max
        for digit in digits.prefix(8).reversed() { value = value << 8 | UInt64(digit) }
        return Int64(bitPattern: value)
    }

    // MARK: - The value

    private mutating func value(of place: Int, depth: Int) throws(PickleError) -> PickleValue {
        valueCount += 1
        guard valueCount <= limits.maximumValues else { throw .limitReached("\(limits.maximumValues) values") }
        let node = nodes[place]
        if case .leaf(let value) = node {
            // What occurs often is held once, but hashed and written as often as it occurs.
            byteCount += value.leafLength
            guard byteCount <= limits.maximumLength else { throw .limitReached("\(limits.maximumLength) bytes") }
            return value
        }
        guard depth < limits.maximumDepth else { throw .limitReached("depth \(limits.maximumDepth)") }
        switch node {
        case .leaf(let value): return value
        case .list(let items): return .list(try values(of: items, depth: depth))
        case .tuple(let items): return .tuple(try values(of: items, depth: depth))
        case .set(let items):
            let members = try values(of: items, depth: depth)
            guard members.allSatisfy(\.isHashableInPython) else { throw .malformed("a set holds what has no hash") }
            return .set(Set(members))
        case .dict(let pairs):
            var dict: [PickleValue: PickleValue] = [:]
            for pair in pairs {
                let key = try value(of: pair.key, depth: depth + 1)
                guard key.isHashableInPython else { throw .malformed("a key of a dict has no hash") }
                dict[key] = try value(of: pair.value, depth: depth + 1)
            }
            return .dict(dict)
        }
    }

    private mutating func values(of places: [Int], depth: Int) throws(PickleError) -> [PickleValue] {
        var values: [PickleValue] = []
        for place in places { values.append(try value(of: place, depth: depth + 1)) }
        return values
    }

    // MARK: - What is refused

    /// The error for an opcode that is not performed.
    private mutating func refusal(of opcode: UInt8) -> PickleError {
        guard let name = PickleOpcode.refused[opcode] else { return .unknownOpcode(opcode) }
        switch name {
        case "GLOBAL", "INST":
            guard let module = line(), let member = line() else { return .refused(opcode: name, name: nil) }
            return .refused(opcode: name, name: "\(module).\(member)")
        case "STACK_GLOBAL":
            let words = stack.suffix(2).compactMap { place -> String? in
                if case .leaf(.string(let word)) = nodes[place] { word } else { nil }
            }
            return .refused(opcode: name, name: words.count == 2 ? words.joined(separator: ".") : nil)
        default: return .refused(opcode: name, name: nil)
        }
    }

    /// A name up to a newline, if it is short enough to be one.
    private mutating func line() -> String? {
        guard let end = bytes.readableBytesView.prefix(256).firstIndex(of: UInt8(ascii: "\n")),
            let slice = bytes.readSlice(length: end - bytes.readerIndex)
        else { return nil }
        bytes.moveReaderIndex(forwardBy: 1)
        return String(validating: slice.readableBytesView, as: UTF8.self)
    }
}

extension PickleValue {
    fileprivate var leafLength: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        default: 0
        }
    }

    /// Whether Python would take it as a key.
    fileprivate var isHashableInPython: Bool {
        switch self {
        case .none, .bool, .int, .double, .string, .bytes: true
        // Sets are taken because a frozenset, which has a hash, reads as one.
        case .set: true
        case .tuple(let items): items.allSatisfy(\.isHashableInPython)
        case .list, .dict: false
        }
    }
}
