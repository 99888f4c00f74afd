/// The hash function SHAKE128, for inputs and outputs shorter than its block of 168 bytes (FIPS 202).
///
/// The fingerprint of a pre-shared key needs it; swift-crypto has the SHA-3 functions, but not this one.
enum SHAKE128 {
    private static let rate = 168

    /// - Parameter input: fewer than 168 bytes.
    static func hash(_ input: [UInt8], byteCount: Int) -> [UInt8] {
        precondition(input.count < rate && byteCount <= rate, "one block is enough")
        // The input, the mark of the XOF, and the last bit of the block.
        var block = input + [0x1f] + [UInt8](repeating: 0, count: rate - input.count - 1)
        block[rate - 1] |= 0x80
        var lanes = [UInt64](repeating: 0, count: 25)
        for (index, byte) in block.enumerated() { lanes[index / 8] ^= UInt64(byte) << UInt64(8 * (index % 8)) }
        permute(&lanes)
        return (0..<byteCount).map { UInt8(truncatingIfNeeded: lanes[$0 / 8] >> UInt64(8 * ($0 % 8))) }
    }

    /// Keccak-f[1600].
    private static func permute(_ lanes: inout [UInt64]) {
        var feedback: UInt8 = 1
        for _ in 0..<24 {
            let columns = (0..<5).map { x in stride(from: x, to: 25, by: 5).reduce(UInt64(0)) { $0 ^ lanes[$1] } }
            for index in 0..<25 {
                lanes[index] ^= columns[(index + 4) % 5] ^ rotate(columns[(index + 1) % 5], 1)
            }
            var moved = lanes[1]
            var (x, y) = (1, 0)
            for step in 1...24 {
                (x, y) = (y, (2 * x + 3 * y) % 5)
                (lanes[x + 5 * y], moved) = (rotate(moved, step * (step + 1) / 2 % 64), lanes[x + 5 * y])
            }
            for row in stride(from: 0, to: 25, by: 5) {
                let old = Array(lanes[row..<row + 5])
                for x in 0..<5 { lanes[row + x] = old[x] ^ (~old[(x + 1) % 5] & old[(x + 2) % 5]) }
            }
            // The round constants come from a shift register of eight bits.
            for bit in 0...6 {
                if feedback & 1 != 0 { lanes[0] ^= 1 << (UInt64(1) << UInt64(bit) - 1) }
                feedback = feedback << 1 ^ (feedback & 0x80 != 0 ? 0x71 : 0)
            }
        }
    }

    private static func rotate(_ lane: UInt64, _ count: Int) -> UInt64 {
        count == 0 ? lane : lane << UInt64(count) | lane >> UInt64(64 - count)
    }
}
