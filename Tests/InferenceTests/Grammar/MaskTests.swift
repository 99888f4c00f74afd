import Testing

@testable import Inference

@Suite struct `Token masks` {
    /// Tokens as byte-level vocabularies have them: single bytes, pieces of characters, long ones, and some twice.
    private static let pieces: [[UInt8]] = {
        var pieces: [[UInt8]] = (UInt8.min...UInt8.max).map { [$0] }
        pieces += [
            "{\"", "\":", "\",\"", "true", "null", "abc", " ", "  ", "\n  ", "0.5", "é", "ab", "aa", "aaaa", "]}",
        ].map {
            Array($0.utf8)
        }
        // Parts of characters, ends of one with the start of another.
        pieces += [[0xC3], [0xF0, 0x9F], [0x98, 0x80, 0x22], [0xA9, 0xC3], [0x61, 0xF0, 0x9F, 0x98]]
        pieces += [[], Array("ab".utf8), [UInt8](repeating: 0x61, count: 300)]
        return pieces
    }()

    private func bruteForce(_ machine: GrammarMachine, _ place: GrammarMachine.Place, dropsSpace: Bool) -> Set<Int> {
        Set(
            Self.pieces.indices.filter { index in
                var bytes = Self.pieces[index][...]
                guard bytes.count <= TokenTrie.lengthLimit else { return false }
                if dropsSpace, bytes.first == 0x20 { bytes.removeFirst() }
                guard !bytes.isEmpty else { return false }
                return bytes.reduce(place) { machine.next($0, $1) } != GrammarMachine.nowhere
            }
        )
    }

    private func bits(_ mask: [UInt32]) -> Set<Int> {
        Set((0..<mask.count * 32).filter { mask[$0 / 32] >> UInt32($0 % 32) & 1 == 1 })
    }

    @Test func `are what trying every token gives`() throws {
        let trie = TokenTrie(Self.pieces.enumerated().map { (TokenID($0.offset), $0.element) })
        let mask = TokenMask(trie: trie, count: Self.pieces.count)
        var generator = SplitMix64(seed: 7)
        var programs = [Grammar.jsonObject.program]
        while programs.count < 60 {
            if let program = try? GrammarProgram(RandomGrammar.rules(&generator)) { programs.append(program) }
        }
        for program in programs {
            for _ in 0..<4 {
                let machine = GrammarMachine(program)
                let text = randomText(program, length: 30, using: &generator) ?? []
                for length in Set([0, text.count, text.count / 2, text.count / 3]) {
                    let place = text.prefix(length).reduce(machine.start) { machine.next($0, $1) }
                    for dropsSpace in [false, true] {
                        let found = try #require(mask.tokens(at: place, of: machine, dropsSpace: dropsSpace))
                        #expect(bits(found) == bruteForce(machine, place, dropsSpace: dropsSpace))
                    }
                }
            }
        }
    }

    @Test func `are the same for a machine that has forgotten`() throws {
        let trie = TokenTrie(Self.pieces.enumerated().map { (TokenID($0.offset), $0.element) })
        let mask = TokenMask(trie: trie, count: Self.pieces.count)
        var generator = SplitMix64(seed: 8)
        for _ in 0..<20 {
            let machine = GrammarMachine(Grammar.jsonObject.program)
            let text = try #require(randomText(machine.program, length: 60, using: &generator))
            let place = text.prefix(text.count / 2).reduce(machine.start) { machine.next($0, $1) }
            var kept = [place, machine.start]
            let other = machine.successor(keeping: &kept)
            #expect(
                mask.tokens(at: place, of: machine, dropsSpace: false)
                    == mask.tokens(at: kept[0], of: other, dropsSpace: false)
            )
            #expect(kept[1] == other.start)
            let end = text.dropFirst(text.count / 2).reduce(kept[0]) { other.next($0, $1) }
            #expect(other.mayEnd(end))
        }
    }

    @Test func `close ways that nest too deep to come back`() throws {
        let machine = GrammarMachine(Grammar.jsonObject.program)
        var place = machine.start
        var depth = 0
        for byte in "{\"a\":".utf8 { place = machine.next(place, byte) }
        while true {
            let next = machine.next(place, UInt8(ascii: "["))
            if next == GrammarMachine.nowhere { break }
            place = next
            depth += 1
        }
        #expect(depth > 50 && depth <= GrammarMachine.depthLimit)
        place = machine.next(place, UInt8(ascii: "1"))
        for _ in 0..<depth { place = machine.next(place, UInt8(ascii: "]")) }
        place = machine.next(place, UInt8(ascii: "}"))
        #expect(machine.mayEnd(place) && machine.isDeadEnd(place))
    }

    @Test func `stay cheap where a grammar is ambiguous`() throws {
        // Each a may belong to any of the rules, at any depth.
        let text = "root ::= s\ns ::= \"a\" x \"b\" | \"a\" y \"c\" | \"d\"\nx ::= s | \"a\"* \ny ::= s | [a-c]*"
        let machine = GrammarMachine(try Grammar(gbnf: text).program)
        var place = machine.start
        for _ in 0..<200 { place = machine.next(place, UInt8(ascii: "a")) }
        #expect(place != GrammarMachine.nowhere)
        #expect(Int(machine.sizes[Int(place)]) < GrammarMachine.itemLimit)
    }

    @Test func `give up on a grammar with too many ways on`() throws {
        // Every byte doubles what may have been meant.
        let rules = (0..<200).map { "r\($0) ::= [a-z] r\(($0 * 7 + 1) % 200) | [a-z] r\(($0 * 3 + 2) % 200) | \"!\"\n" }
        let program = try Grammar(gbnf: "root ::= r0 \"?\"\n" + rules.joined()).program
        var pieces: [(token: TokenID, bytes: [UInt8])] = []
        var generator = SplitMix64(seed: 1)
        for id in 0..<40_000 { pieces.append((TokenID(id), (0..<8).map { _ in UInt8(0x61 + generator.below(26)) })) }
        let mask = TokenMask(trie: TokenTrie(pieces), count: pieces.count)
        let machine = GrammarMachine(program)
        let tokens = mask.tokens(at: machine.start, of: machine, dropsSpace: false)
        #expect(tokens == nil || tokens?.contains { $0 != 0 } == true)
    }
}

@Suite struct `Sets of characters` {
    @Test func `have exactly their UTF-8 forms`() {
        var generator = SplitMix64(seed: 5)
        let edges: [UInt32] = [
            0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF, 0x61, 0x3C0, 0x1F600,
        ]
        for _ in 0..<200 {
            let ranges = (0..<3).map { _ -> ClosedRange<UInt32> in
                let a = generator.pick(edges) &+ UInt32(generator.below(3))
                let b = generator.pick(edges)
                return min(a, b)...max(a, b)
            }
            let set = ScalarSet(ranges)
            let forms = set.utf8
            for edge in edges {
                for value in [edge, edge &+ 1, edge &- 1] {
                    guard let scalar = Unicode.Scalar(value) else {
                        #expect(!set.contains(value))
                        continue
                    }
                    let bytes = Array(String(scalar).utf8)
                    let matching = forms.count { form in
                        form.count == bytes.count && zip(form, bytes).allSatisfy { $0.contains($1) }
                    }
                    #expect(matching == (ranges.contains { $0.contains(value) } ? 1 : 0))
                    #expect(set.inverted.contains(value) != set.contains(value))
                }
            }
        }
    }
}
