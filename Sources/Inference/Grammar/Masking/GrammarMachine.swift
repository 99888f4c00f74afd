/// Runs a grammar over bytes, and remembers where it has been.
///
/// A place in a text is a set of items, each a state with the frame of the rule it is in; a frame says where the callers
/// go on. Frames and places with the same content are one, so places come back (inside a string each character leads to
/// the place it came from), and the ways between them make a table that is filled as it is asked for. All callers of a
/// rule at one place share its frame, which keeps ambiguous grammars from multiplying; a call at the very end of a rule
/// takes over that rule's frame, so that lists written as recursion do not grow.
///
/// Belongs to one thread. What it answers never depends on what it remembers.
final class GrammarMachine {
    typealias Place = Int32

    struct Item: Hashable {
        let state: Int32
        let frame: Int32
    }

    /// Where nothing matches.
    static let nowhere: Place = 0
    /// What a table says of a way that was not looked at.
    static let unknown: Int32 = -1
    /// Nested deeper, an answer is of no use to anybody; readers of JSON give up at 512.
    static let depthLimit = 256
    /// The most items of a place: ways that lead to more are closed.
    static let itemLimit = 4096
    /// The most entries of the table of ways, 4 bytes each; a machine that holds more is replaced.
    private static let tableLimit = 1 << 22

    let program: GrammarProgram
    /// The place before any text.
    private(set) var start: Place = 0
    /// For each place and kind of byte the next place.
    private(set) var ways: [Int32] = []
    /// The number of items of each place.
    private(set) var sizes: [Int32] = []

    private let kindCount: Int
    private var items: [Item] = []
    private var itemEnds: [Int] = []
    private var isAccepting: [Bool] = []
    private var places: [[Item]: Place] = [:]
    /// Frame 0 belongs to the whole text: behind it there is nothing.
    private var frames: [[Item]: Int32] = [[]: 0]
    private var continuations: [[Item]] = [[]]
    private var depths: [Int32] = [0]

    init(_ program: GrammarProgram) {
        self.program = program
        kindCount = program.samples.count
        start = place([], isAccepting: false)
        start = settle([Item(state: program.starts[GrammarRules.root], frame: 0)])
    }

    /// Whether the machine should be replaced by an empty one.
    var isFull: Bool { ways.count > Self.tableLimit }

    /// Whether the text may end at `place`.
    func mayEnd(_ place: Place) -> Bool { isAccepting[Int(place)] }

    /// Whether the text cannot go on from `place`.
    func isDeadEnd(_ place: Place) -> Bool { content(place).allSatisfy { program.states[Int($0.state)].edges.isEmpty } }

    private func content(_ place: Place) -> ArraySlice<Item> {
        items[(place == 0 ? 0 : itemEnds[Int(place) - 1])..<itemEnds[Int(place)]]
    }

    /// The place after `byte`.
    func next(_ place: Place, _ byte: UInt8) -> Place { next(place, kind: Int(program.kinds[Int(byte)])) }

    /// The place after a byte of a kind.
    func next(_ place: Place, kind: Int) -> Place {
        let index = Int(place) * kindCount + kind
        if ways[index] >= 0 { return ways[index] }
        let byte = program.samples[kind]
        var reached: [Item] = []
        for item in content(place) {
            let state = program.states[Int(item.state)]
            for index in state.edges {
                let edge = program.edges[Int(index)]
                if edge.low <= byte, byte <= edge.high { reached.append(Item(state: edge.target, frame: item.frame)) }
            }
        }
        let target = settle(reached)
        ways[index] = target
        return target
    }

    /// The place of these items with all that follows from them without a byte: rules that ended, and rules that begin.
    private func settle(_ reached: [Item]) -> Place {
        var found: [Item] = []
        var seen: Set<Item> = []
        var mayEnd = false
        var queue = reached
        while let item = queue.popLast() {
            let state = program.states[Int(item.state)]
            guard Int(depths[Int(item.frame)] + state.depth) <= Self.depthLimit, seen.insert(item).inserted else {
                continue
            }
            guard found.count < Self.itemLimit else { return Self.nowhere }
            if state.isFinal {
                if item.frame == 0 { mayEnd = true }
                queue += continuations[Int(item.frame)]
            }
            if !state.isEnd { found.append(item) }
        }
        var begun: [(order: Int32, rule: Int32, callers: [Item])] = []
        for item in found { call(from: item, &begun) }
        // Rules that can begin with others come before them, so all callers of a rule are known when its turn comes.
        while let index = begun.indices.min(by: { begun[$0].order < begun[$1].order }) {
            let (_, rule, callers) = begun.remove(at: index)
            let item = Item(state: program.starts[Int(rule)], frame: frame(callers))
            guard found.count < Self.itemLimit else { return Self.nowhere }
            if !program.states[Int(item.state)].isEnd, seen.insert(item).inserted {
                found.append(item)
                call(from: item, &begun)
            }
        }
        return place(found, isAccepting: mayEnd)
    }

