import Testing

@testable import Inference

@Suite struct `Key-value cache` {
    @Test func `grows in pages`() throws {
        let rig = try Rig(path: Fixtures.tiny)
        let cache = rig.cache()
        #expect(cache.size == 0)
        _ = try rig.run([1], cache)
        let page = cache.size
        // Keys and values of 2 heads of 64 floats, 64 positions, 6 layers.
        #expect(page == 2 * 2 * 64 * 64 * 6 * 4)
        _ = try rig.run([TokenID](repeating: 1, count: 63), cache)
        #expect(cache.size == page)
        _ = try rig.run([1], cache)
        #expect(cache.size == 2 * page)
    }
}
