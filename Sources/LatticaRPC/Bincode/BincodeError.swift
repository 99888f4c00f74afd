/// Why bytes are not the value that was expected in bincode 2's `standard()` layout.
public enum BincodeError: Error, Hashable {
    /// The bytes end inside the value; a length that reaches past the end is told the same way.
    case truncated
    /// A length is over what is taken here.
    case tooLong(declared: UInt64, limit: Int)
    /// An integer is wider than its type.
    case integerTooWide
    /// A text is not UTF-8.
    case invalidText
    /// A byte that says yes or no says neither.
    case invalidBool(UInt8)
    /// An enumeration has no such case.
    case unknownVariant(UInt64)
}

extension BincodeError: CustomStringConvertible {
    /// What is wrong.
    public var description: String {
        switch self {
        case .truncated: "the bytes end inside a value"
        case .tooLong(let declared, let limit): "a length of \(declared) is over \(limit)"
        case .integerTooWide: "an integer is too wide"
        case .invalidText: "a text is not UTF-8"
        case .invalidBool(let byte): "\(byte) is neither 0 nor 1"
        case .unknownVariant(let number): "there is no variant \(number)"
        }
    }
}
