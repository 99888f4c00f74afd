/// The hash of Ethereum: Keccak with 256 bits and the padding of 2011, which is not that of SHA3-256.
///
/// Bytes may be given in parts; the hash depends only on their concatenation.
public struct Keccak256: Sendable {
    /// Bytes absorbed between two permutations: 1600 bits less twice the 256 of the hash.
    private static let rate = 136

    private var state = KeccakState()
    /// How many bytes of the current block are absorbed; below `rate`.
    private var position = 0

    /// Starts with no bytes.
    public init() {}

    /// The hash of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> Bytes32 {
        var keccak = Keccak256()
        keccak.update(bytes)
        return keccak.finalize()
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) {
        let span = bytes.span
        var offset = 0
        while offset < span.count {
            if position & 7 == 0, span.count - offset >= 8 {
                absorb(lane: bigEndianWord(span, at: offset).byteSwapped)
                offset += 8
            } else {
                state.lanes[position >> 3] ^= UInt64(span[offset]) &<< UInt64((position & 7) << 3)
                offset += 1
                advance(by: 1)
            }
        }
    }

    /// Adds the 32 bytes of a word.
    public mutating func update(_ word: Bytes32) {
        guard position & 7 == 0 else { return update(word.bytes) }
        absorb(lane: word.words.0.byteSwapped)
        absorb(lane: word.words.1.byteSwapped)
        absorb(lane: word.words.2.byteSwapped)
        absorb(lane: word.words.3.byteSwapped)
    }

    /// The hash of all bytes given so far; more may still be added.
    public func finalize() -> Bytes32 {
        var state = state
        state.lanes[position >> 3] ^= 1 &<< UInt64((position & 7) << 3)
        state.lanes[Self.rate / 8 - 1] ^= 1 << 63
        state.permute()
        return Bytes32(
            state.lanes[0].byteSwapped,
            state.lanes[1].byteSwapped,
            state.lanes[2].byteSwapped,
            state.lanes[3].byteSwapped
        )
    }

    private mutating func absorb(lane: UInt64) {
        state.lanes[position >> 3] ^= lane
        advance(by: 8)
    }

    private mutating func advance(by count: Int) {
        position += count
        if position == Self.rate {
            state.permute()
            position = 0
        }
    }
}
