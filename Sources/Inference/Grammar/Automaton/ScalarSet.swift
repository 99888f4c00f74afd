/// A set of Unicode scalars, as ranges in order and apart from one another.
struct ScalarSet: Hashable, Sendable {
    /// All scalars: surrogates are none.
    static let all = ScalarSet([0...0xD7FF, 0xE000...0x10FFFF])

    private(set) var ranges: [ClosedRange<UInt32>]

    /// The scalars of the ranges, which may touch and overlap; surrogates are left out.
    init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound &+ 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged.flatMap { range -> [ClosedRange<UInt32>] in
            var parts: [ClosedRange<UInt32>] = []
            if range.lowerBound < 0xD800 { parts.append(range.lowerBound...min(range.upperBound, 0xD7FF)) }
            if range.upperBound > 0xDFFF, range.lowerBound <= 0x10FFFF {
                parts.append(max(range.lowerBound, 0xE000)...min(range.upperBound, 0x10FFFF))
            }
            return parts
        }
    }

    /// The scalars of a text.
    init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

    var isEmpty: Bool { ranges.isEmpty }
    var isASCII: Bool { (ranges.last?.upperBound ?? 0) < 0x80 }

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

    /// All other scalars.
    var inverted: ScalarSet {
        var next: UInt32 = 0
        var rest: [ClosedRange<UInt32>] = []
        for range in ranges {
            if next < range.lowerBound { rest.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { rest.append(next...0x10FFFF) }
        return ScalarSet(rest)
    }

    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }
    func intersection(_ other: ScalarSet) -> ScalarSet { inverted.union(other.inverted).inverted }
    func subtracting(_ other: ScalarSet) -> ScalarSet { intersection(other.inverted) }

    /// The UTF-8 forms: sequences of byte ranges, no two of which have a text in common.
    var utf8: [[ClosedRange<UInt8>]] { ranges.flatMap(Self.utf8) }

    private static func utf8(_ range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
        var forms: [[ClosedRange<UInt8>]] = []
        let lengths: [ClosedRange<UInt32>] = [0...0x7F, 0x80...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF]
        for (index, length) in lengths.enumerated() where length.overlaps(range) {
            let part = range.clamped(to: length)
            split(part.lowerBound, part.upperBound, continuations: index, into: &forms)
        }
        return forms
    }

    /// Cuts a range of scalars of one length where its bytes stop being independent of one another.
    private static func split(
        _ low: UInt32,
        _ high: UInt32,
        continuations: Int,
        into forms: inout [[ClosedRange<UInt8>]]
    ) {
        for level in stride(from: continuations, to: 0, by: -1) {
            let mask = UInt32(1) << (6 * UInt32(level)) - 1
            guard low & ~mask != high & ~mask else { continue }
            if low & mask != 0 {
                split(low, low | mask, continuations: continuations, into: &forms)
                split((low | mask) + 1, high, continuations: continuations, into: &forms)
                return
            }
            if high & mask != mask {
                split(low, (high & ~mask) - 1, continuations: continuations, into: &forms)
                split(high & ~mask, high, continuations: continuations, into: &forms)
                return
            }
        }
        let first = encode(low, continuations)
        let last = encode(high, continuations)
        forms.append(zip(first, last).map { $0...$1 })
    }

    private static func encode(_ scalar: UInt32, _ continuations: Int) -> [UInt8] {
        let marks: [UInt8] = [0, 0xC0, 0xE0, 0xF0]
        var bytes = [marks[continuations] | UInt8(truncatingIfNeeded: scalar >> (6 * UInt32(continuations)))]
        for level in stride(from: continuations - 1, through: 0, by: -1) {
            bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar >> (6 * UInt32(level))) & 0x3F)
        }
        return bytes
    }
}
