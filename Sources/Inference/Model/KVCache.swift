/// Keys and values of one sequence, in pages of its own.
///
/// Grows in pages and never beyond its capacity. Belongs to one thread at a time. The engine shares pages between
/// sequences instead (`Scheduler`); this is for what runs one sequence alone.
final class KVCache {
    let memory: PageMemory
    /// The largest number of positions.
    let capacity: Int
    /// The number of positions that are filled.
    private(set) var count = 0
    private var pages = 0

    /// An empty cache of up to `capacity` positions for `transformer`.
    init(for transformer: Transformer, capacity: Int, type: CacheType = .f16) {
        let pages = (capacity + PageMemory.positions - 1) / PageMemory.positions
        memory = PageMemory(for: transformer, type: type, pages: pages)
        self.capacity = capacity
    }

    /// The bytes in use.
    var size: Int { memory.size }

    /// Makes `positions` more positions count, with memory for them, and answers where they are.
    func grow(by positions: Int) throws(ModelError) -> Segment {
        precondition(count + positions <= capacity, "\(count) + \(positions) of \(capacity) positions")
        while pages * PageMemory.positions < count + positions {
            try memory.prepare(PageID(pages))
            pages += 1
        }
        defer { count += positions }
        return Segment(pages: (0..<PageID(pages)).map(\.self), position: count, count: positions)
    }

    /// Forgets all positions from `count` on.
    func truncate(to count: Int) {
        precondition(0...self.count ~= count)
        self.count = count
    }
}
