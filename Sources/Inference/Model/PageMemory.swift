internal import InferenceKernels

/// The number of a page in a `PageMemory`.
typealias PageID = Int32

/// Memory for keys and values, in pages of 64 positions with all layers of one transformer.
///
/// A page is taken from the system when it is first used, and kept. Which page belongs to whom is decided elsewhere
/// (`PrefixCache`). Belongs to one thread at a time.
@safe final class PageMemory {
    /// The positions in a page.
    static let positions = Int(IK_PAGE_POSITIONS)

    let type: CacheType
    /// The number of layers in a page.
    let layers: Int
    /// The bytes of a page.
    let pageSize: Int
    private var pages: [AlignedMemory?]
    private var used = 0

    /// Room for `pages` pages of the layers of `transformer`.
    init(for transformer: Transformer, type: CacheType, pages: Int) {
        self.type = type
        layers = transformer.layers.count
        pageSize = Self.pageSize(for: transformer, type: type)
        self.pages = Array(repeating: nil, count: pages)
    }

    /// The bytes of a page of the layers of `transformer`.
    static func pageSize(for transformer: Transformer, type: CacheType) -> Int {
        var shape = transformer.shape.kernelShape
        return unsafe ik_page_bytes(&shape, type.kernelType) * transformer.layers.count
    }

    /// The bytes taken from the system.
    var size: Int { used * pageSize }

    /// Makes sure that there is memory for `page`.
    func prepare(_ page: PageID) throws(ModelError) {
        guard pages[Int(page)] == nil else { return }
        pages[Int(page)] = try AlignedMemory(count: pageSize)
        used += 1
    }

    /// The first byte of `page`, which was prepared.
    func address(of page: PageID) -> UnsafeMutableRawPointer? {
        guard let memory = pages[Int(page)] else { preconditionFailure("page \(page) has no memory") }
        return unsafe memory.start
    }
}

/// Tokens of one sequence that are computed together, and the pages that hold the sequence.
struct Segment: Hashable, Sendable {
    /// Page number i holds positions 64 i ..< 64 (i + 1).
    var pages: [PageID]
    /// Of the first token.
    var position: Int
    var count: Int

    /// The position after the last token.
    var end: Int { position + count }
}
