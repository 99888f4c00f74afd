/// Finds the longest of a set of special tokens at a place in a text.
struct SpecialTokenTrie: Sendable {
    /// Published special tokens have fewer than 64 bytes.
    ///
    /// The bound keeps matching linear whatever a file declares.
    static let longestToken = 256

    /// Where the edge of a node for a byte leads, by `node << 8 | byte`; the root is node 0.
    private var edges: [UInt64: UInt32] = [:]
    private var tokens: [UInt32: TokenID] = [:]
    private var nodes: UInt32 = 1
    /// The bytes with which some token begins, so that other text is passed over at the cost of one look.
    private(set) var firstBytes = [Bool](repeating: false, count: 256)

    mutating func insert(_ text: some Collection<UInt8>, token: TokenID) {
        guard let first = text.first, text.count <= Self.longestToken else { return }
        firstBytes[Int(first)] = true
        var node: UInt32 = 0
        for byte in text {
            let edge = UInt64(node) << 8 | UInt64(byte)
            if let next = edges[edge] {
                node = next
            } else {
                edges[edge] = nodes
                node = nodes
                nodes += 1
            }
        }
        tokens[node] = token
    }

    /// The longest token that begins at `start` and ends at `limit` or before, and where it ends.
    func longestMatch(in text: Span<UInt8>, at start: Int, limit: Int) -> (token: TokenID, end: Int)? {
        var node: UInt32 = 0
        var best: (token: TokenID, end: Int)?
        var position = start
        while position < limit, let next = edges[UInt64(node) << 8 | UInt64(text[position])] {
            node = next
            position += 1
            if let token = tokens[node] { best = (token, position) }
        }
        return best
    }
}
