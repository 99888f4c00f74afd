@testable import Inference

/// Whether `text` is a text of `grammar`.
func accepts(_ grammar: Grammar, _ text: String) -> Bool { accepts(grammar.program, Array(text.utf8)) }

/// Whether `text` is a text of `program`.
func accepts(_ program: GrammarProgram, _ text: [UInt8]) -> Bool {
    let machine = GrammarMachine(program)
    return machine.mayEnd(text.reduce(machine.start) { machine.next($0, $1) })
}

/// A text of `program`, each byte drawn from those that may come; prefers to end after `length` bytes.
func randomText(
    _ program: GrammarProgram,
    length: Int,
    limit: Int = 20_000,
    using generator: inout SplitMix64
) -> [UInt8]? {
    let machine = GrammarMachine(program)
    var place = machine.start
    var text: [UInt8] = []
    while text.count < limit {
        if machine.mayEnd(place), machine.isDeadEnd(place) || text.count >= length || generator.next() % 8 == 0 {
            return text
        }
        let kinds = program.samples.indices.filter { machine.next(place, kind: $0) != GrammarMachine.nowhere }
        guard !kinds.isEmpty else { return nil }
        // Closing brackets and quotes come more often, so that texts end.
        let closing = kinds.filter { [0x7D, 0x5D, 0x22].contains(program.samples[$0]) }
        let kind = generator.pick(!closing.isEmpty && generator.below(3) == 0 ? closing : kinds)
        let first = Int(program.samples[kind])
        let end = kind + 1 < program.samples.count ? Int(program.samples[kind + 1]) : 256
        let byte = UInt8(first + generator.below(end - first))
        text.append(byte)
        place = machine.next(place, byte)
    }
    return nil
}

extension SplitMix64 {
    /// A number below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// One of some.
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
