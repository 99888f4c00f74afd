/// An expression of a grammar.
indirect enum GrammarNode: Hashable, Sendable {
    /// No text at all, not even an empty one.
    case never
    /// These bytes.
    case literal([UInt8])
    /// One of these characters.
    case characters(ScalarSet)
    /// One after the other; the empty text if there are none.
    case sequence([GrammarNode])
    /// Any of them.
    case choice([GrammarNode])
    /// As often as `least` to `most`; `nil` for any number.
    case repeated(GrammarNode, least: Int, most: Int?)
    /// The rule of this number.
    case rule(Int)
    /// Members in order, `separator` between any two, those that are not required left out or not, then any number of
    /// `rest`: at least one in all.
    case members([Member], rest: GrammarNode?, separator: GrammarNode)

    /// A member of a list.
    struct Member: Hashable, Sendable {
        let node: GrammarNode
        let isRequired: Bool
    }

    static let empty = GrammarNode.sequence([])

    static func text(_ text: String) -> GrammarNode { .literal(Array(text.utf8)) }

    static func optional(_ node: GrammarNode) -> GrammarNode { .repeated(node, least: 0, most: 1) }

    /// About how many states it takes.
    var size: Int {
        switch self {
        case .never: 0
        case .literal(let bytes): bytes.count
        case .characters(let set): set.isASCII ? 1 : 8
        case .sequence(let nodes), .choice(let nodes): nodes.reduce(1) { $0 &+ $1.size }
        case .repeated(let node, let least, let most): max(least, most ?? 1, 1).clamped &* node.size.clamped &+ 1
        case .rule: 1
        case .members(let members, let rest, _): members.reduce(rest?.size ?? 0) { $0 &+ $1.node.size &+ 2 }
        }
    }
}

extension Int {
    /// Small enough that a product of two is a number.
    fileprivate var clamped: Int { Swift.min(self, 1 << 24) }
}
