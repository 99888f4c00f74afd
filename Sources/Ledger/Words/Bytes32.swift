/// One word of a contract: 32 bytes, a hash or an unsigned number of 256 bits, most significant byte first.
public struct Bytes32: Hashable, Sendable {
    /// The four parts as numbers, the most significant first; no allocation, unlike an array.
    let words: (UInt64, UInt64, UInt64, UInt64)

    /// All bytes zero.
    public static let zero = Bytes32(0, 0, 0, 0)

    init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        words = (word0, word1, word2, word3)
    }

    /// Takes exactly 32 bytes; `nil` for any other number.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.init(bytes.span, at: 0)
    }

    /// Takes 32 bytes from `offset`; the caller has checked that they are there.
    init(_ bytes: Span<UInt8>, at offset: Int) {
        self.init(
            bigEndianWord(bytes, at: offset),
            bigEndianWord(bytes, at: offset + 8),
            bigEndianWord(bytes, at: offset + 16),
            bigEndianWord(bytes, at: offset + 24)
        )
    }

    /// A number, as the contracts hold it in a word.
    public init(number: UInt64) {
        self.init(0, 0, 0, number)
    }

    /// Reads `0x` and 64 digits; `nil` for anything else.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// The 32 bytes, most significant first.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(to: &bytes)
        return bytes
    }

    /// The number in the word, or `nil` when it needs more than 64 bits.
    public var number: UInt64? {
        words.0 | words.1 | words.2 == 0 ? words.3 : nil
    }

    /// Appends the 32 bytes.
    func append(to bytes: inout [UInt8]) {
        appendBigEndian(words.0, to: &bytes)
        appendBigEndian(words.1, to: &bytes)
        appendBigEndian(words.2, to: &bytes)
        appendBigEndian(words.3, to: &bytes)
    }

    /// Compares the four parts.
    public static func == (left: Bytes32, right: Bytes32) -> Bool {
        left.words == right.words
    }

    /// Hashes the four parts.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension Bytes32: Comparable {
    /// Orders as numbers, which is also the order of the bytes.
    public static func < (left: Bytes32, right: Bytes32) -> Bool {
        left.words < right.words
    }
}

extension Bytes32: HexCoded, CustomStringConvertible {
    /// `0x` and 64 lower-case digits.
    public var description: String { Hex.encode(bytes) }
}
