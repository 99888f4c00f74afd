@testable import Inference

/// Matches texts against an expression of a grammar by trying every way, without an automaton: an oracle for it.
///
/// Works on whole characters and remembers the ends of each part at each place.
struct GrammarReader {
    private struct Key: Hashable {
        let node: GrammarNode
        let start: Int
    }

    private let nodes: [GrammarNode]
    private let text: [UInt8]
    private var known: [Key: Set<Int>] = [:]

    private init(_ rules: GrammarRules, _ text: [UInt8]) {
        nodes = rules.nodes
        self.text = text
    }

    /// Whether the whole text matches the root.
    static func matches(_ text: [UInt8], _ rules: GrammarRules) -> Bool {
        var reader = GrammarReader(rules, text)
        return reader.ends(.rule(GrammarRules.root), 0).contains(text.count)
    }

    private mutating func ends(_ node: GrammarNode, _ start: Int) -> Set<Int> {
        let key = Key(node: node, start: start)
        if let ends = known[key] { return ends }
        // A rule that begins with itself adds nothing to what its other ways find.
        known[key] = []
        let ends = find(node, start)
        known[key] = ends
        return ends
    }

    private mutating func ends(_ node: GrammarNode, _ starts: Set<Int>) -> Set<Int> {
        var all: Set<Int> = []
        for start in starts { all.formUnion(ends(node, start)) }
        return all
    }

    private mutating func find(_ node: GrammarNode, _ start: Int) -> Set<Int> {
        switch node {
        case .never: return []
        case .literal(let bytes): return text[start...].starts(with: bytes) ? [start + bytes.count] : []
        case .characters(let set):
            for length in 1...4 where start + length <= text.count {
                let bytes = Array(text[start..<start + length])
                guard let string = String(validating: bytes, as: UTF8.self), string.unicodeScalars.count == 1 else {
                    continue
                }
                return string.unicodeScalars.allSatisfy { set.contains($0.value) } ? [start + length] : []
            }
            return []
        case .sequence(let nodes):
            var places: Set<Int> = [start]
            for node in nodes { places = ends(node, places) }
            return places
        case .choice(let nodes):
            var all: Set<Int> = []
            for node in nodes { all.formUnion(ends(node, start)) }
            return all
        case .repeated(let node, let least, let most): return repeated(node, least, most, start)
        case .rule(let rule): return ends(nodes[rule], start)
        case .members(let members, let rest, let separator):
            // Whether something was said before each place.
            var silent: Set<Int> = [start]
            var said: Set<Int> = []
            for member in members {
                let next = ends(member.node, silent.union(ends(separator, said)))
                if member.isRequired { (silent, said) = ([], next) } else { said.formUnion(next) }
            }
            if let rest {
                let first = ends(rest, silent.union(ends(separator, said)))
                said.formUnion(first)
                for start in first { said.formUnion(repeated(.sequence([separator, rest]), 0, nil, start)) }
            }
            return said
        }
    }

    private mutating func repeated(_ node: GrammarNode, _ least: Int, _ most: Int?, _ start: Int) -> Set<Int> {
        var places: Set<Int> = [start]
        for _ in 0..<least { places = ends(node, places) }
        var all = places
        var times = least
        while !places.isEmpty, times < most ?? .max {
            places = ends(node, places).subtracting(all)
            all.formUnion(places)
            times += 1
        }
        return all
    }
}
