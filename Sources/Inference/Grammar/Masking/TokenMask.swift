internal import InferenceKernels

/// Finds the tokens that may come at places of a grammar.
///
/// Walks the tree of tokens and the grammar's table together: a token costs as many steps as its bytes, less those it
/// shares with the token before it.
struct TokenMask {
    /// The most items of places that one walk may see; the work of about a second.
    static let workLimit = 1 << 23

    private let trie: TokenTrie
    private let count: Int

    /// Masks of `count` tokens.
    init(trie: TokenTrie, count: Int) {
        self.trie = trie
        self.count = count
    }

    /// A bit for each token, set if the token may come at `place`; end tokens aside.
    ///
    /// - Parameter dropsSpace: whether a space at the beginning of a token is not part of the text.
    /// - Returns: `nil` when the grammar has so many ways on that looking at them all takes too long.
    func tokens(at place: GrammarMachine.Place, of machine: GrammarMachine, dropsSpace: Bool) -> [UInt32]? {
        var walk = Walk(machine: machine, place: place, words: (count + 31) / 32)
        guard dropsSpace, let space = trie.root(0x20) else {
            return walk.run(0..<trie.count, trie) ? walk.mask : nil
        }
        let below = space + 1..<Int(trie.ends[space])
        guard walk.run(0..<space, trie) else { return nil }
        walk.places[1] = walk.places[0]
        guard walk.run(below, trie), walk.run(below.upperBound..<trie.count, trie) else { return nil }
        return walk.mask
    }

    private struct Walk {
        var machine: GrammarMachine
        /// The place after each byte of the token being looked at.
        var places: [GrammarMachine.Place]
        var mask: [UInt32]
        var work = 0

        init(machine: GrammarMachine, place: GrammarMachine.Place, words: Int) {
            self.machine = machine
            places = Array(repeating: GrammarMachine.nowhere, count: TokenTrie.lengthLimit + 1)
            places[0] = place
            mask = Array(repeating: 0, count: words)
        }

        /// Looks at some nodes; answers whether that was within the limit.
        mutating func run(_ nodes: Range<Int>, _ trie: TokenTrie) -> Bool {
            var node = UInt32(nodes.lowerBound)
            while node < nodes.upperBound {
                var step = ik_step(node: node, end: UInt32(nodes.upperBound), work: 0)
                unsafe withTables(trie) { trie, grammar, places, mask in
                    unsafe ik_walk(trie, grammar, &step, places, mask)
                }
                node = step.node
                work += Int(step.work)
                guard work <= TokenMask.workLimit else { return false }
                guard node < nodes.upperBound else { break }
                // The way to this node is not in the table yet.
                if machine.isFull { machine = machine.successor(keeping: &places) }
                _ = machine.next(places[Int(trie.depths[Int(node)]) - 1], trie.bytes[Int(node)])
            }
            return true
        }

        private mutating func withTables(
            _ trie: TokenTrie,
            _ body: (
                UnsafePointer<ik_trie>, UnsafePointer<ik_grammar>, UnsafeMutablePointer<Int32>,
                UnsafeMutablePointer<UInt32>
            ) -> Void
        ) {
            let kinds = machine.program.kinds
            unsafe trie.bytes.withUnsafeBufferPointer { bytes in
                unsafe trie.depths.withUnsafeBufferPointer { depths in
                    unsafe trie.ends.withUnsafeBufferPointer { ends in
                        unsafe trie.firstTokens.withUnsafeBufferPointer { firstTokens in
                            unsafe trie.tokens.withUnsafeBufferPointer { tokens in
                                var tree = unsafe ik_trie(
                                    bytes: bytes.baseAddress,
                                    depths: depths.baseAddress,
                                    ends: ends.baseAddress,
                                    first_tokens: firstTokens.baseAddress,
                                    tokens: tokens.baseAddress
                                )
                                unsafe machine.withTables { ways, sizes in
                                    unsafe kinds.withUnsafeBufferPointer { kinds in
                                        var grammar = unsafe ik_grammar(
                                            ways: ways,
                                            sizes: sizes,
                                            kinds: kinds.baseAddress,
                                            kind_count: UInt32(machine.program.samples.count)
                                        )
                                        unsafe body(&tree, &grammar, &places, &mask)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

extension GrammarMachine {
    /// Hands the tables to a kernel.
    fileprivate func withTables(_ body: (UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Void) {
        unsafe ways.withUnsafeBufferPointer { ways in
            unsafe sizes.withUnsafeBufferPointer { sizes in unsafe body(ways.baseAddress, sizes.baseAddress) }
        }
    }
}
