internal import NIOConcurrencyHelpers

/// What an engine keeps of grammars between requests: the tree of its tokens, and the tables of the last few grammars.
///
/// `@unchecked Sendable`: the vocabulary is behind a lock, and `memories` belongs to the engine's thread.
final class GrammarCache: @unchecked Sendable {
    /// Each holds up to 32 MB when its grammar is large.
    private static let limit = 8

    private let tokenizer: Tokenizer
    private let vocabulary = NIOLockedValueBox<GrammarVocabulary?>(nil)
    private var memories: [(grammar: Grammar, memory: GrammarMemory)] = []

    init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// Builds the tree of tokens, unless it is there: a tenth of a second for a large vocabulary.
    @discardableResult
    func prepare() -> GrammarVocabulary {
        vocabulary.withLockedValue { known in
            if let known { return known }
            let made = GrammarVocabulary(tokenizer)
            known = made
            return made
        }
    }

    /// The constraint of a new answer; for the engine's thread.
    func constraint(_ grammar: Grammar) -> GrammarConstraint {
        let index = memories.firstIndex { $0.grammar == grammar }
        var known = index.map { memories.remove(at: $0).memory }
        if known?.machine.isFull == true { known = nil }
        let memory = known ?? GrammarMemory(GrammarMachine(grammar.program))
        memories.append((grammar, memory))
        if memories.count > Self.limit { memories.removeFirst() }
        return GrammarConstraint(memory, vocabulary: prepare())
    }
}