    private func call(from item: Item, _ begun: inout [(order: Int32, rule: Int32, callers: [Item])]) {
        for index in program.states[Int(item.state)].calls {
            let call = program.calls[Int(index)]
            let caller = Item(state: call.target, frame: item.frame)
            // Only calls that can come back within the limit: those that share a frame share its depth.
            let inside = 1 + program.states[Int(program.starts[Int(call.rule)])].depth
            let after = program.states[Int(call.target)].depth
            guard Int(depths[Int(item.frame)] + max(inside, after)) <= Self.depthLimit else { continue }
            if let known = begun.firstIndex(where: { $0.rule == call.rule }) {
                begun[known].callers.append(caller)
            } else {
                begun.append((program.order[Int(call.rule)], call.rule, [caller]))
            }
        }
    }

    /// The frame of a rule with these callers.
    private func frame(_ callers: [Item]) -> Int32 {
        var content: Set<Item> = []
        for caller in callers {
            // Where the caller has nothing more to do, its own callers take its place.
            if program.states[Int(caller.state)].isEnd, caller.frame != 0 {
                content.formUnion(continuations[Int(caller.frame)])
            } else {
                content.insert(caller)
            }
        }
        let ends = content.contains { $0.frame == 0 && program.states[Int($0.state)].isEnd }
        if ends, content.count == 1 { return 0 }
        return frame(sorted: content.sorted { ($0.state, $0.frame) < ($1.state, $1.frame) })
    }

    private func frame(sorted content: [Item]) -> Int32 {
        if let known = frames[content] { return known }
        let number = Int32(continuations.count)
        frames[content] = number
        continuations.append(content)
        depths.append(1 + (content.map { depths[Int($0.frame)] }.max() ?? 0))
        return number
    }

    private func place(_ found: [Item], isAccepting: Bool) -> Place {
        // The end of the whole text is an item too, or two places that differ in it would be one.
        var key = found.sorted { ($0.state, $0.frame) < ($1.state, $1.frame) }
        if isAccepting { key.append(Item(state: -1, frame: -1)) }
        if let known = places[key] { return known }
        let number = Place(itemEnds.count)
        places[key] = number
        items += isAccepting ? key.dropLast() : key[...]
        itemEnds.append(items.count)
        sizes.append(Int32(found.count))
        self.isAccepting.append(isAccepting)
        let way = found.isEmpty ? Self.nowhere : Self.unknown
        ways += repeatElement(way, count: kindCount)
        return number
    }

    /// A machine that knows nothing but `kept`, whose numbers become those of the new machine.
    func successor(keeping kept: inout [Place]) -> GrammarMachine {
        let successor = GrammarMachine(program)
        var needed: Set<Int32> = []
        var queue = kept.flatMap { content($0).map(\.frame) }
        while let frame = queue.popLast() {
            guard needed.insert(frame).inserted else { continue }
            queue += continuations[Int(frame)].map(\.frame)
        }
        // A frame has a higher number than those behind it.
        var numbers: [Int32: Int32] = [0: 0]
        func moved(_ content: some Sequence<Item>) -> [Item] {
            content.map { Item(state: $0.state, frame: numbers[$0.frame] ?? 0) }
        }
        for frame in needed.sorted() where frame != 0 {
            let content = moved(continuations[Int(frame)]).sorted { ($0.state, $0.frame) < ($1.state, $1.frame) }
            numbers[frame] = successor.frame(sorted: content)
        }
        for index in kept.indices {
            let place = kept[index]
            kept[index] = successor.place(moved(content(place)), isAccepting: mayEnd(place))
        }
        return successor
    }
}
