/// Which pages of the cache are in use, and which prefix of tokens each full page holds.
///
/// A full page is found again by the page before it and its 64 tokens, so the pages of all sequences form a tree whose
/// paths are prefixes. Tokens are compared and not only hashed: a collision finds nothing wrong. Pages that nobody uses
/// stay until a page is needed; then the one goes that was used longest ago. Whoever uses a page uses those before it
/// too, and pages are let go from the last one on: so no page goes before those that follow it.
///
/// Numbers only; `PageMemory` has the bytes.
struct PrefixCache {
    private struct Page {
        /// How many sequences use it.
        var users = 0
        /// How it is found, once it is full.
        var key: Key?
        /// Of all tokens from the start to the page's end.
        var hash: UInt64 = 0
        /// Neighbours in the list of pages that can be found and nobody uses.
        var older = none
        var newer = none
    }

    private struct Key: Hashable {
        /// The page before, or `none` for the first.
        let parent: PageID
        let tokens: ArraySlice<TokenID>
    }

    private static let none: PageID = -1

    private var pages: [Page]
    private var free: [PageID]
    private var found: [Key: PageID] = [:]
    private var oldest = none
    private var newest = none
    /// Pages that can be found and nobody uses.
    private(set) var idle = 0

    /// A cache of `count` pages.
    init(pages count: Int) {
        pages = Array(repeating: Page(), count: count)
        // Low numbers first, so that memory is taken no sooner than needed.
        free = (0..<PageID(count)).reversed()
    }

    /// The number of pages.
    var capacity: Int { pages.count }
    /// Pages that can be had.
    var available: Int { free.count + idle }
    /// Pages that sequences use.
    var inUse: Int { capacity - available }
    /// Of each full page the hash of all tokens from the start to its end, in no order.
    var hashes: [UInt64] { found.values.map { pages[Int($0)].hash } }

    // MARK: Taking and releasing

    /// A page for one user, or `nil` when all are in use.
    mutating func take() -> PageID? {
        if free.isEmpty { forgetOldest() }
        guard let page = free.popLast() else { return nil }
        pages[Int(page)].users = 1
        return page
    }

    /// The page that holds `tokens`, a whole page of them, after page `parent`; for one user more.
    mutating func find(_ tokens: ArraySlice<TokenID>, after parent: PageID?) -> PageID? {
        guard let page = found[Key(parent: parent ?? Self.none, tokens: tokens)] else { return nil }
        use(page)
        return page
    }

    /// Lets go of the pages of one sequence, given in order of positions.
    mutating func release(_ chain: some BidirectionalCollection<PageID>) {
        for page in chain.reversed() { release(page) }
    }

    /// Makes a full page findable, and answers the page to use from here on.
    ///
    /// That is another one if another sequence filled one with the same tokens before. Equal tokens give equal bits, so
    /// nothing changes but the memory in use.
    mutating func publish(_ page: PageID, _ tokens: ArraySlice<TokenID>, after parent: PageID?) -> PageID {
        // A copy of the tokens, so that the key does not keep a whole conversation.
        let key = Key(parent: parent ?? Self.none, tokens: Array(tokens)[...])
        if let same = found[key] {
            guard same != page else { return page }
            use(same)
            release(page)
            return same
        }
        found[key] = page
        pages[Int(page)].key = key
        pages[Int(page)].hash = prefixHash(tokens, after: parent.map { pages[Int($0)].hash })
        return page
    }

    private mutating func use(_ page: PageID) {
        if pages[Int(page)].users == 0 { unlink(page) }
        pages[Int(page)].users += 1
    }

    private mutating func release(_ page: PageID) {
        precondition(pages[Int(page)].users > 0, "page \(page) is not in use")
        pages[Int(page)].users -= 1
        guard pages[Int(page)].users == 0 else { return }
        if pages[Int(page)].key == nil { free.append(page) } else { append(page) }
    }

    // MARK: The list of idle pages

    private mutating func append(_ page: PageID) {
        pages[Int(page)].older = newest
        pages[Int(page)].newer = Self.none
        if newest == Self.none { oldest = page } else { pages[Int(newest)].newer = page }
        newest = page
        idle += 1
    }

    private mutating func unlink(_ page: PageID) {
        let (older, newer) = (pages[Int(page)].older, pages[Int(page)].newer)
        if older == Self.none { oldest = newer } else { pages[Int(older)].newer = newer }
        if newer == Self.none { newest = older } else { pages[Int(newer)].older = older }
        idle -= 1
    }

    private mutating func forgetOldest() {
        guard oldest != Self.none else { return }
        let page = oldest
        unlink(page)
        if let key = pages[Int(page)].key { found[key] = nil }
        pages[Int(page)] = Page()
        free.append(page)
    }
}

/// The hash of all tokens up to a page's end.
///
/// FNV-1a with 64 bits over the hash before (0 at the start), 8 bytes, and the page's tokens, 4 bytes each, low byte
/// first. Equal on every machine, so that nodes can say which prefixes they hold.
func prefixHash(_ tokens: ArraySlice<TokenID>, after before: UInt64?) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ value: UInt64, bytes: UInt64) {
        for byte in 0..<bytes { hash = (hash ^ (value >> (8 * byte) & 255)) &* 0x100_0000_01b3 }
    }
    add(before ?? 0, bytes: 8)
    for token in tokens { add(UInt64(UInt32(bitPattern: token)), bytes: 4) }
    return hash
}
