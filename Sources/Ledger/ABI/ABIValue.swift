/// A value as contracts take and give it (Solidity ABI specification, "Formal specification of the encoding").
public enum ABIValue: Hashable, Sendable {
    /// An unsigned number of up to 64 bits.
    case uint(UInt64)
    /// An unsigned number of more than 64 bits, or a signed one in two's complement.
    case uint256(Bytes32)
    /// A truth value.
    case bool(Bool)
    /// An address.
    case address(Address)
    /// 32 bytes.
    case bytes32(Bytes32)
    /// A fixed number of bytes from 1 to 31, padded on the right.
    case fixedBytes([UInt8])
    /// Any number of bytes.
    case bytes([UInt8])
    /// Text in UTF-8.
    case string(String)
    /// Any number of values of one type.
    case array([ABIValue])
    /// A fixed number of values, of one type or of several: a tuple, or an array of fixed length.
    case tuple([ABIValue])

    /// Whether the encoding stands behind the heads, with its offset in its place.
    var isDynamic: Bool {
        switch self {
        case .bytes, .string, .array: true
        case .tuple(let values): values.contains(where: \.isDynamic)
        case .uint, .uint256, .bool, .address, .bytes32, .fixedBytes: false
        }
    }

    /// Bytes that the value takes among the heads.
    var headSize: Int {
        if case .tuple(let values) = self, !isDynamic { return values.reduce(0) { $0 + $1.headSize } }
        return 32
    }
}
