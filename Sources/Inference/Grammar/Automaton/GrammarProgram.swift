/// A grammar as tables: what `GrammarMachine` runs.
///
/// States of all rules without ways that take no byte; rules are called. Every state leads to its rule's end, and no rule
/// can begin with itself.
final class GrammarProgram: Sendable {
    struct Edge: Sendable {
        let low: UInt8
        let high: UInt8
        let target: Int32
    }

    struct Call: Hashable, Sendable {
        let rule: Int32
        /// The state after it.
        let target: Int32
    }

    struct State: Sendable {
        var edges: Range<Int32>
        var calls: Range<Int32>
        /// Whether the rule may end here.
        var isFinal: Bool
        /// How many calls within one another the way to the rule's end takes at least.
        var depth: Int32

        /// Whether there is nothing but the end.
        var isEnd: Bool { isFinal && edges.isEmpty && calls.isEmpty }
    }

    /// A bound on memory: 8 bytes an edge.
    static let edgeLimit = 1 << 21

    let states: [State]
    let edges: [Edge]
    let calls: [Call]
    /// The first state of each rule.
    let starts: [Int32]
    /// The rules' places in an order in which a rule comes before those that it can begin with.
    let order: [Int32]
    /// The kind of each byte: bytes of a kind are on the same edges everywhere.
    let kinds: [UInt8]
    /// A byte of each kind.
    let samples: [UInt8]

    /// The tables of `grammar`.
    convenience init(_ grammar: GrammarRules) throws(GrammarError) {
        try self.init(AutomatonBuilder(grammar), names: grammar.names)
    }

    private init(_ automaton: AutomatonBuilder, names: [String]) throws(GrammarError) {
        var reduction = AutomatonReduction(automaton)
        guard reduction.depths[automaton.rules[GrammarRules.root].start] >= 0 else { throw .nothingMatches }
        try reduction.flatten(from: GrammarRules.root)
        states = reduction.states
        edges = reduction.edges
        calls = reduction.calls
        starts = reduction.starts
        order = try reduction.order(names: names)
        var isBoundary = [Bool](repeating: false, count: 257)
        for edge in edges {
            isBoundary[Int(edge.low)] = true
            isBoundary[Int(edge.high) + 1] = true
        }
        var kinds: [UInt8] = []
        var samples: [UInt8] = [0]
        for byte in 0...255 {
            if byte > 0, isBoundary[byte] { samples.append(UInt8(byte)) }
            kinds.append(UInt8(samples.count - 1))
        }
        self.kinds = kinds
        self.samples = samples
    }
}
