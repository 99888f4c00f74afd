/// Storage shared by the values of 20 bytes: an address and the id of a key.
struct Bytes20: Hashable, Sendable {
    /// The first eight bytes, the next eight and the last four, each as a number.
    let high: UInt64
    let middle: UInt64
    let low: UInt32

    init(high: UInt64, middle: UInt64, low: UInt32) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 20 else { return nil }
        let span = bytes.span
        high = bigEndianWord(span, at: 0)
        middle = bigEndianWord(span, at: 8)
        low = UInt32(truncatingIfNeeded: bigEndianWord(span, at: 12))
    }

    /// The last 20 bytes of a word, whatever the first 12 are.
    init(lastOf word: Bytes32) {
        high = word.words.1 << 32 | word.words.2 >> 32
        middle = word.words.2 << 32 | word.words.3 >> 32
        low = UInt32(truncatingIfNeeded: word.words.3)
    }

    var bytes: [UInt8] { Array(word.bytes.dropFirst(12)) }

    /// The bytes at the end of a word of zeros, as `abi.encode` places an address.
    var word: Bytes32 {
        Bytes32(0, high >> 32, high << 32 | middle >> 32, middle << 32 | UInt64(low))
    }
}

extension Bytes20: Comparable {
    static func < (left: Bytes20, right: Bytes20) -> Bool {
        (left.high, left.middle, left.low) < (right.high, right.middle, right.low)
    }
}
