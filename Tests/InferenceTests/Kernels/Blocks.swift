@testable import Inference

/// Random weights as they lie in a file, and their values, decoded by the book of ggml without any of our layouts.
struct RandomRow {
    let bytes: [UInt8]
    let values: [Float]

    init(_ type: TensorType, columns: Int, random: inout SplitMix64) {
        var bytes = (0..<columns / type.blockLength * type.blockSize).map { _ in
            UInt8(truncatingIfNeeded: random.next())
        }
        var values: [Float] = []
        for block in 0..<columns / type.blockLength {
            let range = block * type.blockSize..<(block + 1) * type.blockSize
            for offset in Self.scaleOffsets(type) {
                // A half between 2^-7 and 2: sums stay in a range where a float says something.
                let exponent = UInt8(8 + random.next() % 8)
                let at = range.lowerBound + offset + 1
                bytes[at] = bytes[at] & 0x83 | exponent << 2
            }
            if type == .f32 || type == .bf16 {
                let at = range.upperBound - 2
                let exponent = UInt16(120 + random.next() % 8)
                let upper = (UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8) & 0x807F | exponent << 7
                bytes[at] = UInt8(truncatingIfNeeded: upper)
                bytes[at + 1] = UInt8(upper >> 8)
            }
            values += Self.decode(type, Array(bytes[range]))
        }
        self.bytes = bytes
        self.values = values
    }

    private static func scaleOffsets(_ type: TensorType) -> [Int] {
        switch type {
        case .f32, .bf16: []
        case .f16, .q8_0, .q4_0, .q5_0, .iq4_NL: [0]
        case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
        case .q6_K: [208]
        case .q3_K: [108]
        case .q2_K: [80, 82]
        }
    }

    static func half(_ bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 31)
        let mantissa = Float(bits & 1023)
        if exponent == 0 { return sign * mantissa * 0x1p-24 }
        return sign * (1 + mantissa / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    }

    private static func decode(_ type: TensorType, _ b: [UInt8]) -> [Float] {
        func h(_ at: Int) -> Float { half(UInt16(b[at]) | UInt16(b[at + 1]) << 8) }
        func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(b[at + $1]) << (8 * $1) } }
        func nibble(_ at: Int, _ c: Int) -> Int { Int(c < 16 ? b[at + c] & 15 : b[at + c - 16] >> 4) }
        func kScale(_ j: Int) -> (Float, Float) {
            let s = b[4..<16].map { Int($0) }
            if j < 4 { return (Float(s[j] & 63), Float(s[j + 4] & 63)) }
            return (Float(s[j + 4] & 15 | (s[j - 4] >> 6) << 4), Float(s[j + 4] >> 4 | (s[j] >> 6) << 4))
        }
        switch type {
        case .f32: return [Float(bitPattern: word(0))]
        case .f16: return [h(0)]
        case .bf16: return [Float(bitPattern: (UInt32(b[0]) | UInt32(b[1]) << 8) << 16)]
        case .q8_0: return (0..<32).map { h(0) * Float(Int8(bitPattern: b[2 + $0])) }
        case .q4_0: return (0..<32).map { h(0) * Float(nibble(2, $0) - 8) }
        case .q4_1: return (0..<32).map { h(0) * Float(nibble(4, $0)) + h(2) }
        case .q5_0:
            return (0..<32).map { h(0) * Float((nibble(6, $0) | Int(word(2) >> UInt32($0) & 1) << 4) - 16) }
        case .q5_1:
            return (0..<32).map { h(0) * Float(nibble(8, $0) | Int(word(4) >> UInt32($0) & 1) << 4) + h(2) }
        case .iq4_NL:
            let table = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
            return (0..<32).map { h(0) * Float(table[nibble(2, $0)]) }
        case .q4_K, .q5_K:
            return (0..<256).map { c in
                let (scale, minimum) = kScale(c / 32)
                let at = (type == .q4_K ? 16 : 48) + c / 64 * 32 + c % 32
                var q = Int(c / 32 % 2 == 0 ? b[at] & 15 : b[at] >> 4)
                if type == .q5_K { q |= Int(b[16 + c % 32] >> (c / 32) & 1) << 4 }
                return h(0) * scale * Float(q) - h(2) * minimum
            }
        case .q6_K:
            return (0..<256).map { c in
                let part = c / 128, within = c % 128
                let low = b[part * 64 + within % 64] >> (within < 64 ? 0 : 4) & 15
                let high = b[128 + part * 32 + within % 32] >> (within / 32 * 2) & 3
                let scale = Float(Int8(bitPattern: b[192 + c / 16]))
                return h(208) * scale * Float(Int(low | high << 4) - 32)
            }
        case .q3_K:
            return (0..<256).map { c in
                let j = c / 16
                let low = b[96 + j % 8] >> (j < 8 ? 0 : 4) & 15
                let scale = Int(low | (b[104 + j % 4] >> (j / 4 * 2) & 3) << 4) - 32
                let q =
                    Int(b[32 + c / 128 * 32 + c % 32] >> (c % 128 / 32 * 2) & 3)
                    - (b[c % 32] >> (c / 32) & 1 == 0 ? 4 : 0)
                return h(108) * Float(scale) * Float(q)
            }
        case .q2_K:
            return (0..<256).map { c in
                let packed = b[c / 16]
                let q = b[16 + c / 128 * 32 + c % 32] >> (c % 128 / 32 * 2) & 3
                return h(80) * Float(packed & 15) * Float(q) - h(82) * Float(packed >> 4)
            }
        }
    }
}
