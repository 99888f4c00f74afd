/// An amount of LAI in nano (1e-9 LAI), the only unit in which the ledger counts.
///
/// Unsigned 64 bits; every sum and difference is checked (ledger specification, §1 "Words" and "Arithmetic").
public struct Nano: Hashable, Comparable, Sendable, Codable {
    /// The amount in nano.
    public let count: UInt64

    /// Nothing.
    public static let zero = Nano(0)

    /// One LAI.
    public static let lai = Nano(1_000_000_000)

    /// Makes an amount from a count of nano.
    public init(_ count: UInt64) {
        self.count = count
    }

    /// Reads an amount encoded as a bare number.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(UInt64.self))
    }

    /// Encodes the amount as a bare number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(count)
    }

    /// The sum, or `nil` beyond 64 bits.
    public func adding(_ other: Nano) -> Nano? {
        let (sum, overflow) = count.addingReportingOverflow(other.count)
        return overflow ? nil : Nano(sum)
    }

    /// The difference, or `nil` below zero.
    public func subtracting(_ other: Nano) -> Nano? {
        let (difference, overflow) = count.subtractingReportingOverflow(other.count)
        return overflow ? nil : Nano(difference)
    }

    /// The difference, or zero where it would be below.
    public func clampedSubtracting(_ other: Nano) -> Nano {
        subtracting(other) ?? .zero
    }

    /// The sum, or the largest amount where it would be beyond 64 bits.
    public func clampedAdding(_ other: Nano) -> Nano {
        adding(other) ?? Nano(.max)
    }

    /// Orders amounts by size.
    public static func < (left: Nano, right: Nano) -> Bool {
        left.count < right.count
    }
}

extension Nano: CustomStringConvertible {
    /// The amount in LAI with all nine decimals, such as `0.000081000`.
    public var description: String {
        let (whole, rest) = count.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        return "\(whole)." + String(repeating: "0", count: 9 - digits.count) + digits
    }
}
