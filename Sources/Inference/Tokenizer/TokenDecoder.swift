/// Turns a stream of token ids into text, holding back the bytes of a character until the last one has come.
///
/// What the calls return, put together, is the decoding of all bytes at once: characters whole, and U+FFFD for bytes that
/// are no UTF-8.
public struct TokenDecoder: Sendable {
    private let tokenizer: Tokenizer
    private var pending: [UInt8] = []
    /// SentencePiece writes a space before the first word that the text does not have.
    private var dropsLeadingSpace: Bool

    /// A decoder at the start of a text.
    public init(tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
        switch tokenizer.encoding {
        case .bytePairs: dropsLeadingSpace = false
        case .sentencePiece(_, let addsSpacePrefix): dropsLeadingSpace = addsSpacePrefix
        case .wordPiece: dropsLeadingSpace = true
        }
    }

    /// The text that a token completes; empty in the middle of a character, and for control tokens that are no marks of
    /// thoughts or tool calls.
    public mutating func append(_ id: TokenID) -> String {
        var bytes = tokenizer.bytes(of: id, includingControl: tokenizer.marks.contains(id))
        guard !bytes.isEmpty else { return "" }
        if dropsLeadingSpace {
            dropsLeadingSpace = false
            if bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
        }
        pending += bytes
        let held = Self.incompleteSuffix(of: pending)
        let text = String(decoding: pending.dropLast(held), as: UTF8.self)
        pending.removeFirst(pending.count - held)
        return text
    }

    /// What is left when no more tokens come: U+FFFD for a character that was not completed.
    public mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// How many bytes at the end may still become a character: fewer than four.
    static func incompleteSuffix(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let first = bytes[bytes.count - length]
            if first & 0xC0 == 0x80 { continue }
            guard length < expectedLength(first) else { return 0 }
            guard length > 1 else { return 1 }
            // The second byte of some sequences is bounded further: no overlong forms, surrogates or scalars above 10FFFF.
            return secondBytes(first).contains(bytes[bytes.count - length + 1]) ? length : 0
        }
        return 0
    }

    private static func expectedLength(_ first: UInt8) -> Int {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    private static func secondBytes(_ first: UInt8) -> ClosedRange<UInt8> {
        switch first {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
    }
}
