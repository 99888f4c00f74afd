/// Byte strings numbered in the order of their arrival, some of which can be found by their bytes.
///
/// Keys are bytes and not `String`, because two strings that are canonically equal are one key to `String` but two tokens to a
/// model. One flat store instead of an array per piece keeps a vocabulary of 150,000 entries within a few megabytes.
struct PieceTable: Sendable {
    private var store: [UInt8] = []
    private var ends: [Int] = []
    /// Numbers of findable pieces by hash, with open addressing; -1 is free, and the size is a power of two.
    private var slots: [Int32] = [Int32](repeating: -1, count: 64)
    private var findable = 0
    /// Longer byte strings cannot be in the table.
    private(set) var longest = 0

    var count: Int { ends.count }

    /// The bytes of a piece.
    ///
    /// - Precondition: `number` is below `count`.
    subscript(number: Int32) -> ArraySlice<UInt8> {
        let index = Int(number)
        return store[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// Adds a piece that `find` does not see until `makeFindable` is called with its number.
    @discardableResult
    mutating func append(_ piece: some Sequence<UInt8>) -> Int32 {
        store.append(contentsOf: piece)
        ends.append(store.count)
        return Int32(ends.count - 1)
    }

    /// Lets `find` see a piece; of equal pieces it sees the one that came last.
    mutating func makeFindable(_ number: Int32) {
        let piece = self[number]
        longest = max(longest, piece.count)
        let slot = slot(of: piece.span)
        if slots[slot] < 0 { findable += 1 }
        slots[slot] = number
        if findable * 2 > slots.count { grow() }
    }

    /// The number of the piece with these bytes.
    func find(_ key: Span<UInt8>) -> Int32? {
        guard key.count <= longest else { return nil }
        let number = slots[slot(of: key)]
        return number < 0 ? nil : number
    }

    private func slot(of key: Span<UInt8>) -> Int {
        // The hasher is seeded anew in each process: a file cannot be made so that all its pieces collide.
        var hasher = Hasher()
        unsafe key.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        var slot = hasher.finalize() & (slots.count - 1)
        while slots[slot] >= 0, !isPiece(slots[slot], equalTo: key) {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private func isPiece(_ number: Int32, equalTo key: Span<UInt8>) -> Bool {
        let end = ends[Int(number)]
        let start = number == 0 ? 0 : ends[Int(number) - 1]
        guard end - start == key.count else { return false }
        for offset in 0..<key.count where store[start + offset] != key[offset] { return false }
        return true
    }

    private mutating func grow() {
        let old = slots
        slots = [Int32](repeating: -1, count: old.count * 2)
        for number in old where number >= 0 {
            slots[slot(of: self[number].span)] = number
        }
    }
}
