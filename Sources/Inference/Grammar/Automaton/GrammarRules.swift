/// The rules of a grammar under construction; rule 0 describes a whole text.
struct GrammarRules {
    static let root = 0

    private(set) var names: [String] = ["root"]
    private(set) var nodes: [GrammarNode] = [.never]
    private var shared: [String: Int] = [:]

    /// Adds a rule that is to be defined.
    mutating func add(_ name: String) -> Int {
        names.append(name)
        nodes.append(.never)
        return names.count - 1
    }

    /// Says what a rule is.
    mutating func define(_ rule: Int, _ node: GrammarNode) { nodes[rule] = node }

    /// The rule of a name that is made once.
    mutating func shared(_ name: String, _ make: (inout GrammarRules) -> GrammarNode) -> Int {
        if let rule = shared[name] { return rule }
        let rule = add(name)
        shared[name] = rule
        let node = make(&self)
        define(rule, node)
        return rule
    }
}
