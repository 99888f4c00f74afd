/// Decides which neighbours may become one symbol, and which pair goes first.
protocol MergeRule {
    /// The rank of joining two neighbours, lower first, and the number of the result; `nil` when they stay apart.
    func merge(_ left: Symbol, _ right: Symbol, in text: Span<UInt8>) -> (rank: UInt32, number: Int32)?
}

/// A part of the text on its way to becoming a token.
struct Symbol {
    /// Its place in the text, in bytes.
    var start: Int32
    var end: Int32
    /// Its number in the vocabulary's pieces, or -1.
    var number: Int32
    var previous: Int32
    var next: Int32
    var isGone = false
}

/// Joins neighbours, best rank first and leftmost among equals, until none may be joined.
///
/// A heap holds every pair of neighbours that may be joined, so n symbols take n log n steps. The storage is kept between
/// calls.
struct SymbolMerger {
    private(set) var symbols: [Symbol] = []
    /// `rank << 32 | left`: ordering by rank, then by place.
    private var heap = MinimumHeap()

    mutating func removeAll() {
        symbols.removeAll(keepingCapacity: true)
        heap.removeAll()
    }

    mutating func append(start: Int, end: Int, number: Int32) {
        let index = Int32(symbols.count)
        if index > 0 { symbols[Int(index) - 1].next = index }
        symbols.append(Symbol(start: Int32(start), end: Int32(end), number: number, previous: index - 1, next: -1))
    }

    mutating func merge(in text: Span<UInt8>, by rule: some MergeRule) {
        guard symbols.count > 1 else { return }
        for left in 0..<symbols.count - 1 { offer(Int32(left), text, rule) }
        while let entry = heap.removeMinimum() {
            let left = Int32(truncatingIfNeeded: entry & 0xFFFF_FFFF)
            let symbol = symbols[Int(left)]
            // An entry is stale when a neighbour has changed since; the pair that is there has an entry of its own.
            guard !symbol.isGone, symbol.next >= 0 else { continue }
            let right = symbols[Int(symbol.next)]
            guard let (rank, number) = rule.merge(symbol, right, in: text), UInt64(rank) == entry >> 32 else {
                continue
            }
            symbols[Int(symbol.next)].isGone = true
            symbols[Int(left)].end = right.end
            symbols[Int(left)].number = number
            symbols[Int(left)].next = right.next
            if right.next >= 0 { symbols[Int(right.next)].previous = left }
            if symbol.previous >= 0 { offer(symbol.previous, text, rule) }
            offer(left, text, rule)
        }
    }

    private mutating func offer(_ left: Int32, _ text: Span<UInt8>, _ rule: some MergeRule) {
        let symbol = symbols[Int(left)]
        guard symbol.next >= 0, let (rank, _) = rule.merge(symbol, symbols[Int(symbol.next)], in: text) else { return }
        heap.insert(UInt64(rank) << 32 | UInt64(left))
    }
}

/// A binary heap of numbers, smallest first.
struct MinimumHeap {
    private var entries: [UInt64] = []

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    mutating func insert(_ entry: UInt64) {
        var index = entries.count
        entries.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[parent] > entry else { break }
            entries[index] = entries[parent]
            index = parent
        }
        entries[index] = entry
    }

    mutating func removeMinimum() -> UInt64? {
        guard let minimum = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return minimum }
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            guard entries[child] < last else { break }
            entries[index] = entries[child]
            index = child
        }
        entries[index] = last
        return minimum
    }
}
