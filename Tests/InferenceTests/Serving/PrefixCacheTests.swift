import LatticeTesting
import Testing

@testable import Inference

@Suite struct `Prefix cache` {
    private func page(_ number: Int) -> ArraySlice<TokenID> { [TokenID](repeating: TokenID(number), count: 64)[...] }

    /// Fills a chain of pages with the given contents.
    private func fill(_ cache: inout PrefixCache, _ contents: [Int]) throws -> [PageID] {
        var chain: [PageID] = []
        for content in contents {
            let taken = cache.take()
            chain.append(cache.publish(try #require(taken), page(content), after: chain.last))
        }
        return chain
    }

    @Test func `finds a full page after the same pages only`() throws {
        var cache = PrefixCache(pages: 8)
        let chain = try fill(&cache, [1, 2])
        cache.release(chain)
        #expect(cache.inUse == 0 && cache.idle == 2)
        let lone = cache.find(page(2), after: nil)
        #expect(lone == nil)
        let first = cache.find(page(1), after: nil)
        #expect(first == chain[0])
        let twice = cache.find(page(1), after: first)
        #expect(twice == nil)
        let second = cache.find(page(2), after: first)
        #expect(second == chain[1])
        #expect(cache.inUse == 2 && cache.idle == 0)
    }

    @Test func `keeps one page of two with the same tokens`() throws {
        var cache = PrefixCache(pages: 8)
        let one = try fill(&cache, [1, 2, 3])
        let other = try fill(&cache, [1, 2, 4])
        #expect(one[..<2] == other[..<2] && one[2] != other[2])
        #expect(cache.inUse == 4)
        cache.release(one)
        #expect(cache.inUse == 3)
        cache.release(other)
        #expect(cache.inUse == 0 && cache.available == 8)
    }

    @Test func `gives up what was used longest ago, the end of a prefix first`() throws {
        var cache = PrefixCache(pages: 4)
        cache.release(try fill(&cache, [1, 2]))
        cache.release(try fill(&cache, [3, 4]))
        // The first prefix is used once more.
        let again = cache.find(page(1), after: nil)
        cache.release([try #require(again)])
        // The ends of both prefixes go, the older one first.
        _ = cache.take()
        let ended = cache.find(page(2), after: again)
        #expect(ended == nil)
        _ = cache.take()
        let third = cache.find(page(3), after: nil)
        let fourth = cache.find(page(4), after: third)
        #expect(third != nil && fourth == nil)
        #expect(cache.available == 1)
    }

    @Test func `gives out no page twice`() {
        var cache = PrefixCache(pages: 5)
        let taken = (0..<5).compactMap { _ in cache.take() }
        #expect(Set(taken).count == 5)
        let sixth = cache.take()
        #expect(sixth == nil && cache.available == 0)
    }

    @Test func `tells prefixes apart by their hash`() throws {
        var cache = PrefixCache(pages: 8)
        _ = try fill(&cache, [1, 2])
        _ = try fill(&cache, [2, 1])
        #expect(Set(cache.hashes).count == 4)
        let first = prefixHash(page(1), after: nil)
        #expect(Set(cache.hashes).contains(prefixHash(page(2), after: first)))
        // The definition, so that it does not change unseen: other nodes compute it too.
        #expect(
            prefixHash([1, 2, 3], after: nil) == Self.fnv([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])
        )
    }

    private static func fnv(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
