/// A number of bytes, in limits.
public struct ByteCount: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// How many.
    public let bytes: Int

    /// So many bytes; not negative.
    public init(_ bytes: Int) {
        precondition(bytes >= 0, "a count of bytes is not negative")
        self.bytes = bytes
    }

    /// So many bytes.
    public init(integerLiteral bytes: Int) {
        self.init(bytes)
    }

    /// So many times 1024 bytes.
    public static func kibibytes(_ count: Int) -> ByteCount { ByteCount(count << 10) }

    /// So many times 1024 KiB.
    public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(count << 20) }

    /// Whether one is less than the other.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// The count in the largest unit that divides it.
    public var description: String {
        switch bytes {
        case let bytes where bytes > 0 && bytes % (1 << 20) == 0: "\(bytes >> 20) MiB"
        case let bytes where bytes > 0 && bytes % (1 << 10) == 0: "\(bytes >> 10) KiB"
        default: "\(bytes) B"
        }
    }
}
