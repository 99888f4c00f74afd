/// Takes out of an automaton what leads nowhere and what takes no byte.
struct AutomatonReduction {
    private let automaton: AutomatonBuilder
    /// How many calls within one another a state's way to its rule's end takes at least; -1 when there is no way.
    private(set) var depths: [Int32]
    private var isEmptyRule: [Bool] = []
    private var numbers: [Int: Int32] = [:]
    private var unfinished: [Int] = []

    private(set) var states: [GrammarProgram.State] = []
    private(set) var edges: [GrammarProgram.Edge] = []
    private(set) var calls: [GrammarProgram.Call] = []
    private(set) var starts: [Int32]

    init(_ automaton: AutomatonBuilder) {
        self.automaton = automaton
        depths = Array(repeating: -1, count: automaton.states.count)
        starts = Array(repeating: -1, count: automaton.rules.count)
        measureDepths()
        findEmptyRules()
    }

    /// From the rules' ends backwards, level by level of calls.
    private mutating func measureDepths() {
        var sources = [[Int]](repeating: [], count: automaton.states.count)
        var callers = [[(source: Int, target: Int)]](repeating: [], count: automaton.rules.count)
        var returns = [[(source: Int, rule: Int)]](repeating: [], count: automaton.states.count)
        for (source, state) in automaton.states.enumerated() {
            for edge in state.edges { sources[edge.target].append(source) }
            for target in state.skips { sources[target].append(source) }
            for call in state.calls {
                callers[call.rule].append((source, call.target))
                returns[call.target].append((source, call.rule))
            }
        }
        var isReady = [Bool](repeating: false, count: automaton.rules.count)
        var queue: [Int] = automaton.rules.map(\.end)
        for end in queue { depths[end] = 0 }
        var level: Int32 = 0
        while !queue.isEmpty {
            while let state = queue.popLast() {
                for source in sources[state] where depths[source] < 0 {
                    depths[source] = level
                    queue.append(source)
                }
                for (source, rule) in returns[state] where depths[source] < 0 && isReady[rule] {
                    depths[source] = level
                    queue.append(source)
                }
            }
            level += 1
            for (rule, ends) in automaton.rules.enumerated() where !isReady[rule] && depths[ends.start] >= 0 {
                isReady[rule] = true
                for (source, target) in callers[rule] where depths[source] < 0 && depths[target] >= 0 {
                    depths[source] = level
                    queue.append(source)
                }
            }
        }
    }

    /// Rules that match the empty text.
    private mutating func findEmptyRules() {
        isEmptyRule = Array(repeating: false, count: automaton.rules.count)
        var isReached = [Bool](repeating: false, count: automaton.states.count)
        var waiting = [[Int]](repeating: [], count: automaton.rules.count)
        var ruleOfEnd: [Int: Int] = [:]
        for (rule, ends) in automaton.rules.enumerated() { ruleOfEnd[ends.end] = rule }
        // All rules at once: a state is reached when some rule's start leads there without a byte, and states belong to
        // one rule each.
        var queue = automaton.rules.map(\.start)
        for start in queue { isReached[start] = true }
        while let state = queue.popLast() {
            var next = automaton.states[state].skips
            for call in automaton.states[state].calls {
                if isEmptyRule[call.rule] { next.append(call.target) } else { waiting[call.rule].append(call.target) }
            }
            if let rule = ruleOfEnd[state], !isEmptyRule[rule] {
                isEmptyRule[rule] = true
                next += waiting[rule]
            }
            for target in next where !isReached[target] {
                isReached[target] = true
                queue.append(target)
            }
        }
    }

    /// Numbers the states that can be reached from `root`, and writes their tables.
    mutating func flatten(from root: Int) throws(GrammarError) {
        _ = number(ofRule: root)
        let ends = Set(automaton.rules.map(\.end))
        var place = 0
        while place < unfinished.count {
            let closure = closure(of: unfinished[place])
            let firstEdge = Int32(edges.count)
            let firstCall = Int32(calls.count)
            var seen: Set<GrammarProgram.Call> = []
            for state in closure {
                for edge in automaton.states[state].edges where depths[edge.target] >= 0 {
                    let target = number(of: edge.target)
                    edges.append(.init(low: edge.bytes.lowerBound, high: edge.bytes.upperBound, target: target))
                }
                for call in automaton.states[state].calls
                where depths[call.target] >= 0 && depths[automaton.rules[call.rule].start] >= 0 {
                    let rule = number(ofRule: call.rule)
                    let call = GrammarProgram.Call(rule: rule, target: number(of: call.target))
                    if seen.insert(call).inserted { calls.append(call) }
                }
            }
            guard edges.count <= GrammarProgram.edgeLimit, calls.count <= GrammarProgram.edgeLimit else {
                throw .tooLarge(what: "ways between states", limit: GrammarProgram.edgeLimit)
            }
            states.append(
                GrammarProgram.State(
                    edges: firstEdge..<Int32(edges.count),
                    calls: firstCall..<Int32(calls.count),
                    isFinal: closure.contains(where: ends.contains),
                    depth: depths[unfinished[place]]
                )
            )
            place += 1
        }
    }

    /// Where a state leads without a byte, by skips and by rules that match the empty text.
    private func closure(of state: Int) -> [Int] {
        var reached = [state]
        var isReached: Set<Int> = [state]
        var place = 0
        while place < reached.count {
            let state = automaton.states[reached[place]]
            place += 1
            for target in state.skips where isReached.insert(target).inserted { reached.append(target) }
            for call in state.calls where isEmptyRule[call.rule] && isReached.insert(call.target).inserted {
                reached.append(call.target)
            }
        }
        return reached
    }

    private mutating func number(of state: Int) -> Int32 {
        if let known = numbers[state] { return known }
        let number = Int32(unfinished.count)
        numbers[state] = number
        unfinished.append(state)
        return number
    }

    private mutating func number(ofRule rule: Int) -> Int32 {
        if starts[rule] < 0 { starts[rule] = number(of: automaton.rules[rule].start) }
        return Int32(rule)
    }

    /// The places of rules such that each comes before those that it can begin with.
    func order(names: [String]) throws(GrammarError) -> [Int32] {
        enum Mark { case new, open, done }
        var marks = [Mark](repeating: .new, count: starts.count)
        var order = [Int32](repeating: 0, count: starts.count)
        var next = Int32(starts.count)
        for root in starts.indices where marks[root] == .new && starts[root] >= 0 {
            var stack = [(rule: root, call: states[Int(starts[root])].calls.lowerBound)]
            marks[root] = .open
            while let (rule, call) = stack.popLast() {
                guard call < states[Int(starts[rule])].calls.upperBound else {
                    marks[rule] = .done
                    next -= 1
                    order[rule] = next
                    continue
                }
                stack.append((rule, call + 1))
                let callee = Int(calls[Int(call)].rule)
                switch marks[callee] {
                case .done: break
                case .open: throw .leftRecursion(rule: callee < names.count ? names[callee] : "of a repetition")
                case .new:
                    marks[callee] = .open
                    stack.append((callee, states[Int(starts[callee])].calls.lowerBound))
                }
            }
        }
        return order
    }
}
