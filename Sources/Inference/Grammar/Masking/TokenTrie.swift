internal import InferenceKernels

/// The bytes of all tokens as a tree, in the order of a walk: a node, then all below it.
struct TokenTrie: Sendable {
    /// Longer tokens are left out; published ones have up to 128 bytes.
    static let lengthLimit = Int(IK_TOKEN_BYTES)

    private(set) var bytes: [UInt8] = []
    /// 1 for the first byte of a token.
    private(set) var depths: [UInt16] = []
    /// The first node that is not below a node.
    private(set) var ends: [UInt32] = []
    /// Where the tokens that end at a node begin in `tokens`; one more than there are nodes.
    private(set) var firstTokens: [UInt32] = [0]
    private(set) var tokens: [TokenID] = []

    /// A tree of tokens; those without bytes are left out.
    init(_ pieces: [(token: TokenID, bytes: [UInt8])]) {
        let sorted = pieces.filter { !$0.bytes.isEmpty && $0.bytes.count <= Self.lengthLimit }
            .sorted { $0.bytes == $1.bytes ? $0.token < $1.token : $0.bytes.lexicographicallyPrecedes($1.bytes) }
        var path: [Int] = []
        var last: [UInt8] = []
        for (token, piece) in sorted {
            var common = 0
            while common < last.count, common < piece.count, last[common] == piece[common] { common += 1 }
            for node in path.dropFirst(common) { ends[node] = UInt32(bytes.count) }
            path.removeLast(path.count - common)
            for (offset, byte) in piece.enumerated().dropFirst(common) {
                path.append(bytes.count)
                bytes.append(byte)
                depths.append(UInt16(offset + 1))
                ends.append(0)
                firstTokens.append(UInt32(tokens.count))
            }
            tokens.append(token)
            firstTokens[firstTokens.count - 1] = UInt32(tokens.count)
            last = piece
        }
        for node in path { ends[node] = UInt32(bytes.count) }
    }

    /// The number of nodes.
    var count: Int { bytes.count }

    /// The node of the first byte of a token.
    func root(_ byte: UInt8) -> Int? {
        var node = 0
        while node < count {
            if bytes[node] == byte { return node }
            node = Int(ends[node])
        }
        return nil
    }
}
