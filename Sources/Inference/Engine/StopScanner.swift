/// Finds stop strings in a stream of text, and holds back what may become one.
///
/// Works on UTF-8 bytes: a stop string starts with the first byte of a character, so every cut is between characters.
struct StopScanner {
    private let stops: [[UInt8]]
    private var held: [UInt8] = []

    init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) } }

    /// Takes more text; answers what is safe to show, and whether a stop string came.
    ///
    /// After a stop string the scanner holds nothing.
    mutating func append(_ text: String) -> (text: String, isStopped: Bool) {
        guard !stops.isEmpty else { return (text, false) }
        held += text.utf8
        for start in held.indices where stops.contains(where: { held[start...].starts(with: $0) }) {
            defer { held = [] }
            return (String(decoding: held[..<start], as: UTF8.self), true)
        }
        let start = held.indices.first { start in stops.contains { $0.starts(with: held[start...]) } } ?? held.count
        defer { held.removeFirst(start) }
        return (String(decoding: held[..<start], as: UTF8.self), false)
    }

    /// What was held back, when no more text comes.
    mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }
}
