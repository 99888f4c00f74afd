/// Recursive length prefix, the encoding of transactions (Ethereum yellow paper, appendix B).
public indirect enum RLP: Hashable, Sendable {
    /// Bytes; a number is its big-endian bytes without leading zeros.
    case bytes([UInt8])
    /// Any number of items.
    case list([RLP])

    /// The encoding.
    public func encoded() -> [UInt8] {
        switch self {
        case .bytes(let bytes):
            if bytes.count == 1, bytes[0] < 0x80 { return bytes }
            return Self.prefix(count: bytes.count, offset: 0x80) + bytes
        case .list(let items):
            var content: [UInt8] = []
            for item in items { content.append(contentsOf: item.encoded()) }
            return Self.prefix(count: content.count, offset: 0xc0) + content
        }
    }

    private static func prefix(count: Int, offset: UInt8) -> [UInt8] {
        guard count >= 56 else { return [offset + UInt8(count)] }
        let digits = bigEndian(UInt128(count))
        return [offset + 55 + UInt8(digits.count)] + digits
    }

    /// The bytes of a number without leading zeros; none for zero.
    static func bigEndian(_ number: UInt128) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = number
        while rest > 0 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
        return bytes.reversed()
    }
}

extension RLP {
    /// An unsigned number.
    static func number(_ number: UInt64) -> RLP { .bytes(bigEndian(UInt128(number))) }

    /// An unsigned number.
    static func number(_ number: UInt128) -> RLP { .bytes(bigEndian(number)) }

    /// The number that a word holds.
    static func number(_ word: [UInt8]) -> RLP { .bytes(Array(word.drop { $0 == 0 })) }
}

/// Why bytes were not an RLP item.
public enum RLPError: Error, Hashable, Sendable {
    /// The bytes end before the item does.
    case truncated
    /// Bytes are left behind the item.
    case trailingBytes
    /// The item has a shorter encoding, or a length with leading zeros.
    case notCanonical
    /// Lists stand deeper in each other than the limit.
    case tooDeep
}

extension RLP {
    /// Deeper than anything in a transaction; an access list has four levels.
    static let mostDepth = 16

    /// Reads one item; only the one encoding that ``encoded()`` writes is accepted.
    public init(_ bytes: [UInt8]) throws(RLPError) {
        var reader = RLPReader(bytes: bytes)
        self = try reader.item(end: bytes.count, depth: 0)
        guard reader.position == bytes.count else { throw .trailingBytes }
    }
}

/// Reads items front to back.
private struct RLPReader {
    let bytes: [UInt8]
    var position = 0

    mutating func item(end: Int, depth: Int) throws(RLPError) -> RLP {
        guard depth <= RLP.mostDepth else { throw .tooDeep }
        guard position < end else { throw .truncated }
        let first = bytes[position]
        position += 1
        switch first {
        case ..<0x80: return .bytes([first])
        case ..<0xc0:
            let stop = try self.end(first, offset: 0x80, end: end)
            let content = Array(bytes[position..<stop])
            if content.count == 1, content[0] < 0x80 { throw .notCanonical }
            position = stop
            return .bytes(content)
        default:
            let stop = try self.end(first, offset: 0xc0, end: end)
            var items: [RLP] = []
            while position < stop { items.append(try item(end: stop, depth: depth + 1)) }
            return .list(items)
        }
    }

    /// Where the content behind a prefix ends.
    private mutating func end(_ first: UInt8, offset: UInt8, end: Int) throws(RLPError) -> Int {
        var count = Int(first - offset)
        if count > 55 {
            let digits = count - 55
            guard digits <= end - position else { throw .truncated }
            guard bytes[position] != 0 else { throw .notCanonical }
            // A length of more than seven bytes is more than any memory holds.
            guard digits <= 7 else { throw .truncated }
            count = bytes[position..<position + digits].reduce(0) { $0 << 8 | Int($1) }
            guard count >= 56 else { throw .notCanonical }
            position += digits
        }
        guard count <= end - position else { throw .truncated }
        return position + count
    }
}
