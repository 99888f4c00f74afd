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
        let bytes = (UInt8.min...UInt8.max).filter { machine.next(place, $0) != GrammarMachine.nowhere }
        guard !bytes.isEmpty else { return nil }
        // Closing brackets and quotes come more often, so that texts end.
        let closing = bytes.filter { $0 == 0x7D || $0 == 0x5D || $0 == 0x22 }
        let from = !closing.isEmpty && generator.next() % 3 == 0 ? closing : bytes
        let byte = from[Int(generator.next() % UInt64(from.count))]
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
