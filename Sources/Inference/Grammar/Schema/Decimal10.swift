/// A number by its decimal digits, exact.
struct Decimal10: Hashable, Sendable {
    /// The most digits before and after the point.
    static let digitLimit = 64

    /// Never for 0.
    let isNegative: Bool
    /// Without leading zeros; none for a number below 1.
    let whole: [UInt8]
    /// Without zeros at the end.
    let fraction: [UInt8]

    /// A number that is written `whole.fraction` times ten to the `exponent`; `nil` when that has too many digits.
    init?(isNegative: Bool, whole: [UInt8], fraction: [UInt8] = [], exponent: Int = 0) {
        let digits = whole + fraction
        let point = whole.count + exponent
        guard let first = digits.firstIndex(where: { $0 != 0 }), let last = digits.lastIndex(where: { $0 != 0 }) else {
            self.init(false, [], [])
            return
        }
        guard point - first <= Self.digitLimit, last + 1 - point <= Self.digitLimit else { return nil }
        var before: [UInt8] = []
        if first < point { before = (first..<point).map { $0 < digits.count ? digits[$0] : 0 } }
        var after: [UInt8] = []
        if point <= last { after = (point...last).map { $0 >= 0 ? digits[$0] : 0 } }
        self.init(isNegative, before, after)
    }

    private init(_ isNegative: Bool, _ whole: [UInt8], _ fraction: [UInt8]) {
        self.isNegative = isNegative && !(whole.isEmpty && fraction.isEmpty)
        self.whole = whole
        self.fraction = fraction
    }

    /// A small whole number.
    init(_ value: Int) {
        self.init(value < 0, String(value.magnitude).utf8.map { $0 - 0x30 }.drop { $0 == 0 }.map(\.self), [])
    }

    var isZero: Bool { whole.isEmpty && fraction.isEmpty }
    var isWhole: Bool { fraction.isEmpty }
    var negated: Decimal10 { Decimal10(!isNegative, whole, fraction) }
    var magnitude: Decimal10 { Decimal10(false, whole, fraction) }

    /// The number as a small count, if it is one.
    var count: Int? { isWhole && !isNegative && whole.count <= 9 ? whole.reduce(0) { $0 * 10 + Int($1) } : nil }

    /// The JSON text.
    var text: String {
        let before = whole.isEmpty ? "0" : whole.map(String.init).joined()
        let after = fraction.isEmpty ? "" : "." + fraction.map(String.init).joined()
        return (isNegative ? "-" : "") + before + after
    }

    /// The largest whole number that is not larger.
    var floor: Decimal10 {
        if isWhole { return self }
        let cut = Decimal10(isNegative, whole, [])
        return isNegative ? Decimal10(true, Self.increment(whole), []) : cut
    }

    /// The smallest whole number that is not smaller.
    var ceiling: Decimal10 { negated.floor.negated }

    /// One more than a whole number.
    var successor: Decimal10 {
        guard isNegative else { return Decimal10(false, Self.increment(whole), []) }
        return Decimal10(true, Self.decrement(whole), [])
    }

    /// One less than a whole number.
    var predecessor: Decimal10 { negated.successor.negated }

    private static func increment(_ digits: [UInt8]) -> [UInt8] {
        var digits = digits
        for index in digits.indices.reversed() {
            if digits[index] < 9 {
                digits[index] += 1
                return digits
            }
            digits[index] = 0
        }
        return [1] + digits
    }

    /// Of a number above 0.
    private static func decrement(_ digits: [UInt8]) -> [UInt8] {
        var digits = digits
        for index in digits.indices.reversed() {
            if digits[index] > 0 {
                digits[index] -= 1
                break
            }
            digits[index] = 9
        }
        return Array(digits.drop { $0 == 0 })
    }
}

extension Decimal10: Comparable {
    static func < (left: Decimal10, right: Decimal10) -> Bool {
        guard left.isNegative == right.isNegative else { return left.isNegative }
        return left.isNegative ? right.isBelow(left) : left.isBelow(right)
    }

    /// Whether the magnitude is smaller.
    private func isBelow(_ other: Decimal10) -> Bool {
        if whole.count != other.whole.count { return whole.count < other.whole.count }
        if whole != other.whole { return whole.lexicographicallyPrecedes(other.whole) }
        return fraction.lexicographicallyPrecedes(other.fraction)
    }
}
