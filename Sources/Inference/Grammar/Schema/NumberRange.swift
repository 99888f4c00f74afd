/// The numbers between two bounds.
struct NumberRange: Hashable, Sendable {
    struct Bound: Hashable, Sendable {
        let value: Decimal10
        /// Whether the bound itself is outside.
        let isOpen: Bool
    }

    private(set) var low: Bound?
    private(set) var high: Bound?

    /// Leaves out what is below `bound`.
    mutating func raise(to bound: Bound) {
        if let low, low.value > bound.value || (low.value == bound.value && low.isOpen) { return }
        low = bound
    }

    /// Leaves out what is above `bound`.
    mutating func lower(to bound: Bound) {
        if let high, high.value < bound.value || (high.value == bound.value && high.isOpen) { return }
        high = bound
    }

    func contains(_ value: Decimal10) -> Bool {
        if let low, value < low.value || (low.isOpen && value == low.value) { return false }
        if let high, value > high.value || (high.isOpen && value == high.value) { return false }
        return true
    }

    /// Whether no number is in both.
    func isApart(from other: NumberRange) -> Bool {
        var both = self
        if let low = other.low { both.raise(to: low) }
        if let high = other.high { both.lower(to: high) }
        guard let low = both.low, let high = both.high else { return false }
        return low.value > high.value || (low.value == high.value && (low.isOpen || high.isOpen))
    }

    // MARK: Whole numbers

    /// The whole numbers of the range, of at most 16 digits where it has no end.
    var integers: GrammarNode {
        let least = low.map { $0.isOpen ? $0.value.floor.successor : $0.value.ceiling }
        let most = high.map { $0.isOpen ? $0.value.ceiling.predecessor : $0.value.floor }
        let zero = Decimal10(0)
        var nodes: [GrammarNode] = []
        if least ?? zero <= zero, most ?? zero >= zero { nodes.append(.text("0")) }
        nodes.append(Self.positive(from: max(least ?? Decimal10(1), Decimal10(1)), to: most))
        let mirrored = Self.positive(
            from: max(most?.negated ?? Decimal10(1), Decimal10(1)),
            to: least?.negated
        )
        nodes.append(.sequence([.text("-"), mirrored]))
        return .choice(nodes)
    }

    private static func digits(_ low: UInt8, _ high: UInt8) -> GrammarNode {
        .characters(ScalarSet([0x30 + UInt32(low)...0x30 + UInt32(high)]))
    }

    private static func anyDigits(_ least: Int, _ most: Int) -> GrammarNode {
        .repeated(digits(0, 9), least: least, most: most)
    }

    /// Whole numbers above 0.
    private static func positive(from low: Decimal10, to high: Decimal10?, longest: Int = 16) -> GrammarNode {
        let least = low.whole
        let nines = [UInt8](repeating: 9, count: least.count)
        guard let most = high?.whole else {
            let longer = GrammarNode.sequence([
                digits(1, 9), anyDigits(least.count, max(longest - 1, least.count)),
            ])
            return .choice([between(least[...], nines[...]), longer])
        }
        guard let high, low <= high else { return .never }
        if least.count == most.count { return between(least[...], most[...]) }
        var smallest = [UInt8](repeating: 0, count: most.count)
        smallest[0] = 1
        var nodes = [between(least[...], nines[...]), between(smallest[...], most[...])]
        if most.count > least.count + 1 {
            nodes.append(.sequence([digits(1, 9), anyDigits(least.count, most.count - 2)]))
        }
        return .choice(nodes)
    }

    /// Numbers of as many digits as both bounds have.
    private static func between(_ low: ArraySlice<UInt8>, _ high: ArraySlice<UInt8>) -> GrammarNode {
        guard let first = low.first, let last = high.first else { return .empty }
        let lowRest = low.dropFirst()
        let highRest = high.dropFirst()
        if first == last { return .sequence([digits(first, first), between(lowRest, highRest)]) }
        guard first < last else { return .never }
        let nines = [UInt8](repeating: 9, count: lowRest.count)
        let zeros = [UInt8](repeating: 0, count: lowRest.count)
        var nodes: [GrammarNode] = [
            .sequence([digits(first, first), between(lowRest, nines[...])]),
            .sequence([digits(last, last), between(zeros[...], highRest)]),
        ]
        if last - first > 1 {
            nodes.append(.sequence([digits(first + 1, last - 1), anyDigits(lowRest.count, lowRest.count)]))
        }
        return .choice(nodes)
    }

    // MARK: All numbers

    /// The digits that a double keeps apart.
    static let precision = 15

    /// The numbers of the range, without exponents; any number where it has no ends.
    var numbers: GrammarNode {
        guard low != nil || high != nil else { return JSONNodes.number }
        let zero = Bound(value: Decimal10(0), isOpen: false)
        var nodes: [GrammarNode] = []
        let isAbove = high.map { $0.value > zero.value || ($0.value == zero.value && !$0.isOpen) } ?? true
        if isAbove {
            var above = self
            above.raise(to: zero)
            nodes.append(Self.magnitudes(from: above.low ?? zero, to: above.high))
        }
        if low.map({ $0.value < zero.value }) ?? true {
            var below = NumberRange()
            below.raise(to: Bound(value: zero.value, isOpen: true))
            if let high { below.raise(to: Bound(value: high.value.negated, isOpen: high.isOpen)) }
            if let low { below.lower(to: Bound(value: low.value.negated, isOpen: low.isOpen)) }
            nodes.append(.sequence([.text("-"), Self.magnitudes(from: below.low ?? zero, to: below.high)]))
        }
        return .choice(nodes)
    }

    private static func whole(_ value: Decimal10) -> GrammarNode {
        .text(value.whole.isEmpty ? "0" : value.whole.map(String.init).joined())
    }

