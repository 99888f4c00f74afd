/// The merges of a byte-pair vocabulary, in the order in which they were learnt.
struct BytePairRule: MergeRule, Sendable {
    /// Twice the largest published list.
    static let limit = 1 << 21

    private struct Merge {
        var rank: UInt32
        var number: Int32
    }
    /// By the numbers of the two pieces, `left << 32 | right`.
    private var merges: [UInt64: Merge] = [:]

    /// Reads lines `left right`, adding to `vocabulary` the pieces that are not tokens.
    init(lines: [String], vocabulary: inout Vocabulary) throws(TokenizerError) {
        guard lines.count <= Self.limit else {
            throw .tooLong(key: TokenizerKey.merges, count: lines.count, limit: Self.limit)
        }
        merges.reserveCapacity(lines.count)
        for (rank, line) in lines.enumerated() {
            let text = Substring(line)
            // A piece may be nothing but the stand-in for a space, never empty: the divider is after the first letter.
            guard let divider = text.utf8.dropFirst().firstIndex(of: UInt8(ascii: " ")),
                let left = ByteLetters.bytes(of: text[..<divider]),
                let right = ByteLetters.bytes(of: text[text.utf8.index(after: divider)...]), !right.isEmpty
            else {
                throw .inconsistent(key: TokenizerKey.merges, cause: "line \(rank) is not a pair of pieces")
            }
            let key = Self.key(vocabulary.number(of: left), vocabulary.number(of: right))
            guard merges[key] == nil else { continue }
            merges[key] = Merge(rank: UInt32(rank), number: vocabulary.number(of: left + right))
        }
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    func merge(_ left: Symbol, _ right: Symbol, in text: Span<UInt8>) -> (rank: UInt32, number: Int32)? {
        merges[Self.key(left.number, right.number)].map { ($0.rank, $0.number) }
    }
}

/// SentencePiece's rule: neighbours that spell a token may be joined, the token with the highest score first.
struct ScoreRule: MergeRule, Sendable {
    let pieces: PieceTable
    /// By token: 0 for the highest score; tokens with equal scores have equal ranks.
    private var ranks: [UInt32]

    init(scores: [Float], vocabulary: Vocabulary) throws(TokenizerError) {
        guard scores.count == vocabulary.count else {
            let cause = "\(scores.count) scores for \(vocabulary.count) tokens"
            throw .inconsistent(key: TokenizerKey.scores, cause: cause)
        }
        pieces = vocabulary.pieces
        // A score that is not a number would leave the order undefined.
        let ordered = scores.map { $0.isNaN ? -Float.infinity : $0 }
        let byScore = ordered.indices.sorted { ordered[$0] > ordered[$1] }
        ranks = [UInt32](repeating: 0, count: ordered.count)
        var rank: UInt32 = 0
        for (place, token) in byScore.enumerated() {
            if place > 0, ordered[byScore[place - 1]] != ordered[token] { rank += 1 }
            ranks[token] = rank
        }
    }

    func merge(_ left: Symbol, _ right: Symbol, in text: Span<UInt8>) -> (rank: UInt32, number: Int32)? {
        let number = pieces.find(text.extracting(Int(left.start)..<Int(right.end)))
        return number.map { (ranks[Int($0)], $0) }
    }
}
