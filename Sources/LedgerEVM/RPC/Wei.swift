import Ledger

/// An amount of the chain's own coin in its smallest unit, in which gas is paid.
///
/// 128 bits hold 3.4e20 coins, far beyond what any chain has; sums and products are checked.
public struct Wei: Hashable, Comparable, Sendable {
    /// The amount in wei.
    public let count: UInt128

    /// Nothing.
    public static let zero = Wei(0)

    /// 1e9 wei, the unit in which people speak of fees.
    public static let gwei = Wei(1_000_000_000)

    /// Makes an amount from a count of wei.
    public init(_ count: UInt128) {
        self.count = count
    }

    /// The sum, or the largest amount where it would be beyond 128 bits.
    public func adding(_ other: Wei) -> Wei {
        let (sum, overflow) = count.addingReportingOverflow(other.count)
        return Wei(overflow ? .max : sum)
    }

    /// The product, or the largest amount where it would be beyond 128 bits.
    public func times(_ factor: UInt64) -> Wei {
        let (product, overflow) = count.multipliedReportingOverflow(by: UInt128(factor))
        return Wei(overflow ? .max : product)
    }

    /// An eighth more, rounded up: what endpoints ask of a replacement, and a little above the tenth that most do.
    var raisedForReplacement: Wei { adding(Wei(count / 8 + (count.isMultiple(of: 8) ? 0 : 1))) }

    /// Orders amounts by size.
    public static func < (left: Wei, right: Wei) -> Bool { left.count < right.count }
}

extension Wei: CustomStringConvertible {
    /// The amount in gwei, such as `1.5 gwei`.
    public var description: String {
        let (whole, rest) = count.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard rest > 0 else { return "\(whole) gwei" }
        let digits = String(rest)
        let padded = String(repeating: "0", count: 9 - digits.count) + digits
        let end = padded.lastIndex { $0 != "0" } ?? padded.startIndex
        return "\(whole).\(padded[...end]) gwei"
    }
}

/// Numbers as JSON-RPC writes them: `0x` and digits without leading zeros (Ethereum JSON-RPC, "Hex value encoding").
enum Quantity {
    static func encode(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

    static func encode(_ wei: Wei) -> String { "0x" + String(wei.count, radix: 16) }

    /// The number; `nil` for anything but its one form, or where it needs more than 128 bits.
    static func decode(_ text: String) -> UInt128? {
        let characters = Array(text.utf8)
        guard (3...34).contains(characters.count), characters[0] == UInt8(ascii: "0"),
            characters[1] == UInt8(ascii: "x")
        else { return nil }
        if characters.count > 3, characters[2] == UInt8(ascii: "0") { return nil }
        var number: UInt128 = 0
        for character in characters.dropFirst(2) {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character - UInt8(ascii: "A") + 10
            default: return nil
            }
            number = number << 4 | UInt128(digit)
        }
        return number
    }
}
