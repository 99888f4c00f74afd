/// Why bytes were not the encoding of values of the expected types.
public enum ABIError: Error, Hashable {
    /// The bytes end before the value does.
    case truncated
    /// Bytes are left behind the last value.
    case trailingBytes
    /// An offset does not point right behind what stands before it.
    case offsetNotCanonical
    /// A number, a truth value or an address has bits that its type does not.
    case valueOutOfRange
    /// The bytes that fill up the last word of a value are not zero.
    case paddingNotZero
    /// A string is not UTF-8.
    case notUTF8
    /// The expected type has no size, so that nothing bounds the number of its values.
    case emptyType
}

extension ABI {
    /// Reads values of the given types; only the one encoding that ``encode(_:)`` writes is accepted.
    ///
    /// Since every offset must point right behind what stands before it, no byte is read twice, and what a stranger's bytes
    /// can cost is proportional to their number.
    public static func decode(_ types: [ABIType], from bytes: [UInt8]) throws(ABIError) -> [ABIValue] {
        var decoder = ABIDecoder(bytes: bytes)
        let values = try decoder.values(types)
        guard decoder.position == bytes.count else { throw .trailingBytes }
        return values
    }
}

/// Reads an encoding from front to back.
private struct ABIDecoder {
    let bytes: [UInt8]
    var position = 0

    /// A sequence of values: heads, then what stands behind them.
    mutating func values(_ types: [ABIType]) throws(ABIError) -> [ABIValue] {
        let start = position
        var values: [ABIValue] = []
        var offsets: [(index: Int, offset: Int)] = []
        for (index, type) in types.enumerated() {
            if type.isDynamic {
                offsets.append((index, try count()))
                values.append(.bool(false))
            } else {
                values.append(try content(type))
            }
        }
        for (index, offset) in offsets {
            guard offset == position - start else { throw .offsetNotCanonical }
            values[index] = try content(types[index])
        }
        return values
    }

    private mutating func content(_ type: ABIType) throws(ABIError) -> ABIValue {
        switch type {
        case .uint(let bits): return try number(bits: bits)
        case .int256: return .uint256(try word())
        case .bool:
            guard let number = try word().number, number <= 1 else { throw .valueOutOfRange }
            return .bool(number == 1)
        case .address:
            let word = try word()
            let address = Address(lastOf: word)
            guard address.word == word else { throw .valueOutOfRange }
            return .address(address)
        case .fixedBytes(let count):
            let word = try word()
            guard count < 32 else { return .bytes32(word) }
            guard word.bytes.dropFirst(count).allSatisfy({ $0 == 0 }) else { throw .paddingNotZero }
            return .fixedBytes(Array(word.bytes.prefix(count)))
        case .bytes: return .bytes(try counted())
        case .string:
            guard let text = String(validating: try counted(), as: UTF8.self) else { throw .notUTF8 }
            return .string(text)
        case .array(let element):
            let count = try count()
            return .array(try elements(element, count: count))
        case .fixedArray(let element, let count): return .tuple(try elements(element, count: count))
        case .tuple(let types): return .tuple(try values(types))
        }
    }

    private mutating func elements(_ type: ABIType, count: Int) throws(ABIError) -> [ABIValue] {
        guard type.headSize > 0 else { throw .emptyType }
        guard count <= (bytes.count - position) / type.headSize else { throw .truncated }
        return try values(Array(repeating: type, count: count))
    }

    private func number(_ word: Bytes32, fits bits: Int) -> Bool {
        let parts = [word.words.3, word.words.2, word.words.1, word.words.0]
        return parts.enumerated().allSatisfy { index, part in
            let left = bits - 64 * index
            return left >= 64 || (left <= 0 ? part == 0 : part >> UInt64(left) == 0)
        }
    }

    private mutating func number(bits: Int) throws(ABIError) -> ABIValue {
        let word = try word()
        guard number(word, fits: bits) else { throw .valueOutOfRange }
        return bits <= 64 ? .uint(word.words.3) : .uint256(word)
    }

    /// An offset or a number of elements: no more than there are bytes.
    private mutating func count() throws(ABIError) -> Int {
        guard let number = try word().number, number <= UInt64(bytes.count) else { throw .truncated }
        return Int(number)
    }

    private mutating func counted() throws(ABIError) -> [UInt8] {
        let count = try count()
        let padded = (count + 31) / 32 * 32
        guard padded <= bytes.count - position else { throw .truncated }
        let content = bytes[position..<position + count]
        guard bytes[position + count..<position + padded].allSatisfy({ $0 == 0 }) else { throw .paddingNotZero }
        position += padded
        return Array(content)
    }

    private mutating func word() throws(ABIError) -> Bytes32 {
        guard bytes.count - position >= 32 else { throw .truncated }
        defer { position += 32 }
        return Bytes32(bytes.span, at: position)
    }
}
