/// How the weights of a tensor are stored (ggml's type numbers).
public enum TensorType: UInt32, Hashable, Sendable, CaseIterable {
    /// 32-bit floats.
    case f32 = 0
    /// 16-bit IEEE floats.
    case f16 = 1
    /// Blocks of 32: a scale and 4-bit numbers.
    case q4_0 = 2
    /// Blocks of 32: a scale, a minimum and 4-bit numbers.
    case q4_1 = 3
    /// Blocks of 32: a scale and 5-bit numbers.
    case q5_0 = 6
    /// Blocks of 32: a scale, a minimum and 5-bit numbers.
    case q5_1 = 7
    /// Blocks of 32: a scale and 8-bit numbers.
    case q8_0 = 8
    /// Blocks of 256 with 16 scales and minima of 4 bits, and 2-bit numbers.
    case q2_K = 10
    /// Blocks of 256 with 16 scales of 6 bits, and 3-bit numbers.
    case q3_K = 11
    /// Blocks of 256 with 8 scales and minima of 6 bits, and 4-bit numbers.
    case q4_K = 12
    /// Blocks of 256 with 8 scales and minima of 6 bits, and 5-bit numbers.
    case q5_K = 13
    /// Blocks of 256 with 16 scales of 8 bits, and 6-bit numbers.
    case q6_K = 14
    /// Blocks of 32: a scale and 4-bit indices into a table of 16 values.
    case iq4_NL = 20
    /// The upper half of 32-bit floats.
    case bf16 = 30

    /// The number of weights in a block.
    public var blockLength: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .iq4_NL: 32
        case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: 256
        }
    }

    /// The number of bytes of a block.
    public var blockSize: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0, .iq4_NL: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q2_K: 84
        case .q3_K: 110
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        }
    }
}
