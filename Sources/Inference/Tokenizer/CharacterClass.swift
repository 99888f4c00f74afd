/// What a pre-tokenizer's expression distinguishes: `\p{L}`, `\p{N}`, `\s` and the rest.
enum CharacterClass: Sendable {
    case letter, number, whitespace, other

    init(_ scalar: UInt32) {
        switch scalar {
        case 0x61...0x7A, 0x41...0x5A: self = .letter
        case 0x30...0x39: self = .number
        case 0x20, 0x09...0x0D: self = .whitespace
        case 0..<0x80: self = .other
        default: self = Self.beyondASCII(scalar)
        }
    }

    private static func beyondASCII(_ scalar: UInt32) -> CharacterClass {
        guard let properties = Unicode.Scalar(scalar)?.properties else { return .other }
        return switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: properties.isWhitespace ? .whitespace : .other
        }
    }
}

extension Span<UInt8> {
    /// The scalar that begins at a place of valid UTF-8, and how many bytes it takes.
    func scalar(at index: Int) -> (value: UInt32, length: Int) {
        let first = UInt32(self[index])
        // Bytes that are not UTF-8 do not occur; were they there, each would be taken for itself.
        let length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard length > 1, index + length <= count else { return (first, 1) }
        var value = first & (0x7F >> UInt32(length))
        for offset in 1..<length { value = value << 6 | UInt32(self[index + offset]) & 0x3F }
        return (value, length)
    }
}