    /// Numbers without a sign.
    private static func magnitudes(from low: Bound, to high: Bound?) -> GrammarNode {
        let longest = max(low.value.fraction.count, high?.value.fraction.count ?? 0)
        let before = max(low.value.whole.count, high?.value.whole.count ?? 10)
        let room = max(precision - before, longest + 1)
        guard let high else {
            let more = positive(from: low.value.floor.successor, to: nil, longest: 10)
            return .choice([
                .sequence([whole(low.value), atLeast(low, room)]), .sequence([more, anyFraction(room)]),
            ])
        }
        guard low.value <= high.value else { return .never }
        let first = low.value.floor
        let last = high.value.floor
        if first == last {
            return .sequence([whole(low.value), between(low, high, room)])
        }
        var nodes: [GrammarNode] = [
            .sequence([whole(low.value), atLeast(low, room)]), .sequence([whole(high.value), atMost(high, room)]),
        ]
        if first.successor < last {
            nodes.append(.sequence([positive(from: first.successor, to: last.predecessor), anyFraction(room)]))
        }
        return .choice(nodes)
    }

    private static func anyFraction(_ room: Int) -> GrammarNode {
        .optional(.sequence([.text("."), anyDigits(1, room)]))
    }

    private static func atLeast(_ bound: Bound, _ room: Int) -> GrammarNode {
        guard !bound.value.fraction.isEmpty || bound.isOpen else { return anyFraction(room) }
        return .sequence([.text("."), notBelow(bound.value.fraction[...], bound.isOpen, room)])
    }

    private static func atMost(_ bound: Bound, _ room: Int) -> GrammarNode {
        let fraction = bound.value.fraction[...]
        guard !fraction.isEmpty else { return bound.isOpen ? .never : .choice([.empty, .text(".0")]) }
        return .optional(.sequence([.text("."), notAbove(fraction, bound.isOpen, room)]))
    }

    /// Digits of a number above 0.
    private static func nonzero(_ room: Int) -> GrammarNode {
        guard room > 0 else { return .never }
        return .choice([
            .sequence([digits(1, 9), anyDigits(0, room - 1)]), .sequence([.text("0"), nonzero(room - 1)]),
        ])
    }

    /// Digits that go on from where the number is equal to a lower bound, of which `rest` is left.
    private static func notBelow(_ rest: ArraySlice<UInt8>, _ isOpen: Bool, _ room: Int) -> GrammarNode {
        guard let first = rest.first else { return isOpen ? nonzero(room) : anyDigits(0, room) }
        guard room > 0 else { return .never }
        var nodes: [GrammarNode] = [
            .sequence([digits(first, first), notBelow(rest.dropFirst(), isOpen, room - 1)])
        ]
        if first < 9 { nodes.append(.sequence([digits(first + 1, 9), anyDigits(0, room - 1)])) }
        return .choice(nodes)
    }

    /// Digits, at least one, that go on from where the number is equal to an upper bound, of which `rest` is left.
    private static func notAbove(_ rest: ArraySlice<UInt8>, _ isOpen: Bool, _ room: Int) -> GrammarNode {
        guard let first = rest.first, room > 0 else { return .never }
        let further = rest.dropFirst()
        var nodes: [GrammarNode] = []
        if !further.isEmpty {
            nodes.append(
                .sequence([digits(first, first), .optional(notAbove(further, isOpen, room - 1))])
            )
        } else if !isOpen {
            nodes.append(.sequence([digits(first, first), .optional(.text("0"))]))
        }
        if first > 0 { nodes.append(.sequence([digits(0, first - 1), anyDigits(0, room - 1)])) }
        return .choice(nodes)
    }

    /// Fractions between two bounds with the same whole part.
    private static func between(_ low: Bound, _ high: Bound, _ room: Int) -> GrammarNode {
        let from = low.value.fraction[...]
        let to = high.value.fraction[...]
        let isBare = from.isEmpty && !low.isOpen && (!to.isEmpty || !high.isOpen)
        let rest = GrammarNode.sequence([.text("."), between(from, low.isOpen, to, high.isOpen, room)])
        return isBare ? .optional(rest) : rest
    }

    private static func between(
        _ low: ArraySlice<UInt8>,
        _ isLowOpen: Bool,
        _ high: ArraySlice<UInt8>,
        _ isHighOpen: Bool,
        _ room: Int
    ) -> GrammarNode {
        guard room > 0 else { return .never }
        if low.isEmpty, high.isEmpty { return isLowOpen || isHighOpen ? .never : .text("0") }
        let first = low.first ?? 0
        let last = high.first ?? 0
        let lowRest = low.dropFirst()
        let highRest = high.dropFirst()
        guard first <= last else { return .never }
        guard first < last else {
            let mayStop = lowRest.isEmpty && !isLowOpen && (!highRest.isEmpty || !isHighOpen)
            let rest =
                lowRest.isEmpty && highRest.isEmpty
                ? GrammarNode.never : between(lowRest, isLowOpen, highRest, isHighOpen, room - 1)
            return .sequence([digits(first, first), mayStop ? .optional(rest) : rest])
        }
        var nodes: [GrammarNode] = [
            .sequence([digits(first, first), notBelow(lowRest, isLowOpen, room - 1)])
        ]
        if last - first > 1 { nodes.append(.sequence([digits(first + 1, last - 1), anyDigits(0, room - 1)])) }
        if !highRest.isEmpty {
            nodes.append(.sequence([digits(last, last), .optional(notAbove(highRest, isHighOpen, room - 1))]))
        } else if !isHighOpen {
            nodes.append(digits(last, last))
        }
        return .choice(nodes)
    }
}
