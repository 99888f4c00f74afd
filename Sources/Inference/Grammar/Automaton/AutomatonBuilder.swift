/// Makes one nondeterministic automaton over bytes of all rules, where an edge may also be a whole rule.
///
/// `lower` adds ways from one state to another through states of its own and touches no other way, so that expressions can
/// share their ends.
struct AutomatonBuilder {
    /// What leads on from a state.
    struct State {
        var edges: [(bytes: ClosedRange<UInt8>, target: Int)] = []
        /// Ways that take no byte.
        var skips: [Int] = []
        var calls: [(rule: Int, target: Int)] = []
    }

    /// A bound on memory, about 100 bytes a state.
    static let stateLimit = 1 << 17
    /// Repeated expressions of more states in all become rules, so that each time costs one state.
    private static let inlineLimit = 256
    /// The depth to which expressions are nested, which the stack must hold.
    private static let depthLimit = 2048

    private(set) var states: [State] = []
    /// Where each rule begins and ends.
    private(set) var rules: [(start: Int, end: Int)] = []
    private var pending: [(rule: Int, node: GrammarNode)] = []
    private var repeats: [GrammarNode: Int] = [:]
    private var depth = 0

    /// The automaton of `grammar`.
    init(_ grammar: GrammarRules) throws(GrammarError) {
        for _ in grammar.nodes { rules.append((try state(), try state())) }
        pending = grammar.nodes.enumerated().map { ($0.offset, $0.element) }
        while let (rule, node) = pending.popLast() {
            try lower(node, from: rules[rule].start, to: rules[rule].end)
        }
    }

    private mutating func state() throws(GrammarError) -> Int {
        guard states.count < Self.stateLimit else { throw .tooLarge(what: "states", limit: Self.stateLimit) }
        states.append(State())
        return states.count - 1
    }

    private mutating func skip(_ from: Int, _ to: Int) { states[from].skips.append(to) }

    private mutating func lower(_ node: GrammarNode, from: Int, to: Int) throws(GrammarError) {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw .tooLarge(what: "levels of nesting", limit: Self.depthLimit) }
        switch node {
        case .never: break
        case .literal(let bytes): try lower(literal: bytes, from: from, to: to)
        case .characters(let set): try lower(set, from: from, to: to)
        case .sequence(let nodes):
            var place = from
            for (index, node) in nodes.enumerated() {
                let next = index == nodes.count - 1 ? to : try state()
                try lower(node, from: place, to: next)
                place = next
            }
            if nodes.isEmpty { skip(from, to) }
        case .choice(let nodes): try lower(choice: nodes, from: from, to: to)
        case .repeated(let node, let least, let most): try lower(node, least: least, most: most, from: from, to: to)
        case .rule(let rule): states[from].calls.append((rule, to))
        case .members(let members, let rest, let separator):
            try lower(members, rest: rest, separator: separator, from: from, to: to)
        }
    }

    private mutating func lower(literal bytes: [UInt8], from: Int, to: Int) throws(GrammarError) {
        var place = from
        for (index, byte) in bytes.enumerated() {
            let next = index == bytes.count - 1 ? to : try state()
            states[place].edges.append((byte...byte, next))
            place = next
        }
        if bytes.isEmpty { skip(from, to) }
    }

    private mutating func lower(_ set: ScalarSet, from: Int, to: Int) throws(GrammarError) {
        // Forms that end alike share the states of their ends.
        var shared: [[ClosedRange<UInt8>]: Int] = [:]
        for form in set.utf8 {
            var target = to
            var ending: [ClosedRange<UInt8>] = []
            for bytes in form.dropFirst().reversed() {
                ending.append(bytes)
                if let known = shared[ending] {
                    target = known
                } else {
                    let place = try state()
                    states[place].edges.append((bytes, target))
                    shared[ending] = place
                    target = place
                }
            }
            if let first = form.first { states[from].edges.append((first, target)) }
        }
    }

    /// Literals become a tree, so that a thousand of them cost one way per byte.
    private mutating func lower(choice nodes: [GrammarNode], from: Int, to: Int) throws(GrammarError) {
        var tree: [Step: Int] = [:]
        for node in nodes {
            guard case .literal(let bytes) = node, !bytes.isEmpty else {
                try lower(node, from: from, to: to)
                continue
            }
            var place = from
            for byte in bytes.dropLast() {
                let step = Step(place: place, byte: byte)
                if let known = tree[step] {
                    place = known
                } else {
                    let next = try state()
                    states[place].edges.append((byte...byte, next))
                    tree[step] = next
                    place = next
                }
            }
            if let last = bytes.last { states[place].edges.append((last...last, to)) }
        }
    }

    private struct Step: Hashable {
        let place: Int
        let byte: UInt8
    }

    private mutating func lower(
        _ node: GrammarNode,
        least: Int,
        most: Int?,
        from: Int,
        to: Int
    ) throws(GrammarError) {
        let times = most ?? max(least, 1)
        guard times <= Self.stateLimit else { throw .tooLarge(what: "repetitions", limit: Self.stateLimit) }
        guard most ?? .max >= least else { return }
        var node = node
        if times > 1, times * node.size > Self.inlineLimit, node.size > 1 { node = .rule(try rule(for: node)) }
        var place = from
        for _ in 0..<least {
            let next = try state()
            try lower(node, from: place, to: next)
            place = next
        }
        if let most {
            for _ in least..<most {
                skip(place, to)
                let next = try state()
                try lower(node, from: place, to: next)
                place = next
            }
        } else {
            let loop = try state()
            skip(place, loop)
            try lower(node, from: loop, to: loop)
            place = loop
        }
        skip(place, to)
    }

    private mutating func rule(for node: GrammarNode) throws(GrammarError) -> Int {
        if let known = repeats[node] { return known }
        let number = rules.count
        rules.append((try state(), try state()))
        pending.append((number, node))
        repeats[node] = number
        return number
    }

    /// Before each member there is a state where it or a later one may begin, and one where the list may end.
    private mutating func lower(
        _ members: [GrammarNode.Member],
        rest: GrammarNode?,
        separator: GrammarNode,
        from: Int,
        to: Int
    ) throws(GrammarError) {
        var beginning = try state()
        var ending = try state()
        skip(from, beginning)
        for member in members {
            let nextBeginning = try state()
            let nextEnding = try state()
            let end = try state()
            try lower(member.node, from: beginning, to: end)
            try lower(separator, from: end, to: nextBeginning)
            skip(end, nextEnding)
            if !member.isRequired {
                skip(beginning, nextBeginning)
                skip(ending, nextEnding)
            }
            (beginning, ending) = (nextBeginning, nextEnding)
        }
        if let rest {
            let end = try state()
            try lower(rest, from: beginning, to: end)
            try lower(separator, from: end, to: beginning)
            skip(end, ending)
        }
        skip(ending, to)
    }
}
