/// Where an answer stands in its grammar, and which tokens may come next.
///
/// A value: a copy goes its own way. What it answers depends on the grammar and the tokens accepted alone; what the
/// machine behind it remembers only saves time.
struct GrammarConstraint {
    private let vocabulary: GrammarVocabulary
    private var memory: GrammarMemory
    private var place: GrammarMachine.Place
    private var dropsSpace: Bool

    /// The beginning of an answer.
    init(_ memory: GrammarMemory, vocabulary: GrammarVocabulary) {
        self.vocabulary = vocabulary
        self.memory = memory
        place = memory.machine.start
        dropsSpace = vocabulary.dropsLeadingSpace
    }

    /// Whether the answer may end here.
    var mayEnd: Bool { memory.machine.mayEnd(place) }

    /// Whether the answer is whole and cannot go on.
    var isComplete: Bool { mayEnd && memory.machine.isDeadEnd(place) }

    /// Whether `token` may come next.
    func allows(_ token: TokenID) -> Bool {
        vocabulary.endTokens.contains(token) ? mayEnd : after(token) != nil
    }

    /// The place after `token`, or `nil` when it must not come.
    private func after(_ token: TokenID) -> GrammarMachine.Place? {
        var bytes = vocabulary.bytes(of: token)[...]
        if dropsSpace, bytes.first == 0x20 { bytes.removeFirst() }
        guard !bytes.isEmpty else { return nil }
        var place = place
        for byte in bytes {
            place = memory.machine.next(place, byte)
            if place == GrammarMachine.nowhere { return nil }
        }
        return place
    }

    /// A bit for each token, set if the token may come next.
    func mask() throws(ModelError) -> [UInt32] {
        let mask: [UInt32]
        if let known = memory.masks[place], !dropsSpace {
            mask = known
        } else {
            let walk = TokenMask(trie: vocabulary.trie, count: vocabulary.count)
            guard let found = walk.tokens(at: place, of: memory.machine, dropsSpace: dropsSpace) else {
                throw .grammar("it has too many ways on to look at them all")
            }
            mask = found
            if !dropsSpace { memory.remember(mask, at: place) }
        }
        guard mayEnd else {
            if mask.allSatisfy({ $0 == 0 }) { throw .grammar("no token of the model can come next") }
            return mask
        }
        var ending = mask
        for token in vocabulary.endTokens { ending[Int(token) / 32] |= 1 << UInt32(token % 32) }
        return ending
    }

    /// Goes on to the place after `token`, one that may come next.
    mutating func accept(_ token: TokenID) {
        guard !vocabulary.endTokens.contains(token) else { return }
        place = after(token) ?? GrammarMachine.nowhere
        dropsSpace = false
        if memory.machine.isFull {
            var kept = [place]
            memory = GrammarMemory(memory.machine.successor(keeping: &kept))
            place = kept[0]
        }
    }
}

/// A machine and the masks of its places, shared by the answers under one grammar.
final class GrammarMemory {
    /// The most bytes of masks that are kept.
    private static let maskLimit = 1 << 24

    let machine: GrammarMachine
    private(set) var masks: [GrammarMachine.Place: [UInt32]] = [:]

    init(_ machine: GrammarMachine) { self.machine = machine }

    /// Keeps the mask of a place, in place of all others when there are too many.
    func remember(_ mask: [UInt32], at place: GrammarMachine.Place) {
        if (masks.count + 1) * mask.count * 4 > Self.maskLimit { masks = [:] }
        masks[place] = mask
    }
}
