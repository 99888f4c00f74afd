/// A metadata value of a GGUF file.
///
/// All integer widths arrive as 64 bits and all floats as `Double`. Arrays of numbers and of strings are packed, because
/// a vocabulary has hundreds of thousands of entries.
public enum GGUFValue: Hashable, Sendable {
    /// An unsigned integer of any width.
    case uint(UInt64)
    /// A signed integer of any width.
    case int(Int64)
    /// A float of either width.
    case float(Double)
    /// A truth value.
    case bool(Bool)
    /// UTF-8 text.
    case string(String)
    /// An array of strings.
    case strings([String])
    /// An array of integers or truth values of any width; a value above `Int64.max` is refused.
    case ints([Int64])
    /// An array of 32-bit floats.
    case floats([Float])
    /// An array of 64-bit floats.
    case doubles([Double])
    /// An array of arrays; the format allows deeper ones, no known file has them, and the reader refuses them.
    case array([GGUFValue])

    /// What the value is, in words for error messages.
    public var kind: String {
        switch self {
        case .uint: "an unsigned integer"
        case .int: "an integer"
        case .float: "a float"
        case .bool: "a boolean"
        case .string: "a string"
        case .strings: "an array of strings"
        case .ints: "an array of integers"
        case .floats, .doubles: "an array of floats"
        case .array: "an array of arrays"
        }
    }
}
