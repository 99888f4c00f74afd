/// The function under Salsa20 and its relatives: sixteen words are mixed in twenty rounds (Bernstein, "The Salsa20
/// family of stream ciphers").
///
/// Only additions, exclusive ors and rotations by fixed counts, so that the time taken tells nothing about the key.
enum Salsa20 {
    /// `expand 32-byte k`, the words on the diagonal for keys of 32 bytes.
    private static let sigma: (UInt32, UInt32, UInt32, UInt32) = (0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574)

    /// The sixteen words for a key of eight words and four words that count and vary.
    @inline(__always)
    static func input(key: SIMD8<UInt32>, _ n0: UInt32, _ n1: UInt32, _ n2: UInt32, _ n3: UInt32) -> SIMD16<UInt32> {
        SIMD16(
            sigma.0,
            key[0],
            key[1],
            key[2],
            key[3],
            sigma.1,
            n0,
            n1,
            n2,
            n3,
            sigma.2,
            key[4],
            key[5],
            key[6],
            key[7],
            sigma.3
        )
    }

    /// The words of a block of 64 bytes, little-endian.
    @inline(__always)
    static func block(_ input: SIMD16<UInt32>) -> SIMD16<UInt32> {
        rounds(input) &+ input
    }

    /// Twenty rounds, without the addition of the input that makes them a one-way street.
    @inline(__always)
    static func rounds(_ input: SIMD16<UInt32>) -> SIMD16<UInt32> {
        // Sixteen variables are kept in registers as far as there are any; an indexed vector would not be.
        var (x0, x1, x2, x3) = (input[0], input[1], input[2], input[3])
        var (x4, x5, x6, x7) = (input[4], input[5], input[6], input[7])
        var (x8, x9, x10, x11) = (input[8], input[9], input[10], input[11])
        var (x12, x13, x14, x15) = (input[12], input[13], input[14], input[15])
        for _ in 0..<10 {
            quarter(&x0, &x4, &x8, &x12)
            quarter(&x5, &x9, &x13, &x1)
            quarter(&x10, &x14, &x2, &x6)
            quarter(&x15, &x3, &x7, &x11)
            quarter(&x0, &x1, &x2, &x3)
            quarter(&x5, &x6, &x7, &x4)
            quarter(&x10, &x11, &x8, &x9)
            quarter(&x15, &x12, &x13, &x14)
        }
        return SIMD16(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15)
    }

    @inline(__always)
    private static func quarter(_ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32, _ d: inout UInt32) {
        b ^= rotate(a &+ d, 7)
        c ^= rotate(b &+ a, 9)
        d ^= rotate(c &+ b, 13)
        a ^= rotate(d &+ c, 18)
    }

    @inline(__always)
    private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word &<< count | word &>> (32 &- count)
    }
}

/// A stream cipher: bytes are combined with a key stream, and the same again gives them back.
///
/// The place in the stream is kept, so that the pieces in which the bytes come do not matter.
struct Salsa20Stream {
    private let key: SIMD8<UInt32>
    private let nonce: (UInt32, UInt32)
    private var counter: UInt64 = 0
    /// The last block, of which the last `leftover` bytes have not been used.
    private var block = SIMD16<UInt32>()
    private var leftover = 0

    /// Salsa20 with twenty rounds.
    ///
    /// - Parameter nonce: the first eight bytes count.
    init(key: PreSharedKey, salsa20Nonce nonce: [UInt8]) {
        self.init(key: key.words, nonce: (word(nonce, at: 0), word(nonce, at: 4)))
    }

    /// XSalsa20: the first 16 bytes of the nonce make a key of their own, the last 8 are the nonce under it
    /// (Bernstein, "Extending the Salsa20 nonce").
    ///
    /// - Parameter nonce: 24 bytes; too long to come twice by chance.
    init(key: PreSharedKey, xSalsa20Nonce nonce: [UInt8]) {
        self.init(
            key: Self.hSalsa20(key.words, nonce),
            nonce: (word(nonce, at: 16), word(nonce, at: 20))
        )
    }

    private init(key: SIMD8<UInt32>, nonce: (UInt32, UInt32)) {
        self.key = key
        self.nonce = nonce
    }

    /// The key that a key and 16 bytes of a nonce stand for.
    static func hSalsa20(_ key: SIMD8<UInt32>, _ nonce: [UInt8]) -> SIMD8<UInt32> {
        let mixed = Salsa20.rounds(
            Salsa20.input(key: key, word(nonce, at: 0), word(nonce, at: 4), word(nonce, at: 8), word(nonce, at: 12))
        )
        return SIMD8(mixed[0], mixed[5], mixed[10], mixed[15], mixed[6], mixed[7], mixed[8], mixed[9])
    }

    /// Encrypts or decrypts the bytes in their place.
    mutating func apply(to bytes: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while leftover > 0, offset < bytes.count {
            unsafe applyLeftover(to: bytes, &offset)
        }
        while bytes.count - offset >= 64 {
            advance()
            // The place is within the buffer, and words may be loaded and stored wherever they lie.
            unsafe bytes.storeBytes(
                of: bytes.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt32>.self) ^ Self.littleEndian(block),
                toByteOffset: offset,
                as: SIMD16<UInt32>.self
            )
            leftover = 0
            offset += 64
        }
        guard offset < bytes.count else { return }
        advance()
        while offset < bytes.count {
            unsafe applyLeftover(to: bytes, &offset)
        }
    }

    private mutating func applyLeftover(to bytes: UnsafeMutableRawBufferPointer, _ offset: inout Int) {
        let place = 64 - leftover
        unsafe bytes[offset] ^= UInt8(truncatingIfNeeded: block[place >> 2] >> UInt32(8 * (place & 3)))
        leftover -= 1
        offset += 1
    }

    private mutating func advance() {
        block = Salsa20.block(
            Salsa20.input(
                key: key,
                nonce.0,
                nonce.1,
                UInt32(truncatingIfNeeded: counter),
                UInt32(truncatingIfNeeded: counter >> 32)
            )
        )
        leftover = 64
        // 2^70 bytes do not pass in the life of any connection.
        counter &+= 1
    }

    private static func littleEndian(_ words: SIMD16<UInt32>) -> SIMD16<UInt32> {
        guard UInt32(1).littleEndian != 1 else { return words }
        var words = words
        for index in words.indices { words[index] = words[index].littleEndian }
        return words
    }
}

/// Four bytes as a number, little-endian; bytes that are not there are zero.
func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
}
