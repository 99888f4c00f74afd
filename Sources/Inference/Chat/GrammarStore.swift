internal import NIOConcurrencyHelpers

/// Grammars of the last requests: callers send the same schema with each one.
///
/// Shared by all engines of a process, as grammars do not depend on the model.
struct GrammarStore: Sendable {
    typealias Source = ReceiptFile.GrammarSource

    static let shared = GrammarStore()

    /// Requests in flight rarely have more grammars than this.
    private static let limit = 32
    /// About 50 MB of tables in all.
    private static let edgeLimit = 4 << 20

    /// The one used last comes last.
    private let kept = NIOLockedValueBox<[(source: Source, grammar: Grammar)]>([])

    /// The grammar of `source`, made unless it is kept: some milliseconds of computing.
    func grammar(of source: Source) throws(GrammarError) -> Grammar {
        let known = kept.withLockedValue { kept -> Grammar? in
            guard let index = kept.lastIndex(where: { $0.source == source }) else { return nil }
            let entry = kept.remove(at: index)
            kept.append(entry)
            return entry.grammar
        }
        if let known { return known }
        let made = try source.grammar()
        kept.withLockedValue { kept in
            kept.append((source, made))
            var edges = kept.reduce(0) { $0 + $1.grammar.program.edges.count }
            while kept.count > Self.limit || edges > Self.edgeLimit, kept.count > 1 {
                edges -= kept.removeFirst().grammar.program.edges.count
            }
        }
        return made
    }
}
