/// The type of a value, which the bytes do not say (Solidity ABI specification, "Types").
public indirect enum ABIType: Hashable, Sendable {
    /// `uint8` to `uint256`; the number of bits is a multiple of 8.
    case uint(bits: Int)
    /// `int256`.
    case int256
    /// `bool`.
    case bool
    /// `address`.
    case address
    /// `bytes1` to `bytes32`.
    case fixedBytes(count: Int)
    /// `bytes`.
    case bytes
    /// `string`.
    case string
    /// `T[]`.
    case array(ABIType)
    /// `T[n]`.
    case fixedArray(ABIType, count: Int)
    /// `(T1,T2,…)`.
    case tuple([ABIType])

    /// Whether the encoding stands behind the heads, with its offset in its place.
    var isDynamic: Bool {
        switch self {
        case .bytes, .string, .array: true
        case .fixedArray(let element, _): element.isDynamic
        case .tuple(let types): types.contains(where: \.isDynamic)
        case .uint, .int256, .bool, .address, .fixedBytes: false
        }
    }

    /// Bytes that a value takes among the heads.
    var headSize: Int {
        guard !isDynamic else { return 32 }
        switch self {
        case .fixedArray(let element, let count): return element.headSize * count
        case .tuple(let types): return types.reduce(0) { $0 + $1.headSize }
        case .uint, .int256, .bool, .address, .fixedBytes, .bytes, .string, .array: return 32
        }
    }
}
