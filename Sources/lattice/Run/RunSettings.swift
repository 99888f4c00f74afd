import Inference

/// How answers of `lattice run` are written; a conversation can change it.
struct RunSettings: Sendable {
    /// A value that cannot be used.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// Wild enough to be of use, tame enough for small models.
    static let usualTemperature = 0.7

    var system: String?
    var temperature = Self.usualTemperature
    var topP = 1.0
    var topK = 0
    var minP = 0.0
    /// Drawn for each answer where there is none.
    var seed: UInt64?
    var maxTokens: Int?
    var thinking: Bool?
    var isVerbose = false
    var grammar: ReceiptFile.GrammarSource?

    /// The names that `set` knows, with what they take.
    static let names = [
        ("temperature", "0 to 2; 0 always takes the most likely token"), ("top-p", "above 0, up to 1"),
        ("top-k", "0 for all"), ("min-p", "0 to 1"), ("seed", "a number, or off for another each time"),
        ("max-tokens", "the most tokens of an answer, or off"), ("thinking", "on, off or auto"),
        ("verbose", "on or off"), ("system", "what the model is told before the conversation"),
    ]

    /// Changes a value by its name.
    mutating func set(_ name: String, to text: String) throws(Fault) {
        switch name {
        case "temperature": temperature = try Self.number(text, name, 0...2)
        case "top-p":
            let value = try Self.number(text, name, 0...1)
            guard value > 0 else { throw Fault(description: "top-p is above 0 and up to 1.") }
            topP = value
        case "min-p": minP = try Self.number(text, name, 0...1)
        case "top-k": topK = try Self.whole(text, name, 0...1_000_000)
        case "seed":
            guard text != "off" else { return seed = nil }
            guard let value = UInt64(text) else { throw Fault(description: "seed is a whole number, or off.") }
            seed = value
        case "max-tokens": maxTokens = text == "off" ? nil : try Self.whole(text, name, 1...1_000_000)
        case "thinking":
            guard ["on", "off", "auto"].contains(text) else { throw Fault(description: "thinking is on, off or auto.") }
            thinking = text == "auto" ? nil : text == "on"
        case "verbose":
            guard ["on", "off", ""].contains(text) else { throw Fault(description: "verbose is on or off.") }
            isVerbose = text != "off"
        case "system": system = text.isEmpty ? nil : text
        default:
            let names = Self.names.map(\.0).joined(separator: ", ")
            throw Fault(description: "there is no '\(name.printable)' to set; there are \(names).")
        }
    }

    /// The values, for people.
    var rows: [(String, String)] {
        [
            ("temperature", "\(temperature)"), ("top-p", "\(topP)"), ("top-k", "\(topK)"), ("min-p", "\(minP)"),
            ("seed", seed.map { "\($0)" } ?? "off"), ("max-tokens", maxTokens.map { "\($0)" } ?? "off"),
            ("thinking", thinking.map { $0 ? "on" : "off" } ?? "auto"), ("verbose", isVerbose ? "on" : "off"),
            ("system", system?.printable ?? ""),
        ]
    }

    /// How the tokens of the next answer are chosen.
    var sampling: Sampling {
        var sampling = Sampling(temperature: temperature, topK: topK, topP: topP, minP: minP)
        if let seed { sampling.seed = seed }
        return sampling
    }

    private static func number(_ text: String, _ name: String, _ range: ClosedRange<Double>) throws(Fault) -> Double {
        guard let value = Double(text), range.contains(value) else {
            throw Fault(description: "\(name) is a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    private static func whole(_ text: String, _ name: String, _ range: ClosedRange<Int>) throws(Fault) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw Fault(description: "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }
}
